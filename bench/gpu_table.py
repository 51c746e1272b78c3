#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The table of bench/gpu: what was measured beside what is wanted, from the JSON lines of
trainer_gpu_bench, of peers/torch_gpu.py and of bench/gpu's own trainings, one a line of stdin.
What was not measured is told as such. Usage: gpu_table.py < lines
"""

import json
import sys


def read(stream):
    lines = [json.loads(line) for line in stream if line.startswith("{")]
    ours = [line for line in lines if "gpu" in line]
    peers = [line for line in lines if "peer" in line]
    trainings = {line["training"]: line for line in lines if "training" in line}
    return ours, peers, trainings


def best(lines, **wanted):
    """The fastest line that has what is wanted, or None."""
    fitting = [line for line in lines
               if all(line.get(key) in (value if isinstance(value, tuple) else (value,))
                      for key, value in wanted.items())]
    return max(fitting, key=lambda line: line["model_steps_per_s"], default=None)


def rate(line):
    return f"{line['model_steps_per_s']:,.0f} steps/s" if line else "not measured"


def ratio(ours, peer):
    if not ours or not peer:
        return None
    return ours["model_steps_per_s"] / peer["model_steps_per_s"]


def row(what, found, target, reached):
    verdict = "not measured" if reached is None else ("reached" if reached else "MISSED")
    print(f"| {what} | {found} | {target} | {verdict} |")


def rate_row(ours, precision, target):
    line = best(ours, model="mlp", precision=precision, lanes=64)
    row(f"MLP, 64 lanes, {precision}", rate(line), f">= {target:,} model steps/s",
        line and line["model_steps_per_s"] >= target)
    return line


def beside_row(what, ours, peer, least):
    times = ratio(ours, peer)
    found = f"{rate(ours)} beside {rate(peer)}" + (f": {times:.2f} times" if times else "")
    row(what, found, f">= {least:g} times", times and times >= least)


def memory_row(line):
    share = None
    if line:
        share = line["model_steps_per_s"] * line["bytes_per_step"] / line["memory_bytes_per_s"]
    found = f"{100 * share:.0f} % of {line['memory_bytes_per_s'] / 1e9:,.0f} GB/s" if line else "-"
    row("bytes that its steps need, of the memory's measured speed", found, ">= 70 %",
        None if share is None else share >= 0.7)


def time_row(what, training, most):
    seconds = training and training["seconds"]
    row(what, f"{seconds:.2f} s" if training else "not measured", f"<= {most} s",
        training and seconds <= most)


def value_row(what, training, target, is_reached, key="value"):
    """`key`: "value", the metric's last one, or "lowest", the lowest of those after each epoch."""
    found = f"{training[key]:.4f} in {training['seconds']:.1f} s" if training else "not measured"
    row(what, found, target, training and is_reached(training[key]))


def main():
    ours, peers, trainings = read(sys.stdin)
    compiled = ("compile", "last")
    print("| what | measured | wanted | |\n|---|---|---|---|")
    rate_row(ours, "fp32", 200_000)
    mlp = rate_row(ours, "tf32", 300_000)
    beside_row("the same beside one eager PyTorch", mlp,
               best(peers, model="mlp", precision="tf32", peer="eager"), 100)
    beside_row("the same beside vmap and compile of as many", mlp,
               best(peers, model="mlp", precision="tf32", peer="vmap", lanes=64), 5)
    memory_row(mlp)
    time_row("ddl sweep, 256 trials x 10 epochs of it", trainings.get("mlp256"), 8)
    time_row("20 CNN trials, packed", trainings.get("cnn20"), 5)
    for name, what in (("cnn", "CNN"), ("resnet", "ResNet"), ("gpt", "character GPT")):
        beside_row(f"{what}, bf16, one training, beside PyTorch compiled",
                   best(ours, model=name, precision="bf16", lanes=1),
                   best(peers, model=name, precision="bf16", peer=compiled), 1)
    whole = trainings.get("cnn-tf32")
    value_row("CNN in bf16: test accuracy", trainings.get("cnn-bf16"),
              f"that in tf32, {whole['value']:.4f}, less 0.005 at most" if whole else "that in tf32",
              lambda value: whole and value >= whole["value"] - 0.005)
    value_row("ResNet with augment: test accuracy", trainings.get("resnet"), ">= 94.5 %",
              lambda value: value >= 0.945)
    value_row("character GPT, 5,000 steps: lowest validation loss of ten", trainings.get("gpt"), "<= 1.47",
              lambda value: value <= 1.47, "lowest")


if __name__ == "__main__":
    main()
