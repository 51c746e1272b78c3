#!/usr/bin/env python3
"""Metric rows from 64 chatty trials into the store: rows committed a second, and whether any is lost.

Target: >= 20,000 rows/s committed, none lost.
"""

from measure import Workplace, arguments, median, show, timed

options = arguments(__doc__.splitlines()[0], trials=(64, "trials, all at once"), lines=(5000, "lines a trial"))
SPEC = """name: chatty
command: [/bin/sh, chatty.sh]
method: grid
parameters: {{i: {{values: [{values}]}}}}
metric: {{name: loss, goal: minimize}}
parallel: {trials}
resources: {{cpus: 0.01}}
"""
# awk is quick enough not to be what is measured.
SCRIPT = """exec awk 'BEGIN { for (i = 1; i <= %d; ++i) printf "{\\"step\\": %%d, \\"loss\\": %%.6f}\\n", i, 1 / i }'
"""

walls, lost, size = [], 0, 0
for _ in range(options.rounds):
    with Workplace() as place:
        values = ", ".join(str(i) for i in range(options.trials))
        spec = place.write("chatty.yaml", SPEC.format(values=values, trials=options.trials))
        place.write("chatty.sh", SCRIPT % options.lines)
        walls.append(timed(lambda: place.ddl("sweep", "--quiet", spec)))
        kept = place.database().execute("SELECT sum(count) FROM summary").fetchone()[0]
        lost += options.trials * options.lines - kept
rows = options.trials * options.lines
show(f"{options.trials} trials x {options.lines} metric lines (median of {options.rounds})",
     [{"rows": rows, "wall_s": round(median(walls), 2), "rows_per_s": round(rows / median(walls)), "lost": lost}],
     options.json)
