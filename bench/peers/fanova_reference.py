"""Holds ddl's parameter importances against other implementations, on several data sets.

usage: fanova_reference.py BUILD/bench/importance_bench
Get the peers: python3 -m venv peer && peer/bin/pip install optuna scikit-learn; run this with peer/bin/python.

For each data set, the largest difference over parameters between ddl's fANOVA and
  marginals   the definition, cell by cell in numpy, on the forest that ddl grew (single and pairs);
  its tree    Optuna's own marginals (optuna.importance._fanova._tree) on the forest that ddl grew;
  Optuna      Optuna's FanovaImportanceEvaluator with its defaults (64 trees of scikit-learn), as a mean
              over seeds 0..9; beside it how far those seeds lie from their mean;
and between ddl's PED-ANOVA and Optuna's PedAnovaImportanceEvaluator. Optuna is given unit coordinates, since it
reckons log scales and the ends of integer ranges by their raw width, where ddl (as Hutter et al.) reckons by share.
It sees categories as one-hot cubes, of which most points are no category at all: on sets with categories its figures
are shown, and meant to differ.
"""

import json
import subprocess
import sys
import warnings

import numpy as np
import optuna
from optuna.importance._fanova._tree import _FanovaTree
from optuna.trial import create_trial

warnings.filterwarnings("ignore")
optuna.logging.set_verbosity(optuna.logging.ERROR)


def branin(x):
    u, v = 15 * x[:, 0] - 5, 15 * x[:, 1]
    return (v - 5.1 / (4 * np.pi**2) * u**2 + 5 / np.pi * u - 6) ** 2 + 10 * (1 - 1 / (8 * np.pi)) * np.cos(u) + 10


def hartmann(x):
    a = np.array([[10, 3, 17, 3.5, 1.7, 8], [0.05, 10, 17, 0.1, 8, 14], [3, 3.5, 1.7, 10, 17, 8], [17, 8, 0.05, 10, 0.1, 14]])
    p = 1e-4 * np.array([[1312, 1696, 5569, 124, 8283, 5886], [2329, 4135, 8307, 3736, 1004, 9991],
                         [2348, 1451, 3522, 2883, 3047, 6650], [4047, 8828, 8732, 5743, 1091, 381]])
    inner = (a[None] * (x[:, None, :] - p[None]) ** 2).sum(2)
    return -(np.array([1, 1.2, 3, 3.2]) * np.exp(-inner)).sum(1)


def data_sets():
    draw = np.random.default_rng(1)
    x = draw.random((200, 4))
    yield "additive, 4 numbers, 200 rows", [{}] * 4, x, 3 * x[:, 0] + 2 * np.sin(6 * x[:, 1]) + x[:, 2] ** 2
    x = draw.random((300, 3))
    yield "interaction, 3 numbers, 300 rows", [{}] * 3, x, (x[:, 0] - 0.5) * (x[:, 1] - 0.5)
    x = draw.random((300, 2))
    yield "Branin, 300 rows", [{}] * 2, x, branin(x)
    x = draw.random((400, 6))
    yield "Hartmann, 400 rows", [{}] * 6, x, hartmann(x)
    x = draw.random((250, 5))
    yield "noisy, 5 numbers, 250 rows", [{}] * 5, x, x[:, 0] + x[:, 1] * x[:, 2] + 0.3 * draw.standard_normal(250)
    steps = draw.integers(0, 8, (300, 3))
    yield "3 integers of 8 levels, 300 rows", [{"levels": 8}] * 3, (steps + 0.5) / 8, (steps[:, 0] - 3.0) ** 2 + 2.0 * steps[:, 1]
    x = draw.random((300, 4))
    x[:, 3] = draw.integers(0, 4, 300)
    effect = np.array([0.0, 1.0, 1.5, -1.0])[x[:, 3].astype(int)]
    yield "3 numbers and 4 categories, 300 rows", [{}, {}, {}, {"categories": 4}], x, x[:, 0] * 2 + effect * (1 + x[:, 1])


def ours(program, axes, x, y):
    given = {"axes": axes, "columns": x.T.tolist(), "values": y.tolist(), "trees": 64, "seed": 0}
    return json.loads(subprocess.run([program], input=json.dumps(given), capture_output=True, text=True, check=True).stdout)


def leaves_of(tree, axes):
    """Each leaf: its value, and for each axis (low, high) or the set of categories."""
    start = [set(range(a["categories"])) if "categories" in a else (0.0, 1.0) for a in axes]
    open_nodes, leaves = [(0, start)], []
    while open_nodes:
        index, box = open_nodes.pop()
        axis, threshold, mask, left, right, value = tree[index]
        if axis < 0:
            leaves.append((value, box))
            continue
        low, high = list(box), list(box)
        if "categories" in axes[axis]:
            low[axis] = {c for c in box[axis] if mask >> c & 1}
            high[axis] = box[axis] - low[axis]
        else:
            low[axis], high[axis] = (box[axis][0], threshold), (threshold, box[axis][1])
        open_nodes += [(left, low), (right, high)]
    return leaves


