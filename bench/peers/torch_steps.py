#!/usr/bin/env python3
"""PyTorch's side of bench/trainer_peers.py: one thread, training steps of the models that the trainer is compared in.

A line of stdin names a contender (`MODEL VARIANT SECONDS`), a line of stdout answers with samples a second over so
many seconds of processor time, or with why there is none. Models and data are made at the first mention and warmed up.
How to get it: python3 -m venv DIR; DIR/bin/pip install torch numpy; PEER_PYTHON=DIR/bin/python.

What "fastest honest form" means here: all data in memory as normalised float32, a batch by index_select over a
permutation, fused optimizers, gradients set to None, losses added up without leaving the framework (the trainer counts
right answers in each step as well), malloc told to keep its pages (set by the caller), images channels last or not,
whichever is faster (both are variants), torch.compile over model and loss where the variant says so.
"""

import gzip
import json
import os
import sys
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MKL_NUM_THREADS", "1")
import numpy  # noqa: E402
import torch  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn import functional  # noqa: E402

torch.set_num_threads(1)
torch.set_flush_denormal(True)
FOLDER = "/usr/share/datasets/fashion-mnist"
BATCH = 128


def idx(name, skip):
    for folder in os.environ.get("DDL_DATA", "").split(":") + [FOLDER, "/usr/share/datasets"]:
        path = os.path.join(folder, name + ".gz")
        if os.path.exists(path):
            with gzip.open(path) as file:
                return numpy.frombuffer(file.read(), numpy.uint8, offset=skip)
    sys.exit(f"{name}.gz is not there: apt install dataset-fashion-mnist")


def fashion():
    pixels = torch.from_numpy(idx("train-images-idx3-ubyte", 16).reshape(60000, 784).copy())
    labels = torch.from_numpy(idx("train-labels-idx1-ubyte", 8).astype(numpy.int64))
    return (pixels.float() / 255 - 0.2860) / 0.3530, labels


def perceptron():
    return nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, 10))


def network():
    return nn.Sequential(nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
                         nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
                         nn.Linear(64 * 49, 128), nn.ReLU(), nn.Linear(128, 10))


class Block(nn.Module):
    """GPT-2's order: normalisation before attention and before the dense layers, exact GELU."""

    def __init__(self, width, heads):
        super().__init__()
        self.heads, self.width = heads, width
        self.before, self.between = nn.LayerNorm(width), nn.LayerNorm(width)
        self.queries, self.project = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.widen, self.narrow = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        rows, length, width = x.shape
        heads = (rows, length, self.heads, width // self.heads)
        q, k, v = (part.view(heads).transpose(1, 2) for part in self.queries(self.before(x)).split(width, dim=2))
        y = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.project(y.transpose(1, 2).reshape(rows, length, width))
        return x + self.narrow(functional.gelu(self.widen(self.between(x))))


class Text(nn.Module):
    def __init__(self, tokens, length=64, width=128, depth=4, heads=4):
        super().__init__()
        self.table, self.positions = nn.Embedding(tokens, width), nn.Embedding(length, width)
        self.blocks = nn.Sequential(*(Block(width, heads) for _ in range(depth)))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, tokens)
        self.register_buffer("places", torch.arange(length))

    def forward(self, tokens):
        x = self.table(tokens) + self.positions(self.places)
        return self.head(self.norm(self.blocks(x))).flatten(0, 1)


class Images:
    """Batches of Fashion-MNIST in a new order each epoch."""

    def __init__(self, shape=None, channels_last=False):
        self.pixels, self.labels = fashion()
        if shape:
            self.pixels = self.pixels.view(-1, *shape)
        if channels_last:
            self.pixels = self.pixels.contiguous(memory_format=torch.channels_last)
        self.at, self.order, self.samples = len(self.labels), None, BATCH

    def next(self):
        if self.at + BATCH > len(self.labels):
            self.at, self.order = 0, torch.randperm(len(self.labels))
        rows = self.order[self.at:self.at + BATCH]
        self.at += BATCH
        return self.pixels.index_select(0, rows), self.labels.index_select(0, rows)


class Windows:
    """Windows of Shakespeare that begin anywhere. Speed is told in characters, as the trainer's."""

    def __init__(self, batch=12, length=64):
        for folder in os.environ.get("DDL_DATA", "").split(":"):
            path = os.path.join(folder, "tinyshakespeare.txt")
            if folder and os.path.exists(path):
                text = numpy.fromfile(path, numpy.uint8)
                break
        else:
            raise FileNotFoundError("tinyshakespeare.txt is not in DDL_DATA")
        kinds, tokens = numpy.unique(text, return_inverse=True)
        self.tokens, self.kinds = torch.from_numpy(tokens.astype(numpy.int64)), len(kinds)
        self.batch, self.places, self.samples = batch, torch.arange(length + 1), batch * length

    def next(self):
        starts = torch.randint(len(self.tokens) - len(self.places), (self.batch, 1))
        window = self.tokens[starts + self.places]
        return window[:, :-1].contiguous(), window[:, 1:].flatten()


class Contender:
    """VARIANT: eager or compiled, and after a comma `last` for channels last."""

    def __init__(self, model, variant):
        words = variant.split(",")
        last = "last" in words
        if model == "gpt":
            self.source = Windows()
            self.model = Text(self.source.kinds)
        elif model == "cnn":
            self.source, self.model = Images((1, 28, 28), last), network()
        else:
            self.source, self.model = Images(), perceptron()
        if last:
            self.model = self.model.to(memory_format=torch.channels_last)
        parameters = self.model.parameters()
        if model == "gpt":
            self.optimizer = torch.optim.AdamW(parameters, 1e-3, fused=True)
        elif model == "mlp-adam":
            self.optimizer = torch.optim.Adam(parameters, 1e-3, fused=True)
        else:
            self.optimizer = torch.optim.SGD(parameters, 0.05, momentum=0.9, fused=True)
        self.loss_of = self.forward
        if "compiled" in words:
            self.loss_of = torch.compile(self.forward)
        self.run(2.0)

    def forward(self, x, y):
        return functional.cross_entropy(self.model(x), y)

    def run(self, seconds):
        start, steps, total = time.process_time(), 0, torch.zeros(())
        while time.process_time() - start < seconds:
            x, y = self.source.next()
            loss = self.loss_of(x, y)
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            self.optimizer.step()
            total += loss.detach()
            steps += 1
        return steps * self.source.samples / (time.process_time() - start)


def main():
    print(json.dumps({"torch": torch.__version__}), flush=True)
    known = {}
    for line in sys.stdin:
        model, variant, seconds = line.split()
        try:
            if (model, variant) not in known:
                known[model, variant] = Contender(model, variant)
            print(json.dumps({"samples_per_s": known[model, variant].run(float(seconds))}), flush=True)
        except Exception as problem:  # told to the caller, which shows it in the row
            print(json.dumps({"problem": f"{type(problem).__name__}: {problem}"[:200]}), flush=True)


if __name__ == "__main__":
    main()
