#!/usr/bin/env python3
"""Optuna's samplers on the functions of bench/search: medians of best - optimum with bootstrap intervals.

The functions are written again here, from their published definitions, in the same boxes; the samplers run in this
process with their defaults and in-memory storage, one trial at a time or `--at-once N` (N trials asked, told in an
order that the seed decides, as bench/search does). Several objectives (zdt1, zdt2, zdt3): hypervolume up to (11, 11).
`--file TABLE.csv` takes a table as bench/search does: columns of parameters, then one of values; rows of the same
parameters count by their mean. A column of numbers is asked for by the place of its value, any other as a category.
`--json` prints what `bench/search --beside` reads.
How to get the peer: python3 -m venv DIR; DIR/bin/pip install optuna cmaes numpy scipy torch (scipy and torch for gp).
"""

import argparse
import csv
import heapq
import json
import math
import pathlib
import random
import statistics
import sys
import warnings

import numpy as np
import optuna

warnings.simplefilter("ignore")
optuna.logging.set_verbosity(optuna.logging.ERROR)
PI = math.pi
HARTMANN_A = np.array([[10, 3, 17, 3.5, 1.7, 8], [0.05, 10, 17, 0.1, 8, 14], [3, 3.5, 1.7, 10, 17, 8],
                       [17, 8, 0.05, 10, 0.1, 14]])
HARTMANN_P = np.array([[0.1312, 0.1696, 0.5569, 0.0124, 0.8283, 0.5886], [0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991],
                       [0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.6650], [0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381]])


def branin(x):
    return ((x[1] - 5.1 / (4 * PI**2) * x[0]**2 + 5 / PI * x[0] - 6)**2 + 10 * (1 - 1 / (8 * PI)) * math.cos(x[0]) + 10)


def hartmann(x):
    return -float(np.dot([1.0, 1.2, 3.0, 3.2], np.exp(-np.sum(HARTMANN_A * (x - HARTMANN_P)**2, axis=1))))


def rosenbrock(x):
    return float(np.sum(100 * (x[1:] - x[:-1]**2)**2 + (x[:-1] - 1)**2))


def ackley(x):
    return float(20 + math.e - 20 * math.exp(-0.2 * math.sqrt(np.mean(x**2))) - math.exp(np.mean(np.cos(2 * PI * x))))


def levy(x):
    w = 1 + (x - 1) / 4
    return float(math.sin(PI * w[0])**2 + np.sum((w[:-1] - 1)**2 * (1 + 10 * np.sin(PI * w[:-1] + 1)**2))
                 + (w[-1] - 1)**2 * (1 + math.sin(2 * PI * w[-1])**2))


def rastrigin(x):
    return float(10 * len(x) + np.sum(x**2 - 10 * np.cos(2 * PI * x)))


def styblinski_tang(x):
    return float(np.sum(x**4 - 16 * x**2 + 5 * x) / 2)


def front(shape):
    def values(x):
        g = 1 + 9 * float(np.sum(x[1:])) / (len(x) - 1)
        return float(x[0]), g * shape(float(x[0]), g)
    return values


def box(dimensions, low, high):
    return [(0.6 * low, high)] * dimensions


TANG = -39.16616570377142
TABLE = {  # name: (bounds, function, optimum, objectives)
    "branin": ([(-5, 10), (0, 15)], branin, 0.39788735772973816, 1),
    "hartmann-6d": ([(0, 1)] * 6, hartmann, -3.322368011415515, 1),
    "rosenbrock-5d": (box(5, -5, 10), rosenbrock, 0, 1),
    "ackley-5d": (box(5, -32.768, 32.768), ackley, 0, 1),
    "ackley-10d": (box(10, -32.768, 32.768), ackley, 0, 1),
    "levy-5d": (box(5, -10, 10), levy, 0, 1),
    "levy-10d": (box(10, -10, 10), levy, 0, 1),
    "rastrigin-5d": (box(5, -5.12, 5.12), rastrigin, 0, 1),
    "rastrigin-10d": (box(10, -5.12, 5.12), rastrigin, 0, 1),
    "styblinski-tang-5d": (box(5, -5, 5), styblinski_tang, 5 * TANG, 1),
    "styblinski-tang-10d": (box(10, -5, 5), styblinski_tang, 10 * TANG, 1),
}
FRONTS = {
    "zdt1": ([(0, 1)] * 30, front(lambda f, g: 1 - math.sqrt(f / g)), 0, 2),
    "zdt2": ([(0, 1)] * 30, front(lambda f, g: 1 - (f / g)**2), 0, 2),
    "zdt3": ([(0, 1)] * 30, front(lambda f, g: 1 - math.sqrt(f / g) - f / g * math.sin(10 * PI * f)), 0, 2),
}
SAMPLERS = {
    "random": lambda seed: optuna.samplers.RandomSampler(seed=seed),
    "tpe": lambda seed: optuna.samplers.TPESampler(seed=seed),
    "tpe-multivariate": lambda seed: optuna.samplers.TPESampler(seed=seed, multivariate=True),
    "cmaes": lambda seed: optuna.samplers.CmaEsSampler(seed=seed),
    "gp": lambda seed: optuna.samplers.GPSampler(seed=seed),
    "nsga2": lambda seed: optuna.samplers.NSGAIISampler(seed=seed),
}


