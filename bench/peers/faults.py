#!/usr/bin/env python3
"""The same trials and the same faults for ddl, GNU parallel, Optuna on SQLite and HyperQueue's PyPI package.

Twelve trials of one to two seconds, four at a time, each of which writes and syncs a ledger of its own
(ledger_trial.py). A fault is made at several moments; then the tool is continued by the way that its own
documentation names (contenders.py), at most three times, and the ledgers are compared with its records:

  finished   trials with an end in a ledger
  redone     begun again although an earlier attempt had finished
  doubled    begun again while an earlier attempt was still alive (it wrote on afterwards)
  restarted  begun again after an earlier attempt had been cut short: honest, but its work is gone
  lost       finished, but at the very end not, or with another value, in the tool's records
  invented   in the tool's records as finished, but never ended
  stuck      never run to an end
  killed     processes that were killed
  again      times that the command was given again
  left       processes 2 s after the tool's end; for stops, grace (1 s) + 2 s after the command

usage: faults.py [--json] [--moments N] [--tools A,B] [--faults A,B]     exit 1 if ddl's rows are not clean
Get the peers: apt-get install parallel; python3 -m venv peer && peer/bin/pip install optuna hyperqueue;
PEER_PYTHON=peer/bin/python. Full disks need root (a tmpfs of 24 MiB). Runs some ten minutes.
"""

import argparse
import contextlib
import ctypes
import glob
import json
import os
import signal
import subprocess
import sys
import time

from contenders import ALL, JOBS, TRIALS
from measure import Workplace, show

COUNTS = ["killed", "again", "finished", "redone", "doubled", "restarted", "lost", "invented",
          "stuck", "left"]
GRACE, LIMIT = 1.0, 45.0
PR_SET_CHILD_SUBREAPER = 36


class Place(Workplace):
    """A workplace whose processes carry a token in their environment, by which all of them are found."""

    def __enter__(self):
        super().__enter__()
        self.token = f"DDL_BENCH_FAULTS={self.folder}".encode()
        self.records, self.ledger = self.path("records"), self.path("ledger")
        for folder in (self.records, self.ledger):
            os.mkdir(folder)
        self.env.update(DDL_BENCH_FAULTS=self.folder, PARALLEL_HOME=self.path("parallel"), TMPDIR=self.records,
                        DDL_HOME=f"{self.records}/store", DDL_HOST_DIR=f"{self.records}/host")
        return self

    def __exit__(self, *what):
        while self.kill_all():
            time.sleep(0.05)
        super().__exit__(*what)

    def alive(self):
        """Pids of all processes that were started here; zombies have no environment any more."""
        found = []
        for entry in os.listdir("/proc"):
            with contextlib.suppress(OSError):
                if entry.isdigit() and self.token in open(f"/proc/{entry}/environ", "rb").read().split(b"\0"):
                    found.append(int(entry))
        return found

    def kill(self, pid):
        with contextlib.suppress(OSError):
            handle = os.pidfd_open(pid)
            try:  # the process behind the handle, not one that got its number since
                if pid in self.alive():
                    signal.pidfd_send_signal(handle, signal.SIGKILL)
            finally:
                os.close(handle)

    def kill_all(self):
        pids = self.alive()
        for pid in pids:
            self.kill(pid)
        return pids

    def begun(self):
        return len(os.listdir(self.ledger))


@contextlib.contextmanager
def small_disk(folder):
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "faults", folder]).returncode == 0
    if not mounted:
        sys.exit(f"cannot mount a tmpfs on {folder}: run as root, or leave the fault out")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def fill(folder):
    with open(f"{folder}/ballast", "wb", buffering=0) as file, contextlib.suppress(OSError):
        for size in (1 << 20, 1 << 10, 1):
            with contextlib.suppress(OSError):
                while file.write(b"x" * size):
                    pass


def reap_strangers(known):
    """Orphans come to us (subreaper); whom a Popen waits for is left to it."""
    with contextlib.suppress(ChildProcessError):
        while (child := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)) is not None:
            if child.si_pid in known:
                return
            os.waitpid(child.si_pid, 0)


def wait_until(claim, seconds, tool):
    end = time.monotonic() + seconds
    while not claim() and time.monotonic() < end:
        reap_strangers({p.pid for p in tool.processes if p.returncode is None})
        time.sleep(0.02)
    return claim()


def wait_for_begin(tool, trials=1):
    if not wait_until(lambda: tool.place.begun() >= trials, 30, tool):
        sys.exit(f"{tool.name} did not start:\n{open(tool.place.path('output')).read()}")


def attempts_of(place):
    """{number: [(begin, last sign of life, has ended), ...]} by begin."""
    attempts = {number: [] for number in range(TRIALS)}
    for path in glob.glob(f"{place.ledger}/*"):
        lines = [line.split() for line in open(path).read().splitlines()]
        if lines:
            number = int(os.path.basename(path).split(".")[0])
            attempts[number].append((int(lines[0][1]), int(lines[-1][1]), lines[-1][0] == "end"))
    return {number: sorted(of) for number, of in attempts.items()}