def by_definition(trees, axes):
    """Shares of single axes and pairs: for each cell that the splits make, the mean over all other axes."""
    singles, pairs = [], []
    for tree in trees:
        leaves = leaves_of(tree, axes)
        values = np.array([v for v, _ in leaves])
        inside, sizes, cells = [], [], []
        for a, axis in enumerate(axes):
            spans = [box[a] for _, box in leaves]
            if "categories" in axis:
                k = axis["categories"]
                inside.append(np.array([[c in s for c in range(k)] for s in spans], float))
                sizes.append(np.array([len(s) / k for s in spans]))
                cells.append(np.full(k, 1 / k))
            else:
                edges = np.unique([e for s in spans for e in s])
                middles = (edges[1:] + edges[:-1]) / 2
                low, high = np.array([s[0] for s in spans]), np.array([s[1] for s in spans])
                inside.append(((low[:, None] <= middles) & (middles < high[:, None])).astype(float))
                sizes.append(high - low)
                cells.append(np.diff(edges))
        volumes = np.prod(sizes, axis=0)
        mean = (values * volumes).sum()
        total = (volumes * (values - mean) ** 2).sum()
        if total <= 0:
            continue
        single = []
        for a in range(len(axes)):
            marginal = (values * volumes / sizes[a]) @ inside[a]
            single.append((cells[a] * (marginal - mean) ** 2).sum() / total)
        singles.append(single)
        pair = []
        for a in range(len(axes)):
            for b in range(a + 1, len(axes)):
                weights = values * volumes / sizes[a] / sizes[b]
                marginal = (inside[a] * weights[:, None]).T @ inside[b]
                both = (np.outer(cells[a], cells[b]) * (marginal - mean) ** 2).sum() / total
                pair.append(both - single[a] - single[b])
        pairs.append(pair)
    return np.mean(singles, axis=0), np.mean(pairs, axis=0)


class AsScikitTree:
    def __init__(self, tree, features):
        self.n_features, self.node_count = features, len(tree)
        self.feature = np.array([n[0] if n[0] >= 0 else -2 for n in tree])
        self.threshold = np.array([n[1] for n in tree])
        self.children_left, self.children_right = np.array([n[3] for n in tree]), np.array([n[4] for n in tree])
        self.value = np.array([n[5] for n in tree]).reshape(-1, 1, 1)


def optunas_marginals(trees, axes):
    bounds = np.array([[0.0, 1.0]] * len(axes))
    shares = []
    for tree in trees:
        peer = _FanovaTree(AsScikitTree(tree, len(axes)), bounds)
        if peer.variance > 0:
            shares.append([peer.get_marginal_variance(np.array([a])) / peer.variance for a in range(len(axes))])
    return np.mean(shares, axis=0)


def study_of(axes, x, y):
    space = {}
    for a, axis in enumerate(axes):
        if "categories" in axis:
            space[f"x{a}"] = optuna.distributions.CategoricalDistribution(tuple(range(axis["categories"])))
        elif "levels" in axis:
            space[f"x{a}"] = optuna.distributions.FloatDistribution(0.5 / axis["levels"], 1 - 0.5 / axis["levels"], step=1 / axis["levels"])
        else:
            space[f"x{a}"] = optuna.distributions.FloatDistribution(0, 1)
    study = optuna.create_study()
    for row, value in zip(x, y):
        params = {f"x{a}": int(row[a]) if "categories" in axis else float(row[a]) for a, axis in enumerate(axes)}
        study.add_trial(create_trial(params=params, distributions=space, value=float(value)))
    return study


def optunas(axes, x, y, seed):
    evaluator = optuna.importance.FanovaImportanceEvaluator(seed=seed)
    found = optuna.importance.get_param_importances(study_of(axes, x, y), evaluator=evaluator, normalize=False)
    return np.array([found[f"x{a}"] for a in range(len(axes))])


def optunas_top(axes, x, y):
    found = optuna.importance.get_param_importances(study_of(axes, x, y), evaluator=optuna.importance.PedAnovaImportanceEvaluator())
    return np.array([found[f"x{a}"] for a in range(len(axes))])


def main(program):
    print(f"optuna {optuna.__version__}; largest differences over the parameters of each set")
    print("| data | marginals, single | marginals, pairs | its tree | Optuna | Optuna's seeds | PED-ANOVA | ms |")
    print("|---|---|---|---|---|---|---|---|")
    for name, axes, x, y in data_sets():
        mine = ours(program, axes, x, y)
        single = np.array([s["mean"] for s in mine["single"]])
        pairs = np.array([s["mean"] for s in mine["pairs"]])
        plain_single, plain_pairs = by_definition(mine["trees"], axes)
        is_ordered = not any("categories" in a for a in axes)
        few = mine["trees"][:8]  # Optuna's marginals take a second a tree
        its = f"{np.abs(by_definition(few, axes)[0] - optunas_marginals(few, axes)).max():.0e}" if is_ordered else "-"
        seeds = np.array([optunas(axes, x, y, seed) for seed in range(10)])
        top = np.array([s["share"] for s in mine["ped_anova"]])
        print(f"| {name} | {np.abs(single - plain_single).max():.0e} | {np.abs(pairs - plain_pairs).max():.0e} | {its} | "
              f"{np.abs(single - seeds.mean(0)).max():.3f} | {np.abs(seeds - seeds.mean(0)).max():.3f} | "
              f"{np.abs(top - optunas_top(axes, x, y)).max():.0e} | {mine['fanova_ms']:.0f} |")
        print("  ddl", np.round(single, 3), "Optuna", np.round(seeds.mean(0), 3), "explained", round(mine["explained"], 3), file=sys.stderr)


main(sys.argv[1])
