#!/usr/bin/env python3
"""Memory of a coordinator with 100,000 waiting trials, in MB resident.

Target: <= 100 MB.
"""

import os
import signal
import subprocess
import time

from measure import DDL, Workplace, arguments, median, show

options = arguments(__doc__.splitlines()[0], trials=(100000, "waiting trials"))
SPEC = """name: waiting
command: [/bin/sleep, "1000"]
method: random
run_cap: {trials}
parameters: {{lr: {{min: 0.0, max: 1.0}}, layers: {{values: [1, 2, 3]}}}}
parallel: 2
"""


def resident_mb(pid):
    with open(f"/proc/{pid}/status") as status:
        for line in status:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return 0.0


peaks = []
for _ in range(options.rounds):
    with Workplace() as place:
        spec = place.write("waiting.yaml", SPEC.format(trials=options.trials))
        ddl = subprocess.Popen([DDL, "sweep", "--json", spec], env=place.env, cwd=place.folder,
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        for line in ddl.stdout:  # until two run, then some seconds more
            if '"running":2' in line.replace(" ", ""):
                break
        time.sleep(2)
        peaks.append(resident_mb(ddl.pid))
        place.ddl("stop", "waiting", check=False)
        ddl.send_signal(signal.SIGINT)
        ddl.wait()
show(f"coordinator with {options.trials} waiting trials (median of {options.rounds})",
     [{"peak_resident_mb": round(median(peaks), 1), "waiting": options.trials}], options.json)
