#!/usr/bin/env python3
"""Population based training beside the best of as many fixed trainings, with as many epochs in all.

  bench/pbt_bench.py [--ddl build/release/ddl] [--seeds 5] [--first-seed 0] [--epochs 30] [--interval 3] [--base cosine] [--more]
                     [--population 9|27]

A small MLP on Fashion-MNIST (Debian's dataset-fashion-mnist), SGD with momentum, on parts of the data as epochs so that a
core trains one in a fraction of a second. "grid": constant, step and cosine schedules, each with three rates (of 27, with three
weight decays each). "random": as many draws from the population's own space, kept to the end. "pbt": as many members that
choose as they go. Of each the one with the best validation accuracy at the end counts; its test accuracy, which nothing was chosen by, stands beside it. Prints a line a
seed, then means, and pbt against the others with the standard error of the paired difference. Runs in a store that goes.
"""
import argparse
import json
import math
import os
import subprocess
import tempfile

TRAINER = """
trainer:
  data: fashion-mnist
  validation: 5000
  model: {{type: mlp, hidden: [32]}}
  optimizer: {{type: sgd, momentum: 0.9}}
  epochs: {epochs}
  steps_per_epoch: {steps}
  batch_size: 128
  seed: {seed}
metric: {{name: val_accuracy, goal: maximize}}
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
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--interval", type=int, default=3)
    parser.add_argument("--population", type=int, choices=[9, 27], default=9)
    parser.add_argument("--quantile", type=float, default=0.25)
    parser.add_argument("--resample", type=float, default=0.25)
    parser.add_argument("--base", default="constant", help="schedule that the population's rates are multiplied by")
    parser.add_argument("--more", action="store_true", help="the population chooses momentum and weight decay too")
    options = parser.parse_args()
    ddl = os.path.abspath(options.ddl)

    def run(template, seed):
        with tempfile.TemporaryDirectory() as folder:
            environment = dict(os.environ, DDL_HOME=folder + "/store", DDL_HOST_DIR=folder + "/host")
            settings = dict(vars(options), more=MORE if options.more else "", seed=seed, half=options.epochs / 2,
                            decays="[0.0]" if options.population == 9 else "[0.0, 0.0001, 0.001]")
            with open(folder + "/spec.yaml", "w") as spec:
                spec.write((template + TRAINER).format(**settings))
            subprocess.run([ddl, "sweep", folder + "/spec.yaml"], check=True, env=environment, capture_output=True, cwd=folder)
            ask = lambda *words: json.loads(subprocess.run([ddl, *words, "--json"], check=True, env=environment,
                                                           capture_output=True, text=True, cwd=folder).stdout)
            report = ask("report", "--top", "100000")
            best, epochs = None, 0
            for trial in report["trials"]:
                metrics = {m["metric"]: m for m in ask("show", str(trial["trial"]))["metrics"]}
                epochs += metrics["val_accuracy"]["reports"]
                ends = "test_accuracy" in metrics  # of a member, its last segment
                if ends and (best is None or trial["value"] > best[0]):
                    best = (trial["value"], metrics["test_accuracy"]["last"], trial["parameters"], trial["trial"])
            return best, epochs, [(s["last_report"], s["parameters"]["optimizer.lr"]) for s in report["schedule"]]

    arms, rows = {"grid": GRID, "random": RANDOM, "pbt": POPULATION}, []
    for seed in range(options.first_seed, options.first_seed + options.seeds):
        row = {name: run(template, seed) for name, template in arms.items()}
        assert len({epochs for _, epochs, _ in row.values()}) == 1, row
        rows.append({name: best for name, (best, _, _) in row.items()})
        text = ", ".join(f"{name} {best[0]:.4f} (test {best[1]:.4f})" for name, (best, _, _) in row.items())
        rates = " ".join(f"{rate:.3f}" for _, rate in row["pbt"][2])
        print(f"seed {seed}: {text}; {row['pbt'][1]} epochs each; {row['grid'][0][2]}; rates of pbt {rates}", flush=True)
    for place, metric in enumerate(("val_accuracy", "test_accuracy")):
        mean = lambda values: sum(values) / len(values)
        print(f"{metric}: " + ", ".join(f"{name} {mean([row[name][place] for row in rows]):.4f}" for name in arms))
        for other in ("grid", "random"):
            gap = [row["pbt"][place] - row[other][place] for row in rows]
            spread = math.sqrt(sum((g - mean(gap)) ** 2 for g in gap) / max(1, len(gap) - 1) / len(gap))
            print(f"  pbt - {other}: {mean(gap):+.4f} ± {spread:.4f}, better in {sum(g > 0 for g in gap)} of {len(gap)}")


if __name__ == "__main__":
    main()
