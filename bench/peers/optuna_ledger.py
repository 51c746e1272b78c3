"""Optuna's side of faults.py: TRIALS trials of a random search in SQLite, gone on with as often as it is started.

usage: optuna_ledger.py DATABASE prepare                       makes the tables and the study
       optuna_ledger.py DATABASE work TRIALS JOBS COMMAND...   COMMAND gets the trial's number as last word
       optuna_ledger.py DATABASE show                          prints {number: value} of what is COMPLETE

As Optuna documents it: RDBStorage(heartbeat_interval, heartbeat_stale_trial_callback=
RetryHeartbeatStaleTrialCallback(); RetryFailedTrialCallback before 4.9), create_study(load_if_exists=True),
fail_stale_trials(). Nothing is enqueued by us: on SQLite, which knows no SELECT FOR UPDATE, two threads or
processes may take one trial out of the queue; retries go through it, so some of them run twice. The
heartbeat's interval is the shortest there is, 1 s; its grace 10 s: with the default, twice the interval,
trials that ran well were taken for dead on a busy machine.
"""

import json
import subprocess
import sys
import time
import warnings

import optuna
from optuna.trial import TrialState

warnings.simplefilter("ignore")
optuna.logging.set_verbosity(optuna.logging.ERROR)
if hasattr(optuna.storages, "RetryHeartbeatStaleTrialCallback"):
    Retry, slot = optuna.storages.RetryHeartbeatStaleTrialCallback, "heartbeat_stale_trial_callback"
else:
    Retry, slot = optuna.storages.RetryFailedTrialCallback, "failed_trial_callback"
storage = optuna.storages.RDBStorage(f"sqlite:///{sys.argv[1]}", heartbeat_interval=1, grace_period=10,
                                     engine_kwargs={"connect_args": {"timeout": 30}}, **{slot: Retry()})
study = optuna.create_study(storage=storage, study_name="faults", load_if_exists=True,
                            sampler=optuna.samplers.RandomSampler(seed=0))


def prepare():
    pass


def show():
    done = study.get_trials(states=(TrialState.COMPLETE,))
    print(json.dumps({t.user_attrs["i"]: t.value for t in done}))


def is_first_try(trial):
    return Retry.retried_trial_number(trial) is None


def place_of(trial):
    """Its place among the trials that are no retries: 0, 1, ..., the same for each retry."""
    trials = study.trials
    original = Retry.retried_trial_number(trials[trial.number])
    first_tries = [t.number for t in trials if is_first_try(t)]
    return first_tries.index(trial.number if original is None else original)


def work(trials, jobs, *command):
    def objective(trial):
        trial.suggest_float("x", 0, 1)
        number = place_of(trial)
        if number >= int(trials):
            raise optuna.TrialPruned()  # several processes saw the last one missing
        trial.set_user_attr("i", number)
        run = subprocess.run([*command, str(number)], stdout=subprocess.PIPE, check=True, text=True)
        return json.loads(run.stdout.splitlines()[-1])["loss"]

    while True:
        optuna.storages.fail_stale_trials(study)
        known = study.get_trials(deepcopy=False)
        states = [t.state for t in known]
        missing = int(trials) - sum(map(is_first_try, known))
        if (open_trials := states.count(TrialState.WAITING) + max(0, missing)) > 0:
            study.optimize(objective, n_trials=1 if jobs == "1" else open_trials, n_jobs=int(jobs))
        elif TrialState.RUNNING in states:
            time.sleep(0.2)
        else:
            break


{"prepare": prepare, "work": work, "show": show}[sys.argv[2]](*sys.argv[3:])
