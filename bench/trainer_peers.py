#!/usr/bin/env python3
"""Training steps of the trainer beside PyTorch's on one core, in the same rounds.

Models: the MLP 784-256-128-10 by SGD with momentum and by Adam, the CNN 32c3-p-64c3-p-fc128 (batch 128), a character
GPT (4 blocks, 4 heads, 128 wide, context 64, batch 12; DDL_DATA names the folder of tinyshakespeare.txt). A round runs
every contender once; the limit is the product of matrices in the same rounds (bench/trainer_step_bench.cc). The peer
lives in bench/peers/torch_steps.py; PEER_PYTHON names the Python that has PyTorch. Ratios are medians of the rounds'.
All time is processor time of the one thread, so that what else runs takes caches from the contenders, and no turns.
"""

import json
import os
import subprocess
import sys

from measure import TOP, arguments, median, show

options = arguments(__doc__.splitlines()[0], seconds=(1.0, "of each contender in a round"),
                    models=("mlp,mlp-adam,cnn,gpt", "which, separated by commas"))
BENCH = os.environ.get("DDL_STEP_BENCH", os.path.join(TOP, "build", "release", "bench", "trainer_step_bench"))
PEER = os.path.join(TOP, "bench", "peers", "torch_steps.py")
VARIANTS = {"mlp": ["eager", "compiled"], "mlp-adam": ["eager", "compiled"], "gpt": ["eager", "compiled"],
            "cnn": ["eager", "eager,last", "compiled", "compiled,last"]}
ONE = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


class Torch:
    def __enter__(self):
        env = {**os.environ, **ONE, "MALLOC_MMAP_THRESHOLD_": str(2**30), "MALLOC_TRIM_THRESHOLD_": str(2**31 - 1)}
        env.pop("OPENBLAS_CORETYPE", None)
        self.process = subprocess.Popen([os.environ.get("PEER_PYTHON", sys.executable), PEER], env=env, text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.version = self.answer()["torch"]
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit("PyTorch cannot be started: PEER_PYTHON names a Python that has it (bench/peers/torch_steps.py)")
        return json.loads(line)

    def rate(self, model, variant):
        print(model, variant, options.seconds, file=self.process.stdin, flush=True)
        answer = self.answer()
        if "problem" in answer:
            print(f"{model} {variant}: {answer['problem']}", file=sys.stderr)
        return answer.get("samples_per_s")


def trainer(model):
    done = subprocess.run([BENCH, "--json", "--rounds", "1", "--model", model], env={**os.environ, **ONE},
                          stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"{BENCH}: exit {done.returncode}")
    return json.loads(done.stdout)


def spread(values):
    return f"{round(min(values))}..{round(max(values))}"


def measure(torch, model):
    """Rows of a model: what the trainer reaches, and each variant of the peer."""
    own, peers = [], {variant: [] for variant in VARIANTS[model]}
    for variant in VARIANTS[model]:
        if torch.rate(model, variant) is None:  # makes and warms it up
            del peers[variant]
    for _ in range(options.rounds):
        own.append(trainer(model))
        for variant, rates in peers.items():
            rates.append(torch.rate(model, variant))
    speeds = [one["samples_per_s"] for one in own]
    share = median([one["share_of_limit"] for one in own])
    yield {"model": model, "contender": "ddl", "samples_per_s": round(median(speeds)), "spread": spread(speeds),
           "ddl_is_faster": "", "share_of_limit": share}
    for variant, rates in peers.items():
        ratio = median([mine / theirs for mine, theirs in zip(speeds, rates)])
        yield {"model": model, "contender": f"PyTorch {torch.version} {variant}", "samples_per_s": round(median(rates)),
               "spread": spread(rates), "ddl_is_faster": f"{ratio:.2f} x", "share_of_limit": ""}


with Torch() as torch:
    rows = [row for model in options.models.split(",") for row in measure(torch, model)]
show(f"training steps on one core (medians of {options.rounds})", rows, options.json)
