#!/usr/bin/env python3
"""10,000 trials of `sleep 0.2`, 64 at a time: wall against the ideal, and the gap from the exit of a
trial to the exec of the next one on its slot.

Target: wall <= 1.05 x ideal; median gap <= 5 ms.
"""

import json
from collections import defaultdict

from measure import Workplace, arguments, median, show, timed

options = arguments(__doc__.splitlines()[0], trials=(10000, "trials"), at_once=(64, "trials at a time"),
                    seconds=(0.2, "seconds a trial sleeps"))
SPEC = """name: sleep
command: [/bin/sleep, "{seconds}"]
method: random
run_cap: {trials}
parameters: {{i: {{min: 0.0, max: 1.0}}}}
parallel: {at_once}
resources: {{cpus: 0.01}}
"""

rows = []
ideal = options.trials / options.at_once * options.seconds
for _ in range(options.rounds):
    with Workplace() as place:
        spec = place.write("sleep.yaml", SPEC.format(**vars(options)))
        wall = timed(lambda: place.ddl("sweep", "--quiet", spec))
        slots = defaultdict(list)
        for slot, start, end in place.database().execute(
                "SELECT slots_json, started_ms, ended_ms FROM attempt WHERE ended_ms IS NOT NULL"):
            slots[slot].append((start, end))
        gaps = [after[0] - before[1] for spans in slots.values()
                for before, after in zip(sorted(spans), sorted(spans)[1:])]
        rows.append((wall, median(gaps)))
show(f"{options.trials} x sleep {options.seconds}, {options.at_once} at a time (median of {options.rounds})",
     [{"wall_s": round(median([w for w, _ in rows]), 2), "ideal_s": ideal,
       "ratio": round(median([w for w, _ in rows]) / ideal, 3),
       "exit_to_next_exec_ms": median([g for _, g in rows])}], options.json)
