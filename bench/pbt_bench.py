#!/usr/bin/env python3
"""Population based training beside the best of nine fixed schedules, with as many epochs in all.

  bench/pbt_bench.py [--ddl build/release/ddl] [--seeds 5] [--first-seed 0] [--epochs 30] [--interval 3]

A small MLP on Fashion-MNIST (Debian's dataset-fashion-mnist), SGD with momentum, on parts of the data as epochs so that a
core trains one in a fraction of a second. The fixed ones are constant, step and cosine, each with three rates; the members
are nine, and choose their rate as they go. Of both the one with the best validation accuracy at the end counts; its test
accuracy, which nothing was chosen by, stands beside it. Prints a line a seed, then means with the standard error of the
paired difference. Runs in a store of its own, which goes.
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
FIXED = """
name: fixed
method: grid
parameters:
  schedule.type: {{values: [constant, step, cosine]}}
  schedule.step_size: {{value: {half}, when: schedule.type == 'step'}}
  optimizer.lr: {{values: [0.02, 0.06, 0.2]}}
"""
POPULATION = """
name: population
method: pbt
search: {{population: 9, perturbation_interval: {interval}, quantile_fraction: {quantile}, resample_probability: {resample}}}
search_seed: {seed}
parameters:
  schedule.type: {{value: {base}}}
  optimizer.lr: {{distribution: log_uniform_values, min: 0.01, max: 0.5}}
"""


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--ddl", default="build/release/ddl")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--interval", type=int, default=3)
    parser.add_argument("--quantile", type=float, default=0.25)
    parser.add_argument("--resample", type=float, default=0.25)
    parser.add_argument("--base", default="constant", help="schedule that the population's rates are multiplied by")
    options = parser.parse_args()
    ddl = os.path.abspath(options.ddl)

    def run(template, seed):
        with tempfile.TemporaryDirectory() as folder:
            environment = dict(os.environ, DDL_HOME=folder + "/store", DDL_HOST_DIR=folder + "/host")
            settings = dict(vars(options), seed=seed, half=options.epochs / 2)
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

    differences, rows = {"val": [], "test": []}, []
    for seed in range(options.first_seed, options.first_seed + options.seeds):
        fixed, fixed_epochs, _ = run(FIXED, seed)
        member, epochs, schedule = run(POPULATION, seed)
        assert epochs == fixed_epochs, (epochs, fixed_epochs)
        rows.append((fixed, member))
        differences["val"].append(member[0] - fixed[0])
        differences["test"].append(member[1] - fixed[1])
        rates = " ".join(f"{rate:.4f}" for _, rate in schedule)
        print(f"seed {seed}: fixed {fixed[0]:.4f} (test {fixed[1]:.4f}, {fixed[2]}), pbt {member[0]:.4f} "
              f"(test {member[1]:.4f}), {epochs} epochs each; rates {rates}", flush=True)
    for place, name in enumerate(("val", "test")):
        mean = lambda values: sum(values) / len(values)
        gap = differences[name]
        spread = math.sqrt(sum((g - mean(gap)) ** 2 for g in gap) / max(1, len(gap) - 1) / len(gap))
        print(f"{name}_accuracy: fixed {mean([f[place] for f, _ in rows]):.4f}, pbt {mean([p[place] for _, p in rows]):.4f}, "
              f"difference {mean(gap):+.4f} ± {spread:.4f} (standard error), better in {sum(g > 0 for g in gap)} of {len(gap)}")


if __name__ == "__main__":
    main()
