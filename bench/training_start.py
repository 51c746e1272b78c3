#!/usr/bin/env python3
"""From a trial's start on its host to the end of its first training step: in a warm worker, and in a process of its own.

Targets: <= 5 ms and <= 60 ms. The start is the appearance of the job's params.json, which is written right before the
trial is started; the end is the first line of the log, which the built-in trainer writes after its first step. Both
are looked for every fifth of a millisecond. The first trial of a worker starts it and is told apart.
"""

import subprocess

from measure import DDL, Workplace, arguments, median, show, started_jobs

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


jobs_so_far = 0


def starts(place, name, fusion):
    """Milliseconds of each trial of a sweep, in order."""
    global jobs_so_far
    spec = place.write(f"{name}.yaml",
                       SPEC.format(name=name, fusion=fusion, seeds=list(range(options.trials))))
    process = subprocess.Popen([DDL, "sweep", "--quiet", spec], env=place.env, cwd=place.folder,
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    times = started_jobs(place, process, jobs_so_far + 1)
    jobs_so_far += options.trials
    return [1000 * (end - begin) for begin, end in times]


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
