#!/usr/bin/env python3
"""Records bench/tables/diabetes-boosting.csv: every setting of a grid of gradient-boosted trees on scikit-learn's diabetes.

Prints a row a setting: its parameters, then the mean squared error over five folds, in deviations of the target. Takes
some minutes on one core. How to get scikit-learn: Debian's package python3-sklearn, or pip install scikit-learn.
"""

import itertools

import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.model_selection import KFold

TREES = (20, 50, 100, 200)  # one fit gives the errors of all
GRID = {
    "loss": ("squared_error", "absolute_error", "huber"),
    "learning_rate": (0.01, 0.03, 0.1, 0.3),
    "max_depth": (1, 2, 3, 5),
    "subsample": (0.5, 0.75, 1.0),
    "max_features": ("sqrt", "all"),
    "min_samples_leaf": (1, 5, 20),
}


def errors(settings, features, targets):
    """Mean squared error over the folds, for each count of TREES."""
    sums = np.zeros(len(TREES))
    folds = KFold(5, shuffle=True, random_state=0)
    for train, test in folds.split(features):
        model = GradientBoostingRegressor(n_estimators=TREES[-1], random_state=0, **settings)
        model.fit(features[train], targets[train])
        stages = list(model.staged_predict(features[test]))
        sums += [np.mean((stages[count - 1] - targets[test])**2) for count in TREES]
    return sums / folds.get_n_splits()


def main():
    features, targets = load_diabetes(return_X_y=True)
    targets = (targets - targets.mean()) / targets.std()
    print(",".join([*GRID, "trees", "error"]))
    for point in itertools.product(*GRID.values()):
        settings = dict(zip(GRID, point))
        if settings["max_features"] == "all":
            settings["max_features"] = None
        for count, error in zip(TREES, errors(settings, features, targets)):
            print(",".join([*map(str, point), str(count), f"{error:.5f}"]), flush=True)


if __name__ == "__main__":
    main()
