#!/usr/bin/env python3
"""A trial of one to two seconds that writes down by itself, synced, what it did: the truth of faults.py.

usage: ledger_trial.py FOLDER plain|stubborn|detached NUMBER
NUMBER may stand behind a name, as in i=3. FOLDER/NUMBER.PID.NANOSECONDS gets a line "begin T", a line
"STEP T" every 50 ms and a line "end T"; T is of the clock that all processes of a machine share. Prints a
metric a step; the last loss is NUMBER. A stubborn trial ignores TERM, INT and HUP; of a detached one a
grandchild in a session of its own does the same.
"""

import json
import os
import signal
import sys
import time

folder, manner, number = sys.argv[1], sys.argv[2], int(sys.argv[3].rpartition("=")[2])
steps = 24 + number % 4 * 5


def ignore_signals():
    for name in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(name, signal.SIG_IGN)


def write(word):
    os.write(ledger, f"{word} {time.monotonic_ns()}\n".encode())
    os.fsync(ledger)


if manner == "stubborn":
    ignore_signals()
if manner == "detached" and os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        ignore_signals()
        time.sleep(60)
    os._exit(0)
name = f"{folder}/{number}.{os.getpid()}.{time.monotonic_ns()}"
ledger = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND)
write("begin")
for step in range(1, (steps if manner == "plain" else 1200) + 1):
    time.sleep(0.05)
    write(step)
    print(json.dumps({"step": step, "loss": number + steps - step}), flush=True)
write("end")
