#!/usr/bin/env python3
"""2,000 trials of /bin/true, 2 at a time: ddl beside xargs, GNU parallel and Optuna, in one run.

Target: wall <= 2 x xargs; >= 2.5 x faster than GNU parallel with --joblog; >= 15 x Optuna on SQLite.
GNU parallel: Debian's package `parallel`. Optuna: see peers/optuna_true.py; left out when absent.
"""

import os
import subprocess
import sys
import tempfile

from measure import TOP, Workplace, arguments, interleaved, median, show

options = arguments(__doc__.splitlines()[0], trials=(2000, "trials"), at_once=(2, "trials at a time"))
OPTUNA_TRIALS = 300  # a round; its time a trial does not depend on how many there are
SPEC = """name: true-{n}
command: [/bin/true]
method: grid
parameters: {{i: {{values: [{values}]}}}}
parallel: {at_once}
"""


def run(words, **more):
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **more)


with Workplace() as place:
    values = ", ".join(str(i) for i in range(options.trials))
    sweeps = [place.write(f"{n}.yaml", SPEC.format(n=n, values=values, at_once=options.at_once))
              for n in range(options.rounds)]
    items = "\n".join(str(i) for i in range(options.trials))
    at_once = str(options.at_once)
    contenders = {
        "xargs -P -n1": lambda: run(["xargs", f"-P{at_once}", "-n1", "/bin/true"], input=items.encode()),
        "ddl sweep": lambda: place.ddl("sweep", "--quiet", sweeps.pop()),
    }
    if subprocess.run(["sh", "-c", "command -v parallel"], stdout=subprocess.DEVNULL).returncode == 0:
        contenders["parallel --joblog"] = lambda: run(
            ["parallel", "--will-cite", f"-j{at_once}", "--joblog", place.path("joblog"), "/bin/true"],
            input=items.encode())
    python = os.environ.get("PEER_PYTHON", sys.executable)
    peer = [python, os.path.join(TOP, "bench", "peers", "optuna_true.py"), str(OPTUNA_TRIALS), at_once]
    optuna = []
    if subprocess.run([python, "-c", "import optuna"], stderr=subprocess.DEVNULL).returncode == 0:
        contenders["Optuna, SQLite"] = lambda: optuna.append(float(subprocess.run(
            peer, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True,
            cwd=tempfile.mkdtemp(dir=place.folder)).stdout))
    times = interleaved(contenders, options.rounds)

    each = {name: median(t) / options.trials for name, t in times.items()}
    each["Optuna, SQLite"] = median(optuna) if optuna else None  # without the start of Python
    rows = [{"what": name,
             "ms_per_trial": f"{seconds * 1e3:.3f}" if seconds else "-",
             "ddl_is": f"{seconds / each['ddl sweep']:.2f} x as fast" if seconds else "not installed"}
            for name, seconds in each.items()]
    show(f"{options.trials} trials of /bin/true, {at_once} at a time (median of {options.rounds})", rows,
         options.json)
