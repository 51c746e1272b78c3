#!/usr/bin/env python3
"""1,000 running trials, coordinator and agent killed with -9, the same command again, at 1,024 descriptors.

Target: all adopted, none restarted, going on within 1 s of the command. Uses no peer: none adopts.
"""

import json
import os
import resource
import signal
import subprocess
import time

from measure import DDL, Workplace, arguments, median, show

options = arguments(__doc__.splitlines()[0], trials=(1000, "running trials"))
resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 1024))
SPEC = """name: adopted
command: [/bin/sh, -c, 'echo start >> starts-$DDL_TRIAL; read word < go']
method: grid
parameters: {{i: {{values: [{values}]}}}}
resources: {{cpus: 0.001}}
"""


def start(place):
    return subprocess.Popen([DDL, "sweep", "--json", "adopted.yaml"], env=place.env, cwd=place.folder,
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)


def seconds_to_all_running(ddl):
    before = time.monotonic()
    for line in ddl.stdout:
        progress = json.loads(line).get("progress", {})
        if progress.get("counts", {}).get("running") == options.trials:
            return time.monotonic() - before
    return float("nan")


def kill_with_agent(ddl):
    children = open(f"/proc/{ddl.pid}/task/{ddl.pid}/children").read().split()
    for pid in [ddl.pid, *map(int, children)]:
        os.kill(pid, signal.SIGKILL)
    ddl.wait()


rows = []
for _ in range(options.rounds):
    with Workplace() as place:
        os.mkfifo(place.path("go"))
        place.write("adopted.yaml", SPEC.format(values=", ".join(map(str, range(options.trials)))))
        first = start(place)
        launched = seconds_to_all_running(first)
        kill_with_agent(first)
        second = start(place)
        adopted = seconds_to_all_running(second)
        # Everybody reads the end of the pipe once all have been let go.
        go = os.open(place.path("go"), os.O_RDWR)
        os.write(go, b"\n" * options.trials)
        for _ in second.stdout:
            pass
        code = second.wait()
        os.close(go)
        starts = sum(len(open(place.path(name)).readlines())
                     for name in os.listdir(place.folder) if name.startswith("starts-"))
        rows.append((launched, adopted, starts, code))
show(f"{options.trials} running trials adopted after kill -9, at 1,024 descriptors (median of {options.rounds})",
     [{"launched_s": round(median([r[0] for r in rows]), 2), "adopted_s": round(median([r[1] for r in rows]), 3),
       "starts": max(r[2] for r in rows), "exit_codes": sorted({r[3] for r in rows})}], options.json)