def count(place, results):
    counts = dict.fromkeys(COUNTS, 0)
    for number, attempts in attempts_of(place).items():
        for i, (begin, _, _) in enumerate(attempts):
            earlier = attempts[:i]
            if any(last > begin for _, last, _ in earlier):
                counts["doubled"] += 1
            elif any(ended for _, _, ended in earlier):
                counts["redone"] += 1
            elif earlier:
                counts["restarted"] += 1
        has_ended = any(ended for _, _, ended in attempts)
        counts["finished" if has_ended else "stuck"] += 1
        counts["lost"] += has_ended and results.get(number) != number
        counts["invented"] += number in results and not has_ended
    return counts


def carry_on(tool, with_workers):
    """Waits for the end; continues, at most three times, while trials are missing."""
    for continued in range(4):
        if not wait_until(lambda: not tool.orchestrators(), LIMIT, tool):
            print(f"{tool.name} hangs, is killed", file=sys.stderr)
            for pid in tool.orchestrators():
                tool.place.kill(pid)
        if continued == 3 or len(tool.results()) == TRIALS:
            break
        tool.start(with_workers)
    wait_until(lambda: not tool.place.alive(), 2, tool)
    return dict(count(tool.place, tool.results()), again=continued, left=len(tool.place.alive()))


def kill(which):
    def fault(tool, moment):
        with_workers, again = which != "orchestrator", 0
        tool.start(with_workers)
        wait_for_begin(tool)
        time.sleep(moment)
        victims = {"nobody": list, "orchestrator": tool.orchestrators, "worker": tool.workers,
                   "both": lambda: {*tool.orchestrators(), *tool.workers()}}[which]()
        if not victims and which != "nobody":
            sys.exit(f"{tool.name}, {which}: nobody there to kill after {moment:.1f} s")
        for pid in victims:
            tool.place.kill(pid)
        if which in ("orchestrator", "both"):
            wait_until(lambda: not tool.orchestrators(), 5, tool)
            tool.start(with_workers)
            again = 1
        counts = carry_on(tool, with_workers)
        return dict(counts, killed=len(victims), again=counts["again"] + again)
    return fault


def stop(tool, moment):
    tool.start(True)
    wait_for_begin(tool, JOBS)
    time.sleep(moment / 4)
    asked = time.monotonic()
    tool.stop()
    wait_until(lambda: not tool.place.alive(), asked + GRACE + 2 - time.monotonic(), tool)
    return {"left": len(tool.place.alive())}


def full_disk(tool, moment):
    with small_disk(tool.place.records):
        try:
            tool.start()
            wait_for_begin(tool)
            time.sleep(moment)
            fill(tool.place.records)
            time.sleep(3)
            os.remove(f"{tool.place.records}/ballast")
            return carry_on(tool, False)
        finally:
            while tool.place.kill_all():
                time.sleep(0.05)


# name: (what is done, manner of the trials, needs a worker process, fewer moments)
FAULTS = {
    "nothing": (kill("nobody"), "plain", False, True),
    "orchestrator killed": (kill("orchestrator"), "plain", False, False),
    "worker killed": (kill("worker"), "plain", True, False),
    "both killed": (kill("both"), "plain", True, False),
    "stop, trial ignores TERM": (stop, "stubborn", False, True),
    "stop, a child left the session": (stop, "detached", False, True),
    "disk full": (full_disk, "plain", False, True),
}


def measure(contender, fault, moments):
    make, manner, _, is_short = FAULTS[fault]
    if is_short:
        moments = moments[::2]
    runs = []
    for moment in moments:
        with Place() as place:
            runs.append(make(contender(place, manner), moment))
        print(f"{contender.name}, {fault}, {moment:.1f} s: {runs[-1]}", file=sys.stderr)
    return {"tool": contender.name, "fault": fault, "runs": len(runs),
            **{key: sum(run[key] for run in runs) if key in runs[0] else None for key in COUNTS}}


def wanted(text, names):
    chosen = [n for n in names if not text or any(part in n.lower() for part in text.lower().split(","))]
    return chosen or sys.exit(f"none of {', '.join(names)} contains {text}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--moments", type=int, default=5, help="moments of a kill; sums are printed")
    parser.add_argument("--tools", default="", help="only these (parts of names)")
    parser.add_argument("--faults", default="", help="only these (parts of names)")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # leaves through the with blocks, so cleans up
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    moments = [0.4 + 4.4 * i / options.moments for i in range(options.moments)]
    versions, rows = {}, []
    for contender in ALL:
        if contender.name not in wanted(options.tools, [c.name for c in ALL]):
            continue
        versions[contender.name] = contender.version()
        if versions[contender.name] is None:
            print(f"{contender.name}: not here, left out", file=sys.stderr)
            continue
        for fault in wanted(options.faults, list(FAULTS)):
            if FAULTS[fault][2] and not contender.has_workers:
                continue
            if FAULTS[fault][0] is full_disk and os.geteuid() != 0:
                print(f"{fault}: needs root, left out", file=sys.stderr)
                continue
            rows.append(measure(contender, fault, moments))
    title = f"{TRIALS} trials, {JOBS} at a time; " + ", ".join(f"{n} {v}" for n, v in versions.items())
    if not options.json:
        rows = [{key: "-" if value is None else value for key, value in row.items()} for row in rows]
    show(title, rows, options.json)
    unclean = [key for row in rows if row["tool"] == "ddl" for key in COUNTS[3:] if row[key] not in (0, None, "-")]
    sys.exit(1 if unclean else 0)


if __name__ == "__main__":
    main()
