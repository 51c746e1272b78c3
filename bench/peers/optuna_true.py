"""Measures Optuna with SQLite storage on trials of /bin/true: prints the wall seconds a trial.

usage: optuna_true.py TRIALS JOBS
Get the peer: python3 -m venv peer && peer/bin/pip install optuna; PEER_PYTHON=peer/bin/python for the benchmarks.
"""

import subprocess
import sys
import time

import optuna

optuna.logging.set_verbosity(optuna.logging.ERROR)
trials, jobs = int(sys.argv[1]), int(sys.argv[2])


def objective(trial):
    trial.suggest_int("i", 0, 1 << 30)
    subprocess.run(["/bin/true"], check=True)
    return 0.0


study = optuna.create_study(storage="sqlite:///optuna.db", sampler=optuna.samplers.RandomSampler(seed=0))
before = time.monotonic()
study.optimize(objective, n_trials=trials, n_jobs=jobs)
print((time.monotonic() - before) / trials)