def asker(bounds, function):
    return lambda trial: function(
        np.array([trial.suggest_float(f"x{i + 1}", low, high) for i, (low, high) in enumerate(bounds)]))


def number_or_text(text):
    try:
        return float(text)
    except ValueError:
        return text


def table(path):
    with open(path, newline="") as file:
        names, *rows = csv.reader(file)
    rows = [tuple(map(number_or_text, row)) for row in rows]
    columns = [sorted(set(column)) for column in list(zip(*rows))[:-1]]
    known = {}
    for *point, value in rows:
        known.setdefault(tuple(point), []).append(value)
    means = {point: statistics.fmean(values) for point, values in known.items()}

    def ask(trial):
        point = []
        for name, values in zip(names, columns):
            if isinstance(values[0], float):
                point.append(values[trial.suggest_int(name, 0, len(values) - 1)])
            else:
                point.append(trial.suggest_categorical(name, values))
        return means[tuple(point)]

    return ask, min(means.values()), 1


def told(problem, method, seed, evaluations, at_once):
    """Values in the order in which they were told."""
    ask, _, objectives = problem
    study = optuna.create_study(directions=["minimize"] * objectives, sampler=SAMPLERS[method](seed))
    durations, now, running, values = random.Random(seed), 0.0, [], []
    for number in range(evaluations + at_once):
        if len(running) == min(at_once, evaluations - len(values)) and running:
            now, _, trial, value = heapq.heappop(running)
            study.tell(trial, value)
            values.append(value)
        if number < evaluations:
            trial = study.ask()
            heapq.heappush(running, (now + 0.5 + durations.random(), number, trial, ask(trial)))
    while running:
        _, _, trial, value = heapq.heappop(running)
        study.tell(trial, value)
        values.append(value)
    return values


def hypervolume(points, reference=(11.0, 11.0)):
    volume, top = 0.0, reference[1]
    for first, second in sorted(points):
        if first < reference[0] and second < top:
            volume += (reference[0] - first) * (top - second)
            top = second
    return volume


def summary(values):
    draws = random.Random(2026)
    medians = sorted(statistics.median(draws.choices(values, k=len(values))) for _ in range(2000))
    return statistics.median(values), medians[50], medians[1949]


def listed(text):
    return text.split(",")


parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--methods", type=listed, default=["tpe"], help="of " + ", ".join(SAMPLERS))
parser.add_argument("--functions", type=listed, default=["table"], help="names, or the suites table and fronts")
parser.add_argument("--file", action="append", default=[], help="a table instead of functions")
parser.add_argument("--seeds", default="20", help="N: 0..N-1; or A..B")
parser.add_argument("--evaluations", type=listed, default=["100", "200"])
parser.add_argument("--at-once", type=int, default=1)
parser.add_argument("--json", action="store_true")
options = parser.parse_args()
first, last = map(int, options.seeds.split("..")) if ".." in options.seeds else (0, int(options.seeds) - 1)
evaluations = sorted(map(int, options.evaluations))
problems = {}
for path in options.file:
    problems[pathlib.Path(path).stem] = table(path)
for name in [] if options.file else options.functions:
    found = {"table": TABLE, "fronts": FRONTS}.get(name) or {k: v for k, v in (TABLE | FRONTS).items() if k == name}
    if not found:
        sys.exit(f"knows no function '{name}'")
    problems |= {key: (asker(bounds, function), optimum, objectives)
                 for key, (bounds, function, optimum, objectives) in found.items()}

rows = []
for name, problem in problems.items():
    for method in options.methods:
        reached = [[] for _ in evaluations]
        for seed in range(first, last + 1):
            values = told(problem, method, seed, evaluations[-1], options.at_once)
            for i, count in enumerate(evaluations):
                reached[i].append(hypervolume(values[:count]) if problem[2] > 1 else min(values[:count]) - problem[1])
        for i, count in enumerate(evaluations):
            median, low, high = summary(reached[i])
            rows.append({"function": name, "method": method, "evaluations": count, "at_once": options.at_once,
                         "seeds": last + 1 - first, "median": median, "low": low, "high": high})
            print(f"{name:<20} {method:<16} {count:>6} {options.at_once:>3} {median:.4g} [{low:.4g}, {high:.4g}]",
                  file=sys.stderr if options.json else sys.stdout, flush=True)
if options.json:
    print(json.dumps({"benchmark": "search", "peer": f"Optuna {optuna.__version__}", "rows": rows}))
