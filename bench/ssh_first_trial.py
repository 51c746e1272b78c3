#!/usr/bin/env python3
"""From the command to the start of the first trial on an SSH host that is known, and on one that lacks the agent.

Target: <= 0.5 s; <= 2 s with the agent sent first. The host is a throw-away sshd on loopback; an empty workdir
travels. The start is the kernel's clock on the host, which is this machine's.
"""

import os
import shutil
import time

from measure import Workplace, arguments, median, show
from ssh_host import SshHost

options = arguments(__doc__.splitlines()[0])
SPEC = """name: first-{n}
workdir: nothing
command: [/bin/true]
method: grid
parameters: {{i: {{values: [1]}}}}
resources: {{cpus: 0.1}}
hosts: ["ssh://test-host"]
"""


def seconds_to_start(place, n):
    spec = place.write(f"{n}.yaml", SPEC.format(n=n))
    before = time.time()
    place.ddl("sweep", "--quiet", spec)
    started = place.database().execute("SELECT max(started_ms) FROM attempt").fetchone()[0]
    return started / 1e3 - before


with Workplace() as place, SshHost(place.path("sshd")) as host:
    place.env["DDL_SSH_CONFIG"] = host.config
    os.mkdir(place.path("nothing"))
    seconds_to_start(place, "warm")
    known, bare = [], []
    for n in range(options.rounds):
        known.append(seconds_to_start(place, f"known-{n}"))
        shutil.rmtree(host.path("host/bin"))
        bare.append(seconds_to_start(place, f"bare-{n}"))
    rows = [{"what": what, "median_ms": f"{median(times) * 1e3:.0f}", "worst_ms": f"{max(times) * 1e3:.0f}"}
            for what, times in (("known host", known), ("agent sent first", bare))]
    show(f"command to first trial's start over SSH ({options.rounds} rounds)", rows, options.json)
