#!/usr/bin/env python3
"""From `ddl sweep` to the end of the first training step of the first trial, data prepared earlier.

Target: <= 150 ms. The built-in trainer writes one line to its log after its first step; its appearance is
looked for every fifth of a millisecond.
"""

import subprocess
import time

from measure import DDL, Workplace, arguments, median, show, started_jobs

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
    start = time.monotonic()
    process = subprocess.Popen([DDL, "sweep", "--quiet", spec], env=place.env, cwd=place.folder,
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    ((_, stepped),) = started_jobs(place, process, n)
    return 1000 * (stepped - start)



with Workplace() as place:
    first = milliseconds(place, 1)
    times = [milliseconds(place, n) for n in range(2, options.rounds + 2)]
show(f"from ddl sweep to the first training step (median of {options.rounds})",
     [{"ms": round(median(times), 1), "worst_ms": round(max(times), 1), "target_ms": 150,
       "with_data_to_prepare_ms": round(first, 1)}], options.json)
