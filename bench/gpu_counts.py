#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a training step does on a GPU, counted on the emulated one (tests/emulator): for each kernel
launches, instructions of warps, products of warps, how often shared memory was busy, and bytes of the
GPU's memory: each place once (what comes from memory where nothing else is kept) and in sectors of
32 bytes as warps ask for them (what the second cache serves). Products of cuBLASLt are not counted.

  bench/gpu_counts.py --model mlp --products tf32 [--lanes N] [--batch N] [--dropout RATE] [--lines KERNEL]

Needs the release build with the CUDA toolkit; no GPU."""
import argparse
import json
import os
import pathlib
import subprocess
import tempfile

BUILD = pathlib.Path(__file__).resolve().parent.parent / "build" / "release"
COUNTS = ["launches", "instructions", "lanes", "matrices", "shared", "shared_waves", "read_bytes",
          "written_bytes", "read_sectors", "written_sectors"]


def report_of(steps, options):
    """The emulator's report on so many steps."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "report.json"
        command = [BUILD / "bench" / "trainer_gpu_bench",
                   "--library", BUILD / "tests" / "libddl_cuda_emulated.so",
                   "--models", options.model, "--products", options.products,
                   "--lanes", str(options.lanes), "--dropout", str(options.dropout),
                   "--steps", str(steps)]
        if options.batch:
            command += ["--batch", str(options.batch)]
        subprocess.run(command, check=True, env={**os.environ, "DDL_EMULATOR_REPORT": str(path)})
        return json.loads(path.read_text())["kernels"]


def step_of(one, two):
    """What the second step came to; memory is touched, kernels are tried out only once."""
    step = {}
    for name, counts in two.items():
        before = one.get(name, {})
        own = {key: counts[key] - before.get(key, 0) for key in COUNTS}
        if own["launches"] == 0:
            continue
        own["lines"] = {
            line: {key: value - before.get("lines", {}).get(line, {}).get(key, 0)
                   for key, value in values.items()}
            for line, values in counts["lines"].items()}
        step[name] = own
    return step


def tell(step, lanes):
    """A line a kernel, and their sum, by lane."""
    print(f"{'a lane, a step':58} {'n':>3} {'Minstr':>8} {'lanes':>5} {'kmma':>7} {'Mwaves':>7} "
          f"{'w/acc':>5} {'MB rd':>8} {'MB wr':>8} {'sec rd':>8} {'sec wr':>8}")
    total = {key: 0 for key in COUNTS}
    for name, own in sorted(step.items(), key=lambda item: -item[1]["instructions"]):
        line(name, own, lanes)
        for key in COUNTS:
            total[key] += own[key]
    line("all", total, lanes)


def line(name, own, lanes):
    sector = 32e-6 / lanes
    print(f"{name[:58]:58} {own['launches']:3} {own['instructions'] / 1e6 / lanes:8.3f} "
          f"{own['lanes'] / max(1, 32 * own['instructions']):5.2f} {own['matrices'] / 1e3 / lanes:7.1f} "
          f"{own['shared_waves'] / 1e6 / lanes:7.3f} {own['shared_waves'] / max(1, own['shared']):5.2f} "
          f"{own['read_bytes'] / 1e6 / lanes:8.3f} {own['written_bytes'] / 1e6 / lanes:8.3f} "
          f"{own['read_sectors'] * sector:8.3f} {own['written_sectors'] * sector:8.3f}")


def tell_lines(own, lanes):
    """The lines of a kernel's source that most instructions come of."""
    print(f"{'line':32} {'Minstr':>8} {'MB of sectors':>14} {'Mwaves':>8}")
    ordered = sorted(own["lines"].items(), key=lambda item: -item[1]["times"])
    for place, values in ordered[:40]:
        print(f"{place:32} {values['times'] / 1e6 / lanes:8.4f} "
              f"{values['sectors'] * 32e-6 / lanes:14.3f} {values['waves'] / 1e6 / lanes:8.4f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--model", default="mlp", choices=["mlp", "cnn", "resnet", "gpt"])
    parser.add_argument("--products", default="tf32", choices=["fp32", "tf32", "bf16"])
    parser.add_argument("--lanes", type=int, default=1)
    parser.add_argument("--batch", type=int, default=0)
    parser.add_argument("--dropout", type=float, default=0.0)
    parser.add_argument("--lines", metavar="KERNEL", help="lines of kernels whose name has this")
    options = parser.parse_args()
    step = step_of(report_of(1, options), report_of(2, options))
    tell(step, options.lanes)
    for name, own in step.items():
        if options.lines and options.lines in name:
            print(f"\n{name}")
            tell_lines(own, options.lanes)


if __name__ == "__main__":
    main()
