"""HyperQueue's side of faults.py, with what its package on PyPI has: LocalCluster, a server and a worker in
this process, without a journal (that belongs to the separate program hq). Ctrl-C stops the cluster.

usage: hyperqueue_ledger.py FOLDER TRIALS JOBS COMMAND...   COMMAND gets the trial's number as last word
FOLDER/done.json gets {number: value} of the tasks that did not fail.
"""

import json
import os
import signal
import sys
import threading

from hyperqueue import Job, LocalCluster
from hyperqueue.cluster import WorkerConfig

folder, trials, jobs, command = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:]


def work(cluster):
    client = cluster.client()
    job = Job(max_fails=None)
    for number in range(trials):
        job.program([*command, str(number)], stdout=f"{folder}/{number}.out", stderr=f"{folder}/{number}.err")
    submitted = client.submit(job)
    client.wait_for_jobs([submitted], raise_on_error=False)
    failed = client.get_failed_tasks(submitted)
    done = {}
    for number in set(range(trials)) - set(failed):
        lines = open(f"{folder}/{number}.out").read().splitlines()
        done[number] = json.loads(lines[-1])["loss"] if lines else None
    with open(f"{folder}/done.json", "w") as file:
        json.dump(done, file)


def work_and_leave(cluster):
    try:
        work(cluster)
    finally:
        os.kill(os.getpid(), signal.SIGINT)


def leave(*_):
    raise KeyboardInterrupt


signal.signal(signal.SIGINT, leave)
try:
    with LocalCluster(f"{folder}/server", WorkerConfig(cores=jobs)) as cluster:
        threading.Thread(target=work_and_leave, args=(cluster,), daemon=True).start()
        while True:
            signal.pause()
except KeyboardInterrupt:
    pass
