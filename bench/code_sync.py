#!/usr/bin/env python3
"""A workdir of 5,000 files and 100 MB on its way to an SSH host: ddl sweep beside rsync -a --delete, in one run.

Target: at most 1.3 x rsync for each of: first sync; nothing changed; one file changed. What ddl takes holds all
of a sweep of one trial of /bin/true: snapshot, connection, sending, launch, end. The agent is there already.
rsync: Debian's package `rsync`, over the same throw-away sshd by the system's ssh.
"""

import os
import random
import shutil
import subprocess
import sys

from measure import Workplace, arguments, median, show, timed
from ssh_host import SshHost

options = arguments(__doc__.splitlines()[0], files=(5000, "files"), megabytes=(100, "of all files together"))
SPEC = """name: sync-{n}
workdir: tree
command: [/bin/true]
method: grid
parameters: {{i: {{values: [1]}}}}
resources: {{cpus: 0.1}}
hosts: ["ssh://test-host"]
"""
STEPS = ("first sync", "nothing changed", "one file changed")


def write_tree(folder):
    """Most files small, some large, as source trees are; bytes that do not repeat."""
    noise = random.Random(7)
    weights = [noise.lognormvariate(0, 1.5) for _ in range(options.files)]
    scale = options.megabytes * 1e6 / sum(weights)
    for i, weight in enumerate(weights):
        path = os.path.join(folder, f"part-{i % 50}", f"group-{i % 7}", f"file-{i}.py")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(noise.randbytes(int(weight * scale)))


def main():
    if shutil.which("rsync") is None:
        sys.exit("this benchmark measures against rsync: apt-get install rsync")
    with Workplace() as place, SshHost(place.path("sshd")) as host:
        place.env["DDL_SSH_CONFIG"] = host.config
        tree = place.path("tree")
        write_tree(tree)
        rsync = ["rsync", "-a", "--delete", "-e", f"ssh -F {host.config}", tree + "/"]
        count = iter(range(1000))
        specs = [place.write(f"{n}.yaml", SPEC.format(n=n)) for n in range(3 * options.rounds + 1)]
        times = {}
        for number in range(options.rounds + 1):  # the first brings the agent and warms up
            # Nothing is removed in between: ext4 is slow to make files for seconds after that.
            place.env["DDL_HOME"] = place.path(f"store-{number}")
            mirror = f"test-host:{place.path(f'mirror-{number}')}/"
            for step in STEPS:
                if step == "one file changed":
                    with open(os.path.join(tree, "part-3/group-3/file-3.py"), "ab") as file:
                        file.write(b"# another line\n")
                of_ddl = timed(lambda: place.ddl("sweep", "--quiet", specs[next(count) % len(specs)]))
                of_rsync = timed(lambda: subprocess.run([*rsync, mirror], check=True, stdin=subprocess.DEVNULL))
                if number > 0:
                    times.setdefault(step, []).append((of_ddl, of_rsync))
    rows = []
    for step in STEPS:
        ours, theirs = (median([pair[i] for pair in times[step]]) for i in (0, 1))
        rows.append({"what": step, "ddl_ms": f"{ours * 1e3:.0f}", "rsync_ms": f"{theirs * 1e3:.0f}",
                     "ratio": f"{ours / theirs:.2f}"})
    show(f"{options.files} files, {options.megabytes} MB to an SSH host (median of {options.rounds})", rows,
         options.json)


main()
