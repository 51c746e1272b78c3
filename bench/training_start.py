#!/usr/bin/env python3
"""From a trial's start on its host to the end of its first training step: in a warm worker, and in a process of its own.

Targets: <= 5 ms and <= 60 ms. The start is the time of the job's params.json, which is written right before the
trial is started; the end is the time of the log, into which the built-in trainer writes one line after its first
step. The first trial of a worker starts it and is told apart.
"""

import glob
import os

from measure import Workplace, arguments, median, show

options = arguments(__doc__.splitlines()[0], trials=(20, "trials of each kind in a round"))
SPEC = """name: {name}
trainer:
  data: fashion-mnist
  model: {{type: mlp, hidden: [256, 128]}}
  optimizer: {{type: sgd, momentum: 0.9, lr: 0.05}}
  epochs: 1
  steps_per_epoch: 4
  validation: 100
method: grid
metric: {{name: val_accuracy, goal: maximize}}
parameters: {{seed: {{values: {seeds}}}}}
parallel: 1
fusion: {fusion}
"""


def starts(place, name, fusion):
    """Milliseconds of each trial of a sweep, in order."""
    before = set(glob.glob(place.path("host/*/jobs/*")))
    spec = place.write(f"{name}.yaml",
                       SPEC.format(name=name, fusion=fusion, seeds=list(range(options.trials))))
    place.ddl("sweep", "--quiet", spec)
    jobs = [job for job in glob.glob(place.path("host/*/jobs/*"))
            if job not in before and os.path.exists(job + "/log")]
    jobs.sort(key=lambda job: float(os.path.basename(job)))
    return [(os.stat(job + "/log").st_mtime_ns - os.stat(job + "/params.json").st_mtime_ns) / 1e6 for job in jobs]


kinds = {"warm worker": ("auto", 5), "own process": ("off", 60)}
times = {kind: [] for kind in kinds}
cold = []
with Workplace() as place:
    starts(place, "prepares", "off")
    for n in range(options.rounds):
        for kind, (fusion, _) in kinds.items():
            found = starts(place, f"{kind.split()[0]}-{n}", fusion)
            if fusion == "auto":
                cold.append(found[0])
                found = found[1:]
            times[kind] += found
rows = [{"start": kind, "ms": round(median(times[kind]), 2), "worst_ms": round(max(times[kind]), 2),
         "target_ms": target} for kind, (_, target) in kinds.items()]
rows.append({"start": "first of a worker", "ms": round(median(cold), 2), "worst_ms": round(max(cold), 2), "target_ms": 60})
show(f"start of a training to the end of its first step (median of {options.rounds} x {options.trials})", rows, options.json)
