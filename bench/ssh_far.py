#!/usr/bin/env python3
"""One file of 100 MB as code to a host 50 ms away: what ddl sweep takes more than with an empty file.

Target: >= 15 MB/s. Host and coordinator sit in network namespaces of their own, between them tests/bad_link, which
holds each packet for half the round trip. Needs root. rsync over the same line, where it is there, for comparison.
"""

import contextlib
import os
import random
import shutil
import subprocess
import sys
import time

from measure import DDL, Workplace, arguments, median, show
from ssh_host import SshHost

options = arguments(__doc__.splitlines()[0], megabytes=(100, "of the file"), round_trip_ms=(50, "milliseconds"))
BAD_LINK = os.path.join(os.path.dirname(DDL), "tests", "bad_link")
SPEC = """name: far-{n}
workdir: tree-{n}
command: [/bin/true]
method: grid
parameters: {{i: {{values: [1]}}}}
resources: {{cpus: 0.1}}
hosts: ["ssh://test-host"]
"""


def ip(words):
    subprocess.run(["ip", *words.split()], check=True)


@contextlib.contextmanager
def long_line():
    """Names of two namespaces with a long line between them."""
    name = f"ddlb{os.getpid()}"
    here, line, there = spaces = [name + end for end in "hlt"]
    for space in spaces:
        ip(f"netns add {space}")
    try:
        for device, space, address in (("v0", here, "10.78.0.1"), ("v1", there, "10.78.0.2")):
            ip(f"link add {device} netns {line} type veth peer name eth0 netns {space}")
            ip(f"-n {line} link set {device} up")
            ip(f"-n {space} addr add {address}/24 dev eth0")
            ip(f"-n {space} link set eth0 up")
            ip(f"-n {space} link set lo up")
        half = str(options.round_trip_ms / 2)
        cable = subprocess.Popen(["ip", "netns", "exec", line, BAD_LINK, "v0", "v1", half, "0", "0"],
                                 stdout=subprocess.PIPE)
        cable.stdout.readline()
        try:
            yield here, there
        finally:
            cable.kill()
            cable.wait()
    finally:
        for space in spaces:
            ip(f"netns del {space}")


def main():
    if os.geteuid() != 0 or not os.path.exists(BAD_LINK):
        sys.exit("this benchmark needs root and build/release/tests/bad_link")
    noise = random.Random(7)
    with Workplace() as place, long_line() as (here, there), SshHost(place.path("sshd"), there, "10.78.0.2") as host:
        place.env["DDL_SSH_CONFIG"] = host.config

        def seconds(n, size):
            os.makedirs(place.path(f"tree-{n}"))
            with open(place.path(f"tree-{n}/weights.bin"), "wb") as file:
                file.write(noise.randbytes(size))
            spec = place.write(f"{n}.yaml", SPEC.format(n=n))
            before = time.monotonic()
            subprocess.run(["ip", "netns", "exec", here, DDL, "sweep", "--quiet", spec], check=True, env=place.env,
                           cwd=place.folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
            return time.monotonic() - before

        def rsync_seconds(n):
            before = time.monotonic()
            subprocess.run(["ip", "netns", "exec", here, "rsync", "-a", "-e", f"ssh -F {host.config}",
                            place.path(f"tree-{n}"), f"test-host:{place.path('mirror')}"], check=True,
                           stdin=subprocess.DEVNULL)
            return time.monotonic() - before

        size = options.megabytes * 1_000_000
        seconds("warm", 1)
        full, bare, rsync = [], [], []
        for n in range(options.rounds):
            full.append(seconds(f"full-{n}", size))
            bare.append(seconds(f"bare-{n}", 1))
            if shutil.which("rsync"):
                rsync.append(rsync_seconds(f"full-{n}"))
        rows = [{"what": "ddl, whole sweep", "s": f"{median(full):.2f}", "mb_per_s": f"{size / 1e6 / median(full):.1f}"},
                {"what": "ddl, less one of a byte", "s": f"{median(full) - median(bare):.2f}",
                 "mb_per_s": f"{size / 1e6 / (median(full) - median(bare)):.1f}"}]
        if rsync:
            rows.append({"what": "rsync -a", "s": f"{median(rsync):.2f}",
                         "mb_per_s": f"{size / 1e6 / median(rsync):.1f}"})
        show(f"{options.megabytes} MB to a host {options.round_trip_ms} ms away (median of {options.rounds})", rows,
             options.json)


main()
