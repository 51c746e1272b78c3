#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Model steps a second of PyTorch on one GPU, to stand beside trainer_gpu_bench: a training step
(batch, forward, backward, Adam) of the MLP 784-256-128-10, the CNN 32c3-p-64c3-p-fc128, the ResNet
32c3-r32-r64s2-r64-r128s2-r128-ga (batch 128) or a character GPT of 6 blocks, 6 heads, 384 wide,
context 256 (batch 64, PyTorch's own attention). Bytes lie in the GPU's memory; the order of an
epoch is drawn there, once an epoch.

  eager       one model, as most scripts are written: a batch is fetched and scaled, then forward,
              backward and a fused Adam
  compile     torch.compile over fetching, scaling, forward and loss, and so over the backward pass,
              with CUDA graphs (reduce-overhead); a fused Adam behind it
  last        the same with images and weights channels last
  graph       the same compiled step, fused Adam and all, captured whole in one CUDA graph, as
              PyTorch's notes on CUDA tell; a step copies its row numbers and replays it
  graph-last  the same with images and weights channels last
  vmap        K models as stacked parameters, each with rows and a rate of its own: one fetch of
              [K, batch] rows, scaling, vmap of the gradient and Adam are one compiled function with
              CUDA graphs (reduce-overhead)

Where a way fails the mode's next is taken, and for vmap where PyTorch skips CUDA graphs too: vmap
is captured whole as above, then compiled without graphs; compile and last are compiled without
graphs. "way" in the line says which it was, "graphs" whether all was in CUDA graphs. A mode that
fails altogether is told on stderr, and the others are measured.

PyTorch: pip install torch numpy; its compiler needs a C compiler and python3-dev.
Usage: torch_gpu.py [--model mlp|cnn|resnet|gpt] [--lanes 64] [--seconds 2] [--batch N]
[--precision fp32|tf32|bf16] [--modes eager,compile,last,graph,graph-last,vmap] [--device cuda]
[--json]
"""

import argparse
import json
import statistics
import sys
import time

import torch
from torch import nn
from torch._dynamo.utils import counters

from torch_bytes import resnet
from torch_steps import Text, network, perceptron

ROWS = 60_000
CONTEXT = 256
BETAS, EPSILON, RATE = (0.9, 0.999), 1e-8, 1e-3


def make_model(kind):
    if kind == "mlp":
        return nn.Sequential(nn.Flatten(), perceptron())
    if kind == "gpt":
        return Text(65, length=CONTEXT, width=384, depth=6, heads=6)
    return network() if kind == "cnn" else resnet()


def keep_in_place(*tensors):
    """Says that they stay where they are. CUDA graphs of torch.compile copy all other inputs in
    each step (the whole data set, that is), and are skipped where one of those is changed."""
    for tensor in tensors:
        torch._dynamo.mark_static_address(tensor)


class Rows:
    """Bytes and labels on the device, and the numbers of rows that steps take: [batch], or
    [lanes, batch] where `lanes` is not 0."""

    def __init__(self, options, lanes=0):
        generator = torch.Generator(device="cpu").manual_seed(1)
        self.device, self.lanes = options.device, lanes
        self.size = options.batch or (64 if options.model == "gpt" else 128)
        self.is_text = options.model == "gpt"
        if self.is_text:
            self.bytes = torch.randint(0, 65, (16 * ROWS,), generator=generator).to(options.device)
            self.window = torch.arange(CONTEXT + 1).to(options.device)
        else:
            self.bytes = torch.randint(0, 256, (ROWS, 1, 28, 28), dtype=torch.uint8,
                                       generator=generator).to(options.device)
        self.labels = (torch.arange(ROWS) % 10).to(options.device)
        keep_in_place(self.bytes, self.labels, *([self.window] if self.is_text else []))
        self.at, self.order = 0, []

    def next(self):
        """Whole numbers of a batch; an epoch's lie in the order of its steps, so that none of them
        is gathered when it is taken."""
        if self.at == len(self.order):
            steps = ROWS // self.size
            used = steps * self.size
            if self.lanes:
                all_of_it = torch.rand(self.lanes, ROWS, device=self.device).argsort(dim=1)
                mixed = all_of_it[:, :used].view(self.lanes, steps, self.size).transpose(0, 1)
            else:
                mixed = torch.randperm(ROWS, device=self.device)[:used].view(steps, self.size)
            self.order = mixed.contiguous().unbind()
            self.at = 0
        self.at += 1
        return self.order[self.at - 1]

    def fetch(self, rows):
        """What a network takes, and what it is to give."""
        if self.is_text:
            windows = self.bytes[rows[..., None] + self.window]
            return windows[..., :-1], windows[..., 1:].flatten(-2)
        return (self.bytes[rows].float() - 127.5) / 73.0, self.labels[rows]


def autocast(options):
    return torch.autocast(options.device, dtype=torch.bfloat16,
                          enabled=options.precision == "bf16", cache_enabled=False)


def compile_by(way, function):
    if way == "eager":
        return function
    mode = "reduce-overhead" if way == "reduce-overhead" else None
    return torch.compile(function, mode=mode, dynamic=False)


def capture(step, rows):
    """A step in one CUDA graph, by the whole-network recipe of PyTorch's notes on CUDA."""
    place = rows.next().clone()
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(5):
            step(place)
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step(place)

    def replay(batch):
        place.copy_(batch)
        graph.replay()

    return replay


def single_step(options, rows, way, layout=torch.contiguous_format):
    model = make_model(options.model).to(options.device, memory_format=layout)
    is_captured = way == "captured"
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE, betas=BETAS, eps=EPSILON,
                                 fused=options.device == "cuda", capturable=is_captured)

    def loss_of(batch):
        features, labels = rows.fetch(batch)
        if layout == torch.channels_last:
            features = features.contiguous(memory_format=layout)
        with autocast(options):
            return nn.functional.cross_entropy(model(features), labels)

    compiled = compile_by(way, loss_of)

    def step(batch):
        optimizer.zero_grad(set_to_none=True)
        if way == "reduce-overhead":
            torch.compiler.cudagraph_mark_step_begin()
        compiled(batch).backward()
        optimizer.step()

    return capture(step, rows) if is_captured else step


