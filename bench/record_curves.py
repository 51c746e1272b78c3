#!/usr/bin/env python3
"""Writes the learning curves of an ended sweep for bench/pruning_bench.

  bench/record_curves.py [--ddl build/release/ddl] SWEEP > bench/curves/NAME.json

Run it where the store of that sweep is. Trials that did not make as many reports as most are left out.
"""
import argparse
import json
import subprocess
import sys
from collections import Counter


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--ddl", default="build/release/ddl")
    parser.add_argument("sweep")
    options = parser.parse_args()

    def ask(*words):
        return json.loads(subprocess.run([options.ddl, *words, "--json"], check=True, capture_output=True, text=True).stdout)

    report = ask("report", options.sweep, "--top", "1000000")
    metric, goal = report["sweep"]["metric"], report["sweep"]["goal"]
    curves = []
    for trial in sorted(trial["trial"] for trial in report["trials"]):
        shown = ask("show", f"{options.sweep}/{trial}")
        for curve in shown["curves"]:
            if curve["metric"] == metric:
                curves.append([point["value"] for point in curve["points"]])
    whole = Counter(map(len, curves)).most_common(1)[0][0]
    kept = [curve for curve in curves if len(curve) == whole]
    if len(kept) < len(curves):
        print(f"{len(curves) - len(kept)} trials left out", file=sys.stderr)
    lines = ",\n".join("  " + json.dumps(curve) for curve in kept)
    print(f'{{"sweep": {json.dumps(options.sweep)}, "metric": {json.dumps(metric)}, '
          f'"goal": {json.dumps(goal)}, "curves": [\n{lines}\n]}}')


if __name__ == "__main__":
    main()
