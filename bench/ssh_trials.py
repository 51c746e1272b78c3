#!/usr/bin/env python3
"""1,000 trials of /bin/true over one SSH host, 8 at a time: ddl beside GNU parallel -S, in one run.

Target: >= 300 trials a second; >= 10 x GNU parallel. The agent is on the host already; connecting counts.
GNU parallel: Debian's package `parallel`, 50 trials a round: its time a trial does not depend on that.
"""

import os
import subprocess

from measure import Workplace, arguments, interleaved, median, show
from ssh_host import SshHost

options = arguments(__doc__.splitlines()[0], trials=(1000, "trials"), at_once=(8, "trials at a time"))
PEER_TRIALS = 50
SPEC = """name: far-{n}
workdir: nothing
command: [/bin/true]
method: grid
parameters: {{i: {{values: [{values}]}}}}
resources: {{cpus: 0.1}}
parallel: {at_once}
hosts: ["ssh://test-host"]
"""

with Workplace() as place, SshHost(place.path("sshd")) as host:
    place.env["DDL_SSH_CONFIG"] = host.config
    os.mkdir(place.path("nothing"))
    values = ", ".join(str(i) for i in range(options.trials))
    sweeps = [place.write(f"{n}.yaml", SPEC.format(n=n, values=values, at_once=options.at_once))
              for n in range(options.rounds + 1)]
    place.ddl("sweep", "--quiet", sweeps.pop())  # brings the agent there
    contenders = {"ddl sweep": lambda: place.ddl("sweep", "--quiet", sweeps.pop())}
    if subprocess.run(["sh", "-c", "command -v parallel"], stdout=subprocess.DEVNULL).returncode == 0:
        contenders["parallel -S"] = lambda: subprocess.run(
            ["parallel", "--will-cite", "--ssh", f"ssh -F {host.config}", "-S", f"{options.at_once}/test-host",
             "/bin/true", ":::", *map(str, range(PEER_TRIALS))],
            check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env=dict(os.environ, PARALLEL_SSH=""))
    times = interleaved(contenders, options.rounds)
    counts = {"ddl sweep": options.trials, "parallel -S": PEER_TRIALS}
    each = {name: median(t) / counts[name] for name, t in times.items()}
    rows = [{"what": name, "ms_per_trial": f"{seconds * 1e3:.3f}", "trials_per_s": f"{1 / seconds:.0f}",
             "ddl_is": f"{seconds / each['ddl sweep']:.1f} x as fast"} for name, seconds in each.items()]
    show(f"{options.trials} trials of /bin/true over SSH, {options.at_once} at a time"
         f" (median of {options.rounds})", rows, options.json)
