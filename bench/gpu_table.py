#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The table of bench/gpu: what was measured beside what is wanted, from the JSON lines of
trainer_gpu_bench, of peers/torch_gpu.py and of bench/gpu's own trainings, one a line of stdin.
What was not measured is told as such, and a line that is torn is left out. Of our own rates only
those of the trainer's form count, with bias, activation and update in products (not --apart).

  gpu_table.py [--machine "NAME, DRIVER"] [--date DATE] < lines
  gpu_table.py --training NAME --seconds N --report FILE --show FILE   such a line of a training,
               from what `ddl report --json` and `ddl show NAME/1 --json` said
"""

import argparse
import json
import sys


def read(stream):
    """Our lines, those of peers, trainings by name, and how many lines are torn."""
    lines, torn = [], 0
    for text in stream:
        if not text.startswith("{"):
            continue
        try:
            lines.append(json.loads(text))
        except json.JSONDecodeError:
            torn += 1
    ours = [line for line in lines if "gpu" in line]
    peers = [line for line in lines if "peer" in line]
    trainings = {line["training"]: line for line in lines if "training" in line}
    return ours, peers, trainings, torn


def number(line, key):
    """None where nothing was measured, whatever the line has in its place."""
    value = line.get(key) if line else None
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def best(lines, **wanted):
    """The fastest line that has what is wanted, or None."""
    fitting = [line for line in lines
               if number(line, "model_steps_per_s") is not None
               and all(line.get(key) in (value if isinstance(value, tuple) else (value,))
                       for key, value in wanted.items())]
    return max(fitting, key=lambda line: line["model_steps_per_s"], default=None)


def best_of_ours(ours, **wanted):
    return best(ours, finishes=("in products", None), **wanted)


def rate(line):
    if not line:
        return "not measured"
    streams = line.get("streams", 1)
    return f"{line['model_steps_per_s']:,.0f} steps/s" + (
        f" in {streams} streams" if streams != 1 else "")


def peer_rate(line):
    """With how it was compiled, as far as that is known."""
    told = [line["peer"], line.get("way")] if line else []
    words = ", ".join(dict.fromkeys(word for word in told if word))
    return rate(line) + (f" ({words})" if words else "")


def row(what, found, target, reached):
    verdict = "not measured" if reached is None else ("reached" if reached else "MISSED")
    print(f"| {what} | {found} | {target} | {verdict} |")


def rate_row(ours, precision, target):
    line = best_of_ours(ours, model="mlp", precision=precision, lanes=64)
    row(f"MLP, 64 lanes, {precision}", rate(line), f">= {target:,} model steps/s",
        line and line["model_steps_per_s"] >= target)
    return line


def beside_row(what, ours, peer, least):
    found = f"{rate(ours)} beside {peer_rate(peer)}"
    times = None
    if ours and peer and peer["model_steps_per_s"] > 0:
        times = ours["model_steps_per_s"] / peer["model_steps_per_s"]
        found += f": {times:.2f} times"
    row(what, found, f">= {least:g} times", None if times is None else times >= least)


def memory_row(line):
    bytes_per_step, speed = number(line, "bytes_per_step"), number(line, "memory_bytes_per_s")
    share, found = None, "not measured"
    if bytes_per_step and speed:
        share = line["model_steps_per_s"] * bytes_per_step / speed
        found = f"{100 * share:.0f} % of {speed / 1e9:,.0f} GB/s"
    row("bytes that its steps need, of the memory's measured speed", found, ">= 70 %",
        None if share is None else share >= 0.7)


def time_row(what, training, most):
    seconds = number(training, "seconds")
    found = "not measured" if seconds is None else f"{seconds:.2f} s"
    row(what, found, f"<= {most} s", None if seconds is None else seconds <= most)


def value_row(what, training, target, is_reached, key="value"):
    """`key`: "value", the metric's last one, or "lowest", the lowest of those after each epoch."""
    value, seconds, joules = (number(training, name) for name in (key, "seconds", "joules"))
    found = "not measured" if value is None else f"{value:.4f}"
    if value is not None and seconds is not None:
        found += f" in {seconds:.1f} s"
    if value is not None and joules is not None:
        found += f", {joules:,.0f} J"
    row(what, found, target, None if value is None else is_reached(value))


def print_table(machine, date):
    ours, peers, trainings, torn = read(sys.stdin)
    device, _, driver = machine.rpartition(", ")
    device = device or next((line["gpu"] for line in ours), "GPU unknown")
    version = next((line["driver_serves_cuda"] for line in ours
                    if number(line, "driver_serves_cuda") is not None), None)
    cuda = "" if version is None else f" for CUDA {version // 1000}.{version % 1000 // 10}"
    torch = next((f", PyTorch {line['version']}" for line in peers if "version" in line), "")
    print(f"{device}, driver {driver or 'unknown'}{cuda}{torch}, {date or 'date unknown'}\n")
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
                   best_of_ours(ours, model=name, precision="bf16", lanes=1),
                   best(peers, model=name, precision="bf16",
                        peer=("compile", "last", "graph", "graph-last")), 1)
    whole = number(trainings.get("cnn-tf32"), "value")
    value_row("CNN in bf16: test accuracy", trainings.get("cnn-bf16"),
              "that in tf32" if whole is None else f"that in tf32, {whole:.4f}, less 0.005 at most",
              lambda value: None if whole is None else value >= whole - 0.005)
    value_row("ResNet with augment: test accuracy", trainings.get("resnet"), ">= 94.5 %",
              lambda value: value >= 0.945)
    value_row("character GPT, 2,250 steps: lowest validation loss of nine", trainings.get("gpt"),
              "<= 1.47", lambda value: value <= 1.47, "lowest")
    if torn:
        print(f"\nTorn lines, left out: {torn}")


def load(path):
    """What a command said; nothing where it failed."""
    try:
        with open(path) as file:
            return json.load(file)
    except (OSError, json.JSONDecodeError):
        return {}


def print_training(name, seconds, report, show):
    """Clocks and load are of the first trial's epochs, where it had a GPU for itself."""
    chosen = report.get("best") or {}
    values = [point.get("value") for curve in report.get("curves") or []
              if curve.get("trial") == chosen.get("trial") for point in curve.get("points") or []]
    line = {"training": name, "value": chosen.get("value"),
            "lowest": min((value for value in values if value is not None), default=None),
            "seconds": seconds, "joules": (report.get("speed") or {}).get("joules"),
            "counts": (report.get("sweep") or {}).get("counts")}
    for metric in show.get("metrics") or []:
        if metric.get("metric") in ("gpu_clock_mhz", "gpu_percent_busy"):
            line[metric["metric"]] = {key: metric.get(key) for key in ("min", "last", "max")}
    print(json.dumps(line))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--machine", default="", help="the GPU and its driver")
    parser.add_argument("--date", default="")
    parser.add_argument("--training", help="print a line, not the table")
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--report")
    parser.add_argument("--show")
    options = parser.parse_args()
    if options.training:
        print_training(options.training, options.seconds, load(options.report), load(options.show))
    else:
        print_table(options.machine, options.date)


if __name__ == "__main__":
    main()
