#!/usr/bin/env python3
"""Trains on data larger than a memory cgroup, and on the same data in memory.

  bench/larger_than_memory.py [--build build/release] [--gib 8] [--limit-mib 512] [--folder DIR]

Makes IDX files of that size in DIR (twice the size is needed there for a while), prepares them within
the limit, then trains one epoch of an MLP on them within the limit, with the file dropped from the
page cache, and without a limit, with the file in it; in turns, twice each. Says the speeds as the
trainer tells them, and whether the weights are the same. Needs to be root, and the memory controller
of cgroup version 1 at /sys/fs/cgroup/memory. What it made is removed.
"""
import argparse
import glob
import hashlib
import json
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import time

FEATURES = 784
CLASSES = 10
MIB = 1 << 20


def make_sources(folder, rows):
    """Images that tell their class by their brightest band, in noise from a pool."""
    chance = random.Random(1)
    pool = chance.randbytes(64 * MIB)
    bands = [bytes(40 * (i // 78 == label) for i in range(FEATURES)) for label in range(CLASSES)]
    with open(f"{folder}/x", "wb") as x, open(f"{folder}/y", "wb") as y:
        x.write(struct.pack(">4BIII", 0, 0, 8, 3, rows, 28, 28))
        y.write(struct.pack(">4BI", 0, 0, 8, 1, rows))
        done = 0
        while done < rows:
            count = min(65536, rows - done)
            at = chance.randrange(len(pool) - count * FEATURES)
            noise = int.from_bytes(pool[at:at + count * FEATURES], "little")
            halved = (noise >> 1) & int.from_bytes(b"\x3f" * (count * FEATURES), "little")
            labels = bytes(chance.choices(range(CLASSES), k=count))
            bright = int.from_bytes(b"".join(bands[label] for label in labels), "little")
            x.write((halved + bright).to_bytes(count * FEATURES, "little"))
            y.write(labels)
            done += count
        for stream in (x, y):
            stream.flush()
            os.fsync(stream.fileno())


def drop(path):
    with open(path, "rb") as stream:
        os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def warm(path):
    with open(path, "rb") as stream:
        while stream.read(8 * MIB):
            pass


class Cgroup:
    """Of version 1, below this process' own."""

    def __init__(self, limit):
        own = next(line.split(":")[2].strip() for line in open("/proc/self/cgroup")
                   if line.split(":")[1] == "memory")
        self.path = f"/sys/fs/cgroup/memory{own}/ddl-bench-{os.getpid()}"
        os.mkdir(self.path)
        self.write("memory.limit_in_bytes", limit)

    def write(self, name, value):
        with open(f"{self.path}/{name}", "w") as stream:
            stream.write(str(value))

    def read(self, name):
        with open(f"{self.path}/{name}") as stream:
            return int(stream.read())

    def enter(self):
        self.write("cgroup.procs", os.getpid())

    def remove(self):
        os.rmdir(self.path)


def run(words, environment, cgroup=None):
    begin = time.monotonic()
    done = subprocess.run(words, env={**os.environ, **environment}, text=True, capture_output=True,
                          preexec_fn=cgroup.enter if cgroup else None)
    if done.returncode != 0:
        sys.exit(f"{' '.join(words)}: exit code {done.returncode}\n{done.stderr}")
    return done.stdout, time.monotonic() - begin


def weights(folder):
    """The state in the newest checkpoint, without the header, which holds times."""
    newest = max(glob.glob(f"{folder}/iteration-*.ckpt"), key=os.path.getmtime)
    with open(newest, "rb") as stream:
        content = stream.read()
    header = struct.unpack("<I", content[12:16])[0]
    return hashlib.sha256(content[16 + header:-4]).hexdigest()


def train(trainer, config, prepared, folder, cgroup):
    shutil.rmtree(folder, ignore_errors=True)
    out, seconds = run([trainer, config], {"DDL_PREPARED": prepared, "DDL_CHECKPOINT_DIR": folder},
                       cgroup)
    lines = [json.loads(line) for line in out.splitlines()]
    return {"samples_per_s": lines[0]["samples_per_s"], "seconds": seconds,
            "val_accuracy": lines[0]["val_accuracy"], "weights": weights(folder)}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--gib", type=float, default=8)
    parser.add_argument("--limit-mib", type=int, default=512)
    parser.add_argument("--window-mib", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--folder", default=None, help="on a disk, not in memory")
    options = parser.parse_args()
    trainer = f"{options.build}/ddl-trainer"
    rows = int(options.gib * (1 << 30) / FEATURES)
    cgroup = Cgroup(options.limit_mib * MIB)
    folder = tempfile.mkdtemp(prefix="ddl-larger-", dir=options.folder)
    try:
        make_sources(folder, rows)
        data = {"type": "idx", "train_features": f"{folder}/x", "train_labels": f"{folder}/y"}
        for name, content in (("data", [data]), ("config", {
                "data": data, "epochs": 1, "shuffle": {
                    "type": "blocks", "block_mib": max(1, options.window_mib // 16),
                    "window_mib": options.window_mib},
                "optimizer": {"type": "sgd", "lr": 0.05, "momentum": 0.9}})):
            with open(f"{folder}/{name}.json", "w") as stream:
                json.dump(content, stream)
        drop(f"{folder}/x")
        out, seconds = run([trainer, "--prepare", f"{folder}/data.json"],
                           {"DDL_CACHE": f"{folder}/cache"}, cgroup)
        peak = cgroup.read("memory.max_usage_in_bytes") / MIB
        print(f"prepared {rows} rows in {seconds:.1f} s, {rows * FEATURES / seconds / 1e6:.0f} MB/s, "
              f"within {options.limit_mib} MiB (peak {peak:.0f})", flush=True)
        os.unlink(f"{folder}/x")
        os.mkdir(f"{folder}/prepared")
        prepared = json.loads(out)
        packed = f"{folder}/prepared/{prepared['name']}"
        os.rename(prepared["path"], packed)
        speeds = {True: [], False: []}
        states = set()
        for _ in range(options.rounds):
            for limited in (True, False):
                (drop if limited else warm)(packed)
                cgroup.write("memory.max_usage_in_bytes", 0)
                one = train(trainer, f"{folder}/config.json", f"{folder}/prepared",
                            f"{folder}/checkpoints", cgroup if limited else None)
                speeds[limited].append(one["samples_per_s"])
                states.add(one["weights"])
                peak = cgroup.read("memory.max_usage_in_bytes") / MIB
                where = f"within {options.limit_mib} MiB (peak {peak:.0f})" if limited else "in memory"
                print(f"{where}: {one['samples_per_s']:.0f} samples/s, {one['seconds']:.1f} s in all, "
                      f"validation accuracy {one['val_accuracy']:.4f}, weights "
                      f"{one['weights'][:16]}", flush=True)
        share = max(speeds[True]) / max(speeds[False])
        print(f"{100 * share:.1f} % of the speed in memory; the weights are "
              f"{'the same' if len(states) == 1 else 'OTHERS'}")
        sys.exit(0 if len(states) == 1 and share >= 0.8 else 4)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        cgroup.remove()


if __name__ == "__main__":
    main()
