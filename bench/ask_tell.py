#!/usr/bin/env python3
"""One `ddl ask` and one `ddl tell` with so many trials in the history: the whole commands, start-up included.

Each call is a process of its own that feeds the stored questions and answers to its search. The history is asked for
in one call; what came of its trials is then written into the database as `ddl tell` would have, in one go.
"""

import json
import random
import resource
import sqlite3
import time

from measure import DDL, Workplace, arguments, median, show

options = arguments(__doc__.splitlines()[0])
SPEC = """name: outside
method: {method}
metric: {{name: loss, goal: minimize}}
parameters:
  a: {{min: 0.0, max: 1.0}}
  b: {{min: 0.0, max: 1.0}}
  c: {{distribution: log_uniform_values, min: 0.0001, max: 1.0}}
  d: {{values: [16, 32, 64, 128]}}
  e: {{values: [relu, tanh, gelu]}}
run_cap: 1000000
"""


def loss_of(parameters):
    return (parameters["a"] - 0.3) ** 2 + (parameters["b"] - 0.6) ** 2 + 0.01 * random.random()


def tell_all(place, learns):
    """Every open trial has finished, in the order of numbers."""
    database = sqlite3.connect(place.env["DDL_HOME"] + "/ddl.db")
    name = database.execute("INSERT INTO metric_name (name) VALUES ('loss') ON CONFLICT DO UPDATE SET name = name "
                            "RETURNING id").fetchone()[0]
    step = database.execute("SELECT coalesce(max(step), 0) FROM search_step").fetchone()[0]
    for trial, configuration, text in database.execute(
            "SELECT id, configuration, params_json FROM trial WHERE state = 2 ORDER BY number").fetchall():
        loss = loss_of(json.loads(text))
        database.execute("UPDATE trial SET state = 5, objective = ?, ended_ms = 1 WHERE id = ?", (loss, trial))
        database.execute("UPDATE attempt SET cause = 0, exit_code = 0, ended_ms = 1, wall_ms = 1, last_seq = 1, "
                         "detail = '' WHERE trial = ?", (trial,))
        database.execute("INSERT INTO summary VALUES (?, ?, 1, ?, 0, ?, 0, ?, 0)", (trial, name, loss, loss, loss))
        if not learns:
            continue
        step += 1
        database.execute("INSERT INTO search_step VALUES (1, ?, ?, '', ?)",
                         (step, configuration, json.dumps({"outcome": "finished", "values": [loss]})))
    database.commit()
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()


def timed(place, *words):
    """What it printed, and wall and CPU milliseconds of the process."""
    def cpu():
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime
    start, before = time.monotonic(), cpu()
    out = place.ddl(*words).stdout
    return out, (1000 * (time.monotonic() - start), 1000 * (cpu() - before))


def milliseconds(method, trials):
    with Workplace() as place:
        spec = place.write("spec.yaml", SPEC.format(method=method))
        place.ddl("ask", spec, "--count", str(trials))
        tell_all(place, method != "random")
        asks, tells = [], []
        for _ in range(options.rounds):
            asked, spent = timed(place, "ask", spec)
            asks.append(spent)
            number, text = asked.split(" ", 1)
            tells.append(timed(place, "tell", "outside", number, str(loss_of(json.loads(text))))[1])
        row = {"method": method, "trials": trials}
        for name, spent in ("ask", asks), ("tell", tells):
            row[name + "_ms"] = round(median([wall for wall, _ in spent]), 1)
            row[name + "_cpu_ms"] = round(median([cpu for _, cpu in spent]), 1)
        return row


rows = [milliseconds(method, trials) for method in ("random", "tpe", "cmaes", "gp")
        for trials in (10, 1_000, 10_000) if method != "gp" or trials <= 1_000]
show(f"one ask and one tell (median of {options.rounds})", rows, options.json)
