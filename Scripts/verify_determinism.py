#!/usr/bin/env python3
"""Same seed, same bits: trains a small model with dropout in several ways and compares the files byte for byte.

    python3 Scripts/verify_determinism.py [CORPUS] [--interruptions 6]

- on 1, 2 and 3 threads;
- stopped by SIGINT, by SIGTERM and by kill -9 at odd moments, and resumed until it is done.

Checkpoint, best checkpoint and log must be those of the run that nothing disturbed; the log but for seconds and speed.
`make verify-determinism` runs it on the plays.
"""
import argparse
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time

from bench import CORPUS, PROGRAM

RECIPE = ("--tokenizer char --layers 2 --heads 3 --embd 48 --context 40 --batch-size 6 --grad-accum 2 --steps 240 --dropout 0.1 "
          "--eval-every 60 --save-every 30 --log-every 10 --val-fraction 0.002 --seed 7").split()


def command(corpus, folder, *more):
    return [PROGRAM, "train", corpus, "--out", os.path.join(folder, "model.safetensors"), *RECIPE, *more]


def train(*arguments):
    done = subprocess.run(command(*arguments), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode:
        sys.exit(f"exit {done.returncode}: " + done.stderr.decode("utf-8", "replace").strip().split("\n")[-1])


def result(folder):
    """Digests of the checkpoints, and the log without what depends on the clock."""
    found = {}
    for name in sorted(os.listdir(folder)):
        path = os.path.join(folder, name)
        with open(path, "rb") as file:
            data = file.read()
        if name.endswith(".jsonl"):
            records = [json.loads(line) for line in data.decode().split("\n") if line]
            for record in records:
                record.pop("seconds", None)
                record.pop("tokens_per_s", None)
            data = json.dumps(records).encode()
        found[name] = hashlib.sha256(data).hexdigest()[:16]
    return found


def disturbed(corpus, folder, number, seconds, chance, more):
    """Stops the run with the signal at a random moment of its `seconds`, then resumes it, until one run reaches the end."""
    stops = 0
    for attempt in range(60):
        exists = os.path.exists(os.path.join(folder, "model.safetensors"))
        process = subprocess.Popen(command(corpus, folder, *more, *(["--resume"] if exists else [])), stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            time.sleep(seconds * chance.uniform(0.05, 0.5))
            if process.poll() is None and stops < 8:
                process.send_signal(number)
                stops += 1
        finally:
            said = process.communicate()[1].decode("utf-8", "replace")
        if process.returncode == 0:
            return stops
        if process.returncode not in (-signal.SIGKILL, 128 + number):
            sys.exit(f"after signal {number}: exit {process.returncode}: " + said.strip().split("\n")[-1])
    sys.exit("it never reached the end")


def main():
    options = argparse.ArgumentParser(description="Same seed, same bits: threads, interruptions, kills.")
    options.add_argument("corpus", nargs="?", default=CORPUS)
    options.add_argument("--interruptions", type=int, default=6, help="disturbed runs; the three signals take turns")
    options = options.parse_args()
    more = []
    chance, failures = random.Random(1), 0
    with tempfile.TemporaryDirectory() as top:
        def folder(name):
            os.mkdir(os.path.join(top, name))
            return os.path.join(top, name)

        def compare(name, found):
            different = sorted(key for key in set(found) | set(expected) if found.get(key) != expected.get(key))
            print(f"{name}: " + ("the same bytes" if not different else "DIFFERENT: " + ", ".join(different)), flush=True)
            return bool(different)

        began = time.time()
        train(options.corpus, folder("1"), *more, "--threads", "1")
        seconds, expected = time.time() - began, result(os.path.join(top, "1"))
        print(f"1 thread: {seconds:.1f} s, {expected}", flush=True)
        for threads in "2", "3":
            train(options.corpus, folder(threads), *more, "--threads", threads)
            failures += compare(threads + " threads", result(os.path.join(top, threads)))
        for turn in range(options.interruptions):
            number = [signal.SIGINT, signal.SIGTERM, signal.SIGKILL][turn % 3]
            place = folder(f"{turn}-{number.name}")
            stops = disturbed(options.corpus, place, number, seconds, chance, more)
            failures += compare(f"stopped {stops} times by {number.name}, resumed", result(place))
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
