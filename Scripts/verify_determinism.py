#!/usr/bin/env python3
"""Same seed, same bits: trains small models and a small translator with dropout in several ways, and compares the files.

Today's shape by Muon in blocks of the text, GPT-2's by AdamW in windows, and a translator:

    python3 Scripts/verify_determinism.py [CORPUS] [--pairs corpora/grammar.tsv] [--interruptions 6]

- on 1, 2 and 3 threads;
- stopped by SIGINT, by SIGTERM and by kill -9 at odd moments, and resumed until it is done.

And a run with a budget of seconds, against the command that it says repeats it.

Checkpoint, best checkpoint and log must be those of the run that nothing disturbed; the log but for seconds and speed.
`make verify-determinism` runs it on the plays.
"""
import argparse
import hashlib
import json
import os
import random
import shlex
import signal
import subprocess
import sys
import tempfile
import time

from bench import CORPUS, PROGRAM

BOTH = "--steps 240 --dropout 0.1 --eval-every 60 --save-every 30 --log-every 10 --seed 7"
TEXT = "--tokenizer char --layers 2 --heads 3 --embd 48 --context 40 --batch-size 6 --grad-accum 2 --val-fraction 0.002 " + BOTH
RECIPES = {
    "model": "--optimizer muon --order blocks " + TEXT,
    "older model": "--arch gpt2 --optimizer adamw --order windows " + TEXT,
    "translator": "--tokenizer bpe --vocab-size 400 --layers 2 --heads 3 --embd 48 --context 96 --batch-tokens 1000 "
                  "--average 3 --val-fraction 0.005 " + BOTH,
}


BUDGET = 40


def command(what, text, folder, *more):
    source = ["--pairs", text] if what == "translator" else [text]
    return [PROGRAM, "train", *source, "--out", os.path.join(folder, "model.safetensors"), *RECIPES[what].split(), *more]


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


def disturbed(what, text, folder, number, seconds, chance):
    """Stops the run with the signal at a random moment of its `seconds`, then resumes it, until one run reaches the end."""
    stops = 0
    for attempt in range(60):
        exists = os.path.exists(os.path.join(folder, "model.safetensors"))
        process = subprocess.Popen(command(what, text, folder, *(["--resume"] if exists else [])), stdin=subprocess.DEVNULL,
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


def verify(what, text, interruptions, top):
    """The number of runs that gave other bytes."""
    chance, failures = random.Random(1), 0

    def folder(name):
        os.mkdir(os.path.join(top, name))
        return os.path.join(top, name)

    def compare(name, found):
        different = sorted(key for key in set(found) | set(expected) if found.get(key) != expected.get(key))
        print(f"{what}, {name}: " + ("the same bytes" if not different else "DIFFERENT: " + ", ".join(different)), flush=True)
        return bool(different)

    began = time.time()
    train(what, text, folder("1"), "--threads", "1")
    seconds, expected = time.time() - began, result(os.path.join(top, "1"))
    print(f"{what}, 1 thread: {seconds:.1f} s, {expected}", flush=True)
    for threads in "2", "3":
        train(what, text, folder(threads), "--threads", threads)
        failures += compare(threads + " threads", result(os.path.join(top, threads)))
    for turn in range(interruptions):
        number = [signal.SIGINT, signal.SIGTERM, signal.SIGKILL][turn % 3]
        place = folder(f"{turn}-{number.name}")
        stops = disturbed(what, text, place, number, seconds, chance)
        failures += compare(f"stopped {stops} times by {number.name}, resumed", result(place))
    return failures


def verify_budget(text, top):
    """A run with a budget, and the command that it says at its end."""
    def run(arguments, name):
        path = os.path.join(top, name)
        words = [PROGRAM, *arguments, "--out", path, "--overwrite"]
        done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        if done.returncode:
            sys.exit(f"exit {done.returncode}: " + done.stderr.decode("utf-8", "replace").strip().split("\n")[-1])
        with open(path, "rb") as file:
            return hashlib.sha256(file.read()).hexdigest()[:16], done.stderr.decode("utf-8", "replace")

    began = time.time()
    chosen, said = run(["train", text, "--budget", f"{BUDGET}s", "--seed", "7", "--val-fraction", "0.01"], "budget.safetensors")
    took = time.time() - began
    again = next(line for line in said.split("\n") if line.startswith("again: "))
    print(f"budget of {BUDGET} s: {took:.1f} s", flush=True)
    if not again.startswith("again: minigpt "):
        print(f"budget: not comparable, {again}", flush=True)
        return 0
    words = shlex.split(again)[2:]
    place = words.index("--out")
    repeated, _ = run(words[:place] + words[place + 2:], "again.safetensors")
    print("budget, repeated: " + ("the same bytes" if repeated == chosen else "DIFFERENT"), flush=True)
    return int(repeated != chosen) + int(abs(took / BUDGET - 1) > 0.1)


def main():
    options = argparse.ArgumentParser(description="Same seed, same bits: threads, interruptions, kills.")
    options.add_argument("corpus", nargs="?", default=CORPUS)
    options.add_argument("--pairs", default=os.path.join(os.path.dirname(CORPUS), "grammar.tsv"))
    options.add_argument("--interruptions", type=int, default=6, help="disturbed runs of each kind; the three signals take turns")
    options = options.parse_args()
    failures = 0
    for what, text in ("model", options.corpus), ("older model", options.corpus), ("translator", options.pairs):
        with tempfile.TemporaryDirectory() as top:
            failures += verify(what, text, options.interruptions, top)
    with tempfile.TemporaryDirectory() as top:
        failures += verify_budget(options.corpus, top)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