def vmap_step(options, rows, way):
    models = [make_model(options.model).to(options.device) for _ in range(options.lanes)]
    parameters, buffers = torch.func.stack_module_state(models)
    skeleton = make_model(options.model).to(options.device)
    values = {name: value.detach() for name, value in parameters.items()}
    first = {name: torch.zeros_like(value) for name, value in values.items()}
    second = {name: torch.zeros_like(value) for name, value in values.items()}
    rate = torch.full((options.lanes,), RATE, device=options.device)
    number = torch.zeros((), device=options.device)
    keep_in_place(*values.values(), *first.values(), *second.values(), *buffers.values(), rate,
                  number)

    def loss_of_one(own, own_buffers, features, labels):
        with autocast(options):
            outputs = torch.func.functional_call(skeleton, (own, own_buffers), (features,))
            return nn.functional.cross_entropy(outputs, labels)

    gradient = torch.func.vmap(torch.func.grad(loss_of_one))

    def move(batch):
        features, labels = rows.fetch(batch)
        gradients = gradient(values, buffers, features, labels)
        number.add_(1)
        grown = [1 - beta**number for beta in BETAS]
        for name, own in gradients.items():
            first[name].lerp_(own, 1 - BETAS[0])
            second[name].mul_(BETAS[1]).addcmul_(own, own, value=1 - BETAS[1])
            shape = (-1,) + (1,) * (own.dim() - 1)
            root = (second[name] / grown[1]).sqrt().add(EPSILON)
            values[name].sub_(rate.view(shape) * (first[name] / grown[0]) / root)

    step = compile_by(way, move)
    return capture(step, rows) if way == "captured" else step


def synchronise(options):
    if options.device == "cuda":
        torch.cuda.synchronize()


def measure(options, step, rows, rounds=5):
    rates = []
    for _ in range(rounds):
        synchronise(options)
        start = time.perf_counter()
        steps = 0
        while time.perf_counter() - start < options.seconds / rounds:
            for _ in range(10):
                step(rows.next())
            steps += 10
        synchronise(options)
        rates.append(steps / (time.perf_counter() - start))
    return statistics.median(rates)


LAST = torch.channels_last
# Of each mode: its ways, the best first, and what makes a step.
MODES = {"eager": (["eager"], single_step),
         "compile": (["reduce-overhead", "default"], single_step),
         "last": (["reduce-overhead", "default"], lambda *words: single_step(*words, LAST)),
         "graph": (["captured"], single_step),
         "graph-last": (["captured"], lambda *words: single_step(*words, LAST)),
         "vmap": (["reduce-overhead", "captured", "default"], vmap_step)}


def run(options, mode):
    """(model steps a second, way, whether CUDA graphs ran) of the first way that works."""
    ways, make = MODES[mode]
    lanes = options.lanes if mode == "vmap" else 0
    rows = Rows(options, lanes)
    for way in ways:
        following = ways[ways.index(way) + 1:]
        torch.compiler.reset()
        counters.clear()
        try:
            step = make(options, rows, way)
            for _ in range(10):  # compilation, autotuning, graphs
                step(rows.next())
            synchronise(options)
            skips = counters["inductor"]["cudagraph_skips"]
            if skips and "captured" in following:
                raise RuntimeError(f"PyTorch skipped CUDA graphs {skips} times")
            rate = measure(options, step, rows)
        except Exception as problem:  # PyTorch's compiler throws all kinds
            if not following:
                raise
            print(f"{mode}, {way}: {problem}; next is another way", file=sys.stderr, flush=True)
            continue
        graphs = way == "captured" or (way == "reduce-overhead" and not skips)
        return rate * max(lanes, 1), way, graphs
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", choices=["mlp", "cnn", "resnet", "gpt"], default="mlp")
    parser.add_argument("--lanes", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--precision", choices=["fp32", "tf32", "bf16"], default="tf32")
    parser.add_argument("--batch", type=int, default=0, help="0: each network's own")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--modes", default="eager,compile,graph,vmap")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    torch.set_float32_matmul_precision("highest" if options.precision == "fp32" else "high")
    torch.backends.cudnn.allow_tf32 = options.precision != "fp32"
    torch.backends.cudnn.benchmark = True  # shapes never change
    torch.manual_seed(0)
    failed = False
    for mode in options.modes.split(","):
        try:
            rate, way, graphs = run(options, mode)
        except Exception as problem:  # as above
            print(f"{mode}: {problem}", file=sys.stderr, flush=True)
            failed = True
            continue
        lanes = options.lanes if mode == "vmap" else 1
        line = {"peer": mode, "version": torch.__version__, "model": options.model,
                "precision": options.precision, "lanes": lanes, "way": way, "graphs": graphs,
                "model_steps_per_s": rate}
        print(json.dumps(line) if options.json else
              f"{mode:>10} {lanes:>3} lanes, {options.precision}, {way}: "
              f"{rate:>10.0f} model steps/s", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
