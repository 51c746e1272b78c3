#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Megabytes that a training step of PyTorch, compiled, reads and writes by the compiler's own count
(torch.compile, inductor: the sizes of what each kernel of its schedule reads and writes), and how
many kernels it has. Nothing is timed and no GPU is needed: the schedule is the one for processors,
which may fuse otherwise than the one for GPUs. Forward and backward; Adam adds 28 bytes a weight.

  cnn     32c3-p-64c3-p-fc128 over 28 x 28, batch 128
  resnet  32c3-r32-r64s2-r64-r128s2-r128-ga with batch normalisation over 28 x 28, batch 128
  gpt     6 layers, 6 heads, 384 wide, 65 characters, context 256, batch 64 (counted for 4 and 8
          samples, of which the rest follows; --kernels: of 8), with PyTorch's own attention

PyTorch: pip install torch. Usage: torch_bytes.py [--model cnn|resnet|gpt] [--precision
float32|bf16] [--kernels]
"""

import argparse

import torch
from torch import nn
from torch.nn import functional

import torch._inductor.config
import torch._inductor.graph

from torch_steps import Text, network  # one thread: with more, fewer kernels are fused

KERNELS = []  # of the graph that is compiled: (name, bytes)


def count_schedules():
    """Notes the kernels of each graph once it is scheduled."""
    codegen = torch._inductor.graph.GraphLowering.codegen

    def counted(graph):
        result = codegen(graph)
        KERNELS.extend((node.get_name(), node.get_read_write_buffers_sizes())
                       for node in graph.scheduler.nodes)
        return result

    torch._inductor.config.fx_graph_cache = False
    torch._inductor.graph.GraphLowering.codegen = counted


class Residual(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.first_norm = nn.BatchNorm2d(outputs)
        self.second = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.second_norm = nn.BatchNorm2d(outputs)
        self.other = nn.Identity()
        if inputs != outputs or stride != 1:
            self.other = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False),
                                       nn.BatchNorm2d(outputs))

    def forward(self, x):
        inner = self.second_norm(self.second(functional.relu(self.first_norm(self.first(x)))))
        return functional.relu(inner + self.other(x))


def resnet():
    return nn.Sequential(nn.Conv2d(1, 32, 3, padding=1, bias=False), nn.BatchNorm2d(32), nn.ReLU(),
                         Residual(32, 32, 1), Residual(32, 64, 2), Residual(64, 64, 1),
                         Residual(64, 128, 2), Residual(128, 128, 1),
                         nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(128, 10))


def step(options, model, features, labels):
    def loss(features, labels):
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=options.precision == "bf16"):
            return functional.cross_entropy(model(features), labels)

    torch.compiler.reset()
    KERNELS.clear()
    torch.compile(loss)(features, labels).backward()
    return [(name, size / 1e6) for name, size in KERNELS]


def count(options):
    """Megabytes of a step, its kernels as (name, megabytes), and how many weights there are."""
    if options.model == "gpt":
        model = Text(65, length=256, width=384, depth=6, heads=6)
        totals = []
        for samples in (4, 8):
            tokens = torch.randint(0, 65, (samples, 256))
            kernels = step(options, model, tokens, tokens.flatten())
            totals.append(sum(size for _, size in kernels))
        total = totals[1] + (totals[1] - totals[0]) / 4 * (64 - 8)
    else:
        model = network() if options.model == "cnn" else resnet()
        kernels = step(options, model, torch.randn(128, 1, 28, 28), torch.arange(128) % 10)
        total = sum(size for _, size in kernels)
    return total, kernels, sum(weight.numel() for weight in model.parameters())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", choices=["cnn", "resnet", "gpt"], default="cnn")
    parser.add_argument("--precision", choices=["float32", "bf16"], default="bf16")
    parser.add_argument("--kernels", action="store_true", help="each of them, the largest first")
    options = parser.parse_args()
    count_schedules()
    total, kernels, weights = count(options)
    print(f"{options.model}, {options.precision}, PyTorch {torch.__version__}: "
          f"{total:,.0f} MB in {len(kernels)} kernels, "
          f"and {28e-6 * weights:.1f} MB for Adam")
    if options.kernels:
        for name, size in sorted(kernels, key=lambda kernel: -kernel[1]):
            print(f"{size:10.2f}  {name}")


if __name__ == "__main__":
    main()
