#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Model steps a second of PyTorch on one GPU, to stand beside trainer_gpu_bench: a training step
(forward, backward, Adam) of the MLP 784-256-128-10, the CNN 32c3-p-64c3-p-fc128, the ResNet
32c3-r32-r64s2-r64-r128s2-r128-ga (batch 128) or a character GPT of 6 blocks, 6 heads, 384 wide, context 256
(batch 64, PyTorch's own attention), with bytes that already lie in the GPU's memory.

  eager    one model, as most scripts are written
  compile  the same through torch.compile, with CUDA graphs (mode reduce-overhead)
  last     the same with images channels last
  vmap     K models through torch.func (stacked parameters, vmap of the gradient) and torch.compile

PyTorch: pip install torch numpy; its compiler needs a C compiler and python3-dev. A mode that fails is
told on stderr, and the others are measured. Usage: torch_gpu.py [--model mlp|cnn|resnet|gpt] [--lanes 64]
[--seconds 2] [--precision fp32|tf32|bf16] [--device cuda] [--modes eager,compile,last,vmap] [--batch N]
[--json]
"""

import argparse
import json
import statistics
import sys
import time

import torch
from torch import nn

from torch_bytes import resnet
from torch_steps import Text, network, perceptron

ROWS = 60_000
CONTEXT = 256


def make_model(kind):
    if kind == "mlp":
        return nn.Sequential(nn.Flatten(), perceptron())
    if kind == "gpt":
        return Text(65, length=CONTEXT, width=384, depth=6, heads=6)
    return network() if kind == "cnn" else resnet()


class Rows:
    """Bytes and labels on the device, and batches of them."""

    def __init__(self, options):
        generator = torch.Generator(device="cpu").manual_seed(1)
        self.size = options.batch or (64 if options.model == "gpt" else 128)
        self.is_text = options.model == "gpt"
        if self.is_text:
            self.bytes = torch.randint(0, 65, (16 * ROWS,), generator=generator).to(options.device)
            self.window = torch.arange(CONTEXT + 1).to(options.device)
        else:
            self.bytes = torch.randint(0, 256, (ROWS, 1, 28, 28), dtype=torch.uint8,
                                       generator=generator).to(options.device)
        self.labels = (torch.arange(ROWS) % 10).to(options.device)
        self.order = torch.randperm(ROWS, generator=generator).to(options.device)
        self.at = 0

    def batch(self):
        if self.at + self.size > ROWS:
            self.at = 0
        rows = self.order[self.at:self.at + self.size]
        self.at += self.size
        if self.is_text:
            windows = self.bytes[rows[:, None] + self.window]
            return windows[:, :-1], windows[:, 1:].flatten()
        return (self.bytes[rows].float() - 127.5) / 73.0, self.labels[rows]


def loss_of(options, model, features, labels):
    with torch.autocast(options.device, dtype=torch.bfloat16, enabled=options.precision == "bf16"):
        return nn.functional.cross_entropy(model(features), labels)


def single_step(options, rows, compiles, layout=torch.contiguous_format):
    model = make_model(options.model).to(options.device, memory_format=layout)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=options.device == "cuda")

    def forward_and_back(features, labels):
        loss = loss_of(options, model, features, labels)
        loss.backward()
        return loss

    if compiles:
        forward_and_back = torch.compile(forward_and_back, mode="reduce-overhead")

    def step():
        optimizer.zero_grad(set_to_none=True)
        features, labels = rows.batch()
        if layout == torch.channels_last:
            features = features.contiguous(memory_format=layout)
        forward_and_back(features, labels)
        optimizer.step()

    return step, 1


def vmap_step(options, rows):
    models = [make_model(options.model).to(options.device) for _ in range(options.lanes)]
    parameters, buffers = torch.func.stack_module_state(models)
    skeleton = make_model(options.model).to(options.device)
    values = {name: value.detach() for name, value in parameters.items()}
    first = {name: torch.zeros_like(value) for name, value in values.items()}
    second = {name: torch.zeros_like(value) for name, value in values.items()}
    rate = torch.full((options.lanes,), 1e-3, device=options.device)

    def loss_of_one(own, own_buffers, features, labels):
        outputs = torch.func.functional_call(skeleton, (own, own_buffers), (features,))
        return nn.functional.cross_entropy(outputs, labels)

    gradient = torch.func.vmap(torch.func.grad(loss_of_one))

    def move(values, first, second, features, labels, number):
        with torch.autocast(options.device, dtype=torch.bfloat16,
                            enabled=options.precision == "bf16"):
            gradients = gradient(values, buffers, features, labels)
        for name, own in gradients.items():
            first[name].mul_(0.9).add_(own, alpha=0.1)
            second[name].mul_(0.999).addcmul_(own, own, value=0.001)
            shape = (-1,) + (1,) * (own.dim() - 1)
            root = (second[name] / (1 - 0.999**number)).sqrt_().add_(1e-8)
            values[name].sub_(rate.view(shape) * (first[name] / (1 - 0.9**number)) / root)

    compiled = torch.compile(move)
    number = torch.zeros((), device=options.device)

    def step():
        nonlocal number
        number = number + 1
        batches = [rows.batch() for _ in range(options.lanes)]
        features = torch.stack([one for one, _ in batches])
        labels = torch.stack([one for _, one in batches])
        compiled(values, first, second, features, labels, number)

    return step, options.lanes


def synchronise(options):
    if options.device == "cuda":
        torch.cuda.synchronize()


def measure(options, step, models, rounds=5):
    for _ in range(10):  # compilation, autotuning, graphs
        step()
    rates = []
    for _ in range(rounds):
        synchronise(options)
        start = time.perf_counter()
        steps = 0
        while time.perf_counter() - start < options.seconds / rounds:
            for _ in range(10):
                step()
            steps += 10
        synchronise(options)
        rates.append(steps * models / (time.perf_counter() - start))
    return statistics.median(rates)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", choices=["mlp", "cnn", "resnet", "gpt"], default="mlp")
    parser.add_argument("--lanes", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--precision", choices=["fp32", "tf32", "bf16"], default="tf32")
    parser.add_argument("--batch", type=int, default=0, help="0: each network's own")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--modes", default="eager,compile,vmap")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    torch.set_float32_matmul_precision("highest" if options.precision == "fp32" else "high")
    torch.backends.cudnn.allow_tf32 = options.precision != "fp32"
    torch.manual_seed(0)
    rows = Rows(options)
    makers = {"eager": lambda: single_step(options, rows, False),
              "compile": lambda: single_step(options, rows, True),
              "last": lambda: single_step(options, rows, True, torch.channels_last),
              "vmap": lambda: vmap_step(options, rows)}
    failed = False
    for mode in options.modes.split(","):
        try:
            step, models = makers[mode]()
            rate = measure(options, step, models)
        except Exception as problem:  # PyTorch's compiler throws all kinds
            print(f"{mode}: {problem}", file=sys.stderr)
            failed = True
            continue
        line = {"peer": mode, "version": torch.__version__, "model": options.model,
                "precision": options.precision, "lanes": models, "model_steps_per_s": rate}
        print(json.dumps(line) if options.json else
              f"{mode:>8} {models:>3} lanes, {options.precision}: {rate:>10.0f} model steps/s",
              flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
