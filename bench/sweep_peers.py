#!/usr/bin/env python3
"""Sixteen trainings of the MLP 784-256-128-10 on two cores: `ddl sweep` beside PyTorch.

Every contender trains 16 learning rates for so many epochs on 50,000 rows of Fashion-MNIST, batch 128, SGD with
momentum, one thread each, two at a time, and validates 10,000 rows after each epoch: `ddl sweep` with the built-in
trainer (data prepared earlier, as they are from the second sweep on), 16 PyTorch processes by `xargs -P2`, and Optuna
with PyTorch in one process and n_jobs=2. Nobody looks at the test rows. Rounds alternate. The peers live in bench/peers/torch_trial.py; PEER_PYTHON
names the Python that has PyTorch and Optuna. Targets: >= 5 x and >= 3 x with 1 epoch, >= 2.4 x and >= 2 x with 3.
"""

import itertools
import os
import subprocess
import sys

from measure import TOP, Workplace, arguments, interleaved, median, show

options = arguments(__doc__.splitlines()[0], epochs=("1,3", "of a training, separated by commas"),
                    trials=(16, "trainings"), peers=("processes,optuna", "whom to compare with"), precision=("", "of ddl's trainer; default its own"))
PYTHON = os.environ.get("PEER_PYTHON", sys.executable)
PEER = os.path.join(TOP, "bench", "peers", "torch_trial.py")
NUMBERS = itertools.count()  # a sweep that has run already would not run again
RATES = [round(0.01 + 0.005 * i, 3) for i in range(options.trials)]
PRECISION = f"\n  precision: {options.precision}" if options.precision else ""
SPEC = """name: {name}
trainer:
  data: {{type: idx, train_features: {images}, train_labels: {labels}}}
  normalize: {{mean: 0.2860, std: 0.3530}}
  validation: 10000
  model: {{type: mlp, hidden: [256, 128]}}
  optimizer: {{type: sgd, momentum: 0.9}}
  epochs: {epochs}{precision}
method: grid
parallel: 2
metric: {{name: val_accuracy, goal: maximize}}
parameters: {{optimizer.lr: {{values: {rates}}}}}
"""


def peer(*words):
    env = dict(os.environ, OMP_NUM_THREADS="1", MKL_NUM_THREADS="1")
    env.pop("OPENBLAS_CORETYPE", None)
    return subprocess.run(words, env=env, check=True, stdout=subprocess.DEVNULL)


def contenders(place, data, epochs):
    def ddl():
        name = f"e{epochs}-{next(NUMBERS)}"
        place.ddl("sweep", "--quiet", place.write(f"{name}.yaml", SPEC.format(
            name=name, epochs=epochs, rates=RATES, precision=PRECISION,
            images="fashion-mnist/train-images-idx3-ubyte.gz", labels="fashion-mnist/train-labels-idx1-ubyte.gz")))

    def processes():
        each = " ".join(map(str, (PEER, data, epochs)))
        peer("sh", "-c", 'printf "%s\\n" "$@" | xargs -P2 -n1 "$0" ' + each, PYTHON, *map(str, RATES))

    def optuna():
        peer(PYTHON, PEER, data, str(epochs), "optuna", str(len(RATES)))

    peers = {"processes": ("PyTorch by xargs -P2", processes), "optuna": ("Optuna, n_jobs=2", optuna)}
    return dict([("ddl sweep", ddl)] + [peers[name] for name in options.peers.split(",")])


rows = []
with Workplace() as place:
    data = place.path("fashion")
    peer(PYTHON, PEER, "--prepare", data)
    for run in contenders(place, data, 1).values():  # warms the page cache, prepares data
        run()
    for epochs in map(int, options.epochs.split(",")):
        times = interleaved(contenders(place, data, epochs), options.rounds)
        for name, seconds in times.items():
            ratio = median([peers / own for peers, own in zip(seconds, times["ddl sweep"])])
            rows.append({"epochs": epochs, "contender": name, "s": round(median(seconds), 2),
                         "spread": f"{min(seconds):.2f}..{max(seconds):.2f}", "ddl_is_faster": f"{ratio:.2f} x"})
show(f"{options.trials} trainings on two cores (medians of {options.rounds})", rows, options.json)
