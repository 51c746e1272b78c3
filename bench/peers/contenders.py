"""The tools that faults.py compares: how each is started, continued, stopped and asked for its records.

Each gets the same trials (ledger_trial.py), four at a time, and is continued by the same command, with the
options that its own documentation names for it; each class says which.
"""

import csv
import json
import os
import signal
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
from measure import DDL  # noqa: E402

PEER_PYTHON = os.environ.get("PEER_PYTHON", sys.executable)
TRIAL = [sys.executable, os.path.join(HERE, "ledger_trial.py")]
TRIALS, JOBS = 12, 4


def run(words, **more):
    return subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          text=True, **more)


def children(pid):
    try:
        tasks = os.listdir(f"/proc/{pid}/task")
        return [int(c) for t in tasks for c in open(f"/proc/{pid}/task/{t}/children").read().split()]
    except OSError:
        return []


class Contender:
    """place: records (folder of the tool's records), ledger, env; manner: of the trial, see ledger_trial.py."""

    has_workers = False

    def __init__(self, place, manner="plain"):
        self.place, self.manner, self.processes = place, manner, []

    def spawn(self, words):
        with open(self.place.path("output"), "a") as output:
            self.processes.append(subprocess.Popen(words, env=self.place.env, cwd=self.place.folder,
                                                   stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                                   start_new_session=True))

    def trial(self, *number):
        return [*TRIAL, self.place.ledger, self.manner, *number]

    def orchestrators(self):
        return [p.pid for p in self.processes if p.poll() is None]

    def workers(self):
        return []


class Ddl(Contender):
    """The same command adopts what runs; the worker is the agent."""

    name, has_workers = "ddl", True

    @staticmethod
    def version():
        return run([DDL, "--version"]).stdout.split()[-1]

    def start(self, with_workers=False):
        values = ", ".join(map(str, range(TRIALS)))
        command = json.dumps(self.trial("${args_no_hyphens}"))
        spec = self.place.write("faults.yaml", f"name: faults\nmethod: grid\nparallel: {JOBS}\ngrace_s: 1\n"
                                "metric: {name: loss, goal: minimize}\nresources: {cpus: 0.1}\n"
                                f"parameters: {{i: {{values: [{values}]}}}}\ncommand: {command}\n")
        self.spawn([DDL, "sweep", "--quiet", spec])

    def workers(self):
        return [c for p in self.orchestrators() for c in children(p)
                if "ddl-agent" in open(f"/proc/{c}/cmdline").read()]

    def stop(self):
        run([DDL, "stop"], env=self.place.env, cwd=self.place.folder)

    def results(self):
        report = run([DDL, "report", "--json", "-n", str(TRIALS)], env=self.place.env, cwd=self.place.folder)
        return {t["parameters"]["i"]: t["value"] for t in json.loads(report.stdout)["trials"]
                if t["state"] == "finished"}


class Parallel(Contender):
    """GNU parallel: --joblog with --resume-failed, to "retry all failed and resume from the
    last unfinished job", and --results. There is no process between it and a trial."""

    name = "GNU parallel"

    @staticmethod
    def version():
        return run(["parallel", "--version"]).stdout.splitlines()[0].split()[-1]

    def start(self, with_workers=False):
        records = self.place.records
        self.spawn(["parallel", "--will-cite", f"-j{JOBS}", "--joblog", f"{records}/joblog", "--resume-failed",
                    "--results", f"{records}/results", *self.trial("{}"), ":::", *map(str, range(TRIALS))])

    def stop(self):
        for pid in self.orchestrators():
            os.kill(pid, signal.SIGTERM)  # then --termseq TERM,200,TERM,100,TERM,50,KILL,25

    def results(self):
        records, done = self.place.records, {}
        with open(f"{records}/joblog") as file:
            rows = [r for r in csv.DictReader(file, dialect="excel-tab") if r["Exitval"] == r["Signal"] == "0"]
        for number in {int(row["Seq"]) - 1 for row in rows}:
            lines = open(f"{records}/results/1/{number}/stdout").read().splitlines()
            done[number] = json.loads(lines[-1])["loss"] if lines else None
        return done


class Optuna(Contender):
    """Optuna on SQLite: one process with n_jobs, or as many processes with one job each (its workers). A study is
    continued by load_if_exists, dead trials by heartbeats and a retry callback (both under RDBStorage)."""

    name, has_workers = "Optuna", True
    script = os.path.join(HERE, "optuna_ledger.py")

    @staticmethod
    def version():
        return run([PEER_PYTHON, "-c", "import optuna; print(optuna.__version__)"]).stdout.strip() or None

    def start(self, with_workers=False):
        database = f"{self.place.records}/optuna.db"
        run([PEER_PYTHON, self.script, database, "prepare"])  # several processes may not make the tables at once
        for _ in range(JOBS if with_workers else 1):
            self.spawn([PEER_PYTHON, self.script, database, "work", str(TRIALS),
                        "1" if with_workers else str(JOBS), *self.trial()])

    def workers(self):
        return [pid for pid in self.orchestrators() if children(pid)][:1]

    def stop(self):
        for pid in self.orchestrators():
            os.kill(pid, signal.SIGINT)  # Ctrl-C

    def results(self):
        shown = run([PEER_PYTHON, self.script, f"{self.place.records}/optuna.db", "show"]).stdout
        done = json.loads(shown) if shown else {}
        return {int(number): value for number, value in done.items()}


class HyperQueue(Contender):
    """HyperQueue's package on PyPI: server and worker in one process, no journal, so it starts anew. Its separate
    program hq would go on from `hq server start --journal` and stop by `hq job cancel` (INT, later KILL); this package
    has neither it nor a way to cancel, so this says nothing about hq."""

    name = "HyperQueue (PyPI)"
    script = os.path.join(HERE, "hyperqueue_ledger.py")

    @staticmethod
    def version():
        return run([PEER_PYTHON, "-c", "from hyperqueue.hyperqueue import get_hq_version as version\n"
                    "print(version())"]).stdout.strip() or None

    def start(self, with_workers=False):
        self.spawn([PEER_PYTHON, self.script, self.place.records, str(TRIALS), str(JOBS), *self.trial()])

    def stop(self):
        for pid in self.orchestrators():
            os.kill(pid, signal.SIGINT)  # Ctrl-C, which stops the cluster

    def results(self):
        try:
            done = json.load(open(f"{self.place.records}/done.json"))
        except (OSError, ValueError):
            return {}
        return {int(number): value for number, value in done.items()}


ALL = [Ddl, Parallel, Optuna, HyperQueue]
