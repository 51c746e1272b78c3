#!/usr/bin/env python3
"""PyTorch's side of bench/sweep_peers.py: trainings of the MLP 784-256-128-10, batch 128, SGD with momentum, on 50,000
rows of Fashion-MNIST with 10,000 to validate after each epoch.

  torch_trial.py DATA EPOCHS LR                one training in this process
  torch_trial.py DATA EPOCHS optuna N          a study of Optuna with N of them, two threads in this process, storage
                                               in memory, lr by grid
How to get it: DIR/bin/pip install torch numpy optuna. DATA.x.npy and DATA.y.npy hold normalised float32 rows and labels, so
that a process neither unpacks nor scales anything; --prepare DATA writes them.
"""

import os
import sys

os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = "1"
import numpy  # noqa: E402
import torch  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn import functional  # noqa: E402

torch.set_num_threads(1)
torch.set_flush_denormal(True)
BATCH, TRAINING = 128, 50000


def prepare(path):
    import gzip
    folder = "/usr/share/datasets/fashion-mnist"
    with gzip.open(os.path.join(folder, "train-images-idx3-ubyte.gz")) as file:
        pixels = numpy.frombuffer(file.read(), numpy.uint8, offset=16).reshape(60000, 784)
    with gzip.open(os.path.join(folder, "train-labels-idx1-ubyte.gz")) as file:
        labels = numpy.frombuffer(file.read(), numpy.uint8, offset=8)
    numpy.save(path + ".x.npy", (pixels.astype(numpy.float32) / 255 - 0.2860) / 0.3530)
    numpy.save(path + ".y.npy", labels.astype(numpy.int64))


def load(path):
    """Mapped, not read: the page cache has it."""
    return (torch.from_numpy(numpy.load(path + ".x.npy", mmap_mode="c")),
            torch.from_numpy(numpy.load(path + ".y.npy", mmap_mode="c")))


def train(pixels, labels, epochs, lr, seed=0):
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr, momentum=0.9, fused=True)
    accuracy = 0.0
    for _ in range(epochs):
        order = torch.randperm(TRAINING)
        for first in range(0, TRAINING, BATCH):
            rows = order[first:first + BATCH]
            loss = functional.cross_entropy(model(pixels.index_select(0, rows)), labels.index_select(0, rows))
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
        with torch.inference_mode():
            right = sum((model(x).argmax(1) == y).sum() for x, y in zip(pixels[TRAINING:].split(1000),
                                                                        labels[TRAINING:].split(1000)))
        accuracy = float(right) / (len(labels) - TRAINING)
    return accuracy


def study(pixels, labels, epochs, trials):
    import optuna
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    grid = [0.01 + 0.005 * i for i in range(trials)]
    chosen = optuna.create_study(direction="maximize", sampler=optuna.samplers.GridSampler({"lr": grid}))
    chosen.optimize(lambda trial: train(pixels, labels, epochs, trial.suggest_float("lr", grid[0], grid[-1])),
                    n_trials=trials, n_jobs=2)
    return chosen.best_value


if sys.argv[1] == "--prepare":
    prepare(sys.argv[2])
elif sys.argv[3] == "optuna":
    print(study(*load(sys.argv[1]), int(sys.argv[2]), int(sys.argv[4])))
else:
    print(train(*load(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
