#!/usr/bin/env python3
"""Population based training beside the best of as many fixed trainings, with as many epochs in all.

  bench/pbt_bench.py [--ddl build/release/ddl] [--seeds 5] [--first-seed 0] [--task fashion-mnist|spirals] [--epochs 30]
                     [--steps 20] [--interval 3] [--base cosine] [--more] [--population 9|27]

A small MLP and SGD with momentum, on parts of the data as epochs so that a core trains one in a fraction of a second. Tasks:
"fashion-mnist" (Debian's dataset-fashion-mnist; 30 epochs of 20 steps, a choice every 3, by accuracy) and "spirals" (two
interleaved arms in the plane, 40 epochs of 40 steps, a choice every 2, by cross-entropy).

"grid": constant, step and cosine schedules, each with three rates (of 27, with three weight decays each). "random": as many
draws from the population's own space, kept to the end. "pbt": as many members that choose as they go. Of each the one with
the best validation figure at the end counts; its test figure, which nothing was chosen by, stands beside it. Prints a line
a seed, then means, and pbt against the others with the standard error of the paired difference. Runs in a store that goes.
"""
import argparse
import json
import math
import os
import subprocess
import tempfile

TASKS = {
    "fashion-mnist": ({"epochs": 30, "steps": 20, "interval": 3, "measure": "accuracy", "goal": "maximize"}, """
  data: fashion-mnist
  validation: 5000
  model: {{type: mlp, hidden: [32]}}
  batch_size: 128"""),
    "spirals": ({"epochs": 40, "steps": 40, "interval": 2, "measure": "loss", "goal": "minimize"}, """
  data: {{type: spirals, rows: 6000, test_rows: 4000, seed: {seed}}}
  validation: 2000
  model: {{type: mlp, hidden: [16, 16]}}
  batch_size: 32"""),
}
TRAINER = """
  optimizer: {{type: sgd, momentum: 0.9}}
  epochs: {epochs}
  steps_per_epoch: {steps}
  seed: {seed}
metric: {{name: val_{measure}, goal: {goal}}}
"""
GRID = """
name: grid
method: grid
parameters:
  schedule.type: {{values: [constant, step, cosine]}}
  schedule.step_size: {{value: {half}, when: schedule.type == 'step'}}
  optimizer.lr: {{values: [0.02, 0.06, 0.2]}}
  optimizer.weight_decay: {{values: {decays}}}
"""
SPACE = """
search_seed: {seed}
parameters:
  schedule.type: {{value: {base}}}
  optimizer.lr: {{distribution: log_uniform_values, min: 0.01, max: 0.5}}
{more}"""
POPULATION = """
name: population
method: pbt
search: {{population: {population}, perturbation_interval: {interval}, quantile_fraction: {quantile}, resample_probability: {resample}}}
""" + SPACE
RANDOM = """
name: random
method: random
run_cap: {population}
""" + SPACE
MORE = """  optimizer.momentum: {min: 0.6, max: 0.98}
  optimizer.weight_decay: {distribution: log_uniform_values, min: 1.0e-6, max: 1.0e-2}
"""


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--ddl", default="build/release/ddl")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--task", choices=list(TASKS), default="fashion-mnist")
    parser.add_argument("--epochs", type=int, help="default: the task's")
    parser.add_argument("--steps", type=int, help="of an epoch; default: the task's")
    parser.add_argument("--interval", type=int, help="epochs between two choices; default: the task's")
    parser.add_argument("--population", type=int, choices=[9, 27], default=9)
    parser.add_argument("--quantile", type=float, default=0.25)
    parser.add_argument("--resample", type=float, default=0.25)
    parser.add_argument("--base", default="constant", help="schedule that the population's rates are multiplied by")
    parser.add_argument("--more", action="store_true", help="the population chooses momentum and weight decay too")
    options = parser.parse_args()
    settings, training = TASKS[options.task]
    settings = settings | {name: value for name, value in vars(options).items() if value is not None}
    measure, sign = settings["measure"], 1 if settings["goal"] == "maximize" else -1
    ddl = os.path.abspath(options.ddl)

    def run(template, seed):
        with tempfile.TemporaryDirectory() as folder:
            environment = dict(os.environ, DDL_HOME=folder + "/store", DDL_HOST_DIR=folder + "/host")
            values = dict(settings, more=MORE if options.more else "", seed=seed, half=settings["epochs"] / 2,
                          decays="[0.0]" if options.population == 9 else "[0.0, 0.0001, 0.001]")
            with open(folder + "/spec.yaml", "w") as spec:
                spec.write((template + "trainer:" + training + TRAINER).format(**values))
            swept = subprocess.run([ddl, "sweep", folder + "/spec.yaml"], env=environment, capture_output=True, cwd=folder)
            assert swept.returncode in (0, 1), swept.stderr  # 1: a training came to values that are not finite
            ask = lambda *words: json.loads(subprocess.run([ddl, *words, "--json"], check=True, env=environment,
                                                           capture_output=True, text=True, cwd=folder).stdout)
            report = ask("report", "--top", "100000")
            trials = report["trials"]
            segments = math.ceil(settings["epochs"] / settings["interval"]) if template is POPULATION else 1
            assert len(trials) == segments * options.population, len(trials)  # as many epochs whatever the kind
            for trial in sorted((t for t in trials if t["value"] is not None), key=lambda t: -sign * t["value"]):
                metrics = {m["metric"]: m for m in ask("show", str(trial["trial"]))["metrics"]}
                if "test_" + measure in metrics:  # of a member, its last segment
                    rates = [s["parameters"]["optimizer.lr"] for s in report["schedule"]]
                    return trial["value"], metrics["test_" + measure]["last"], trial["parameters"], rates

    arms, rows = {"grid": GRID, "random": RANDOM, "pbt": POPULATION}, []
    for seed in range(options.first_seed, options.first_seed + options.seeds):
        row = {name: run(template, seed) for name, template in arms.items()}
        rows.append(row)
        text = ", ".join(f"{name} {best[0]:.4f} (test {best[1]:.4f})" for name, best in row.items())
        rates = " ".join(f"{rate:.3f}" for rate in row["pbt"][3])
        print(f"seed {seed}: {text}; {row['grid'][2]}; rates of pbt's best segment {rates}", flush=True)
    for place, metric in enumerate(("val_" + measure, "test_" + measure)):
        mean = lambda values: sum(values) / len(values)
        print(f"{metric}: " + ", ".join(f"{name} {mean([row[name][place] for row in rows]):.4f}" for name in arms))
        for other in ("grid", "random"):
            gap = [row["pbt"][place] - row[other][place] for row in rows]
            spread = math.sqrt(sum((g - mean(gap)) ** 2 for g in gap) / max(1, len(gap) - 1) / len(gap))
            print(f"  pbt - {other}: {mean(gap):+.4f} ± {spread:.4f}, better in {sum(sign * g > 0 for g in gap)} of {len(gap)}")


if __name__ == "__main__":
    main()
