#!/usr/bin/env python3
"""From `ddl sweep` to the end of the first training step of the first trial, data prepared earlier.

Target: <= 150 ms. The built-in trainer writes one line to its log after its first step; the time of that
line is the log file's own.
"""

import glob
import os
import time

from measure import Workplace, arguments, median, show

options = arguments(__doc__.splitlines()[0])
SPEC = """name: first-{n}
trainer:
  data: fashion-mnist
  model: {{type: mlp, hidden: [256, 128]}}
  optimizer: {{type: sgd, momentum: 0.9, lr: 0.05}}
  epochs: 1
method: grid
metric: {{name: val_accuracy, goal: maximize}}
parameters: {{batch_size: {{values: [128]}}}}
"""


def milliseconds(place, n):
    spec = place.write(f"{n}.yaml", SPEC.format(n=n))
    before = set(glob.glob(place.path("host/**/log"), recursive=True))
    start = time.time_ns()
    place.ddl("sweep", "--quiet", spec)
    (log,) = set(glob.glob(place.path("host/**/log"), recursive=True)) - before
    return (os.stat(log).st_mtime_ns - start) / 1e6


with Workplace() as place:
    first = milliseconds(place, "prepares")
    times = [milliseconds(place, n) for n in range(options.rounds)]
show(f"from ddl sweep to the first training step (median of {options.rounds})",
     [{"ms": round(median(times), 1), "worst_ms": round(max(times), 1), "target_ms": 150,
       "with_data_to_prepare_ms": round(first, 1)}], options.json)
