"""What the benchmarks share: interleaved rounds, medians, a table or JSON. Standard library only."""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
DDL = os.environ.get("DDL", os.path.join(TOP, "build", "release", "ddl"))


def arguments(description, **defaults):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--rounds", type=int, default=5, help="rounds; medians are printed")
    for name, (default, text) in defaults.items():
        parser.add_argument("--" + name.replace("_", "-"), type=type(default), default=default, help=text)
    return parser.parse_args()


class Workplace:
    """A store, a host folder and a lease folder of our own, removed at the end."""

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="ddl-bench-")
        self.env = dict(os.environ, DDL_HOME=os.path.join(self.folder, "store"),
                        DDL_HOST_DIR=os.path.join(self.folder, "host"),
                        DDL_LEASE_DIR=os.path.join(self.folder, "leases"),
                        DDL_CACHE=os.path.join(self.folder, "cache"))
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w") as file:
            file.write(text)
        return self.path(name)

    def ddl(self, *words, check=True):
        done = subprocess.run([DDL, *words], env=self.env, cwd=self.folder, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if check and done.returncode != 0:
            sys.exit(f"ddl {' '.join(words)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def database(self):
        import sqlite3
        return sqlite3.connect(f"file:{self.env['DDL_HOME']}/ddl.db?mode=ro", uri=True)


def started_jobs(place, process, first):
    """(params.json seen, first line of the log seen) of each job from number `first` on, monotonic seconds.

    Looks every fifth of a millisecond until `process` (a `ddl sweep`) has ended: a file's own time has the
    kernel's coarse clock, and the log's last line is that of the trial's end.
    """
    jobs, times, begun, number = "", [], None, first
    while process.poll() is None:
        for _ in range(100):
            time.sleep(0.0002)
            if not jobs:
                jobs = next((os.path.join(place.path("host"), name, "jobs") for name in os.listdir(place.path("host"))
                             if os.path.isdir(os.path.join(place.path("host"), name, "jobs"))), "") \
                    if os.path.isdir(place.path("host")) else ""
                continue
            try:
                if begun is None:
                    os.stat(f"{jobs}/{number}.0/params.json")
                    begun = time.monotonic()
                if os.stat(f"{jobs}/{number}.0/log").st_size > 0:
                    times.append((begun, time.monotonic()))
                    begun, number = None, number + 1
            except FileNotFoundError:
                pass
    return times


def timed(action):
    before = time.monotonic()
    action()
    return time.monotonic() - before


def interleaved(contenders, rounds):
    """name → seconds of each round; a round runs every contender once, so that load hits all alike."""
    times = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, action in contenders.items():
            times[name].append(timed(action))
    return times


def median(values):
    return statistics.median(values)


def show(title, rows, as_json):
    """rows: list of dicts with the same keys."""
    if as_json:
        print(json.dumps({"benchmark": title, "rows": rows}))
        return
    print(title)
    keys = list(rows[0])
    cells = [keys] + [[str(row[key]) for key in keys] for row in rows]
    widths = [max(len(line[i]) for line in cells) for i in range(len(keys))]
    for line in cells:
        print("  " + "  ".join(text.ljust(width) for text, width in zip(line, widths)).rstrip())
