#!/usr/bin/env python3
"""Is a build slower or larger than an older one? Runs both in turn, and prints old / new: above 1 is better than before.

    python3 Scripts/compare_old.py OLD [NEW] [--turns 10] [--only WORD] [--corpus FILE] [--build DIR]

Training steps of three shapes, generation of two (one text and eight), tokenizing, opening, peak memory of training and of
sampling: the median of the turns' ratios, and the least and the largest. Exit 1 where a median is below 0.98. `--build DIR`
also times clean release builds of that older checkout and of this one, once each; many minutes.

`make compare-old OLD=program` runs it; nothing else should run meanwhile.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile
import time

from bench import CORPUS, PROGRAM, ROOT, report, run

LEAST = 0.98
STEPS = {"tiny": 40, "bpe": 12, "multi30k": 6}
TOKENS = {"char": 120, "gpt2-1k": 24}
SMALL = "--tokenizer char --layers 2 --heads 2 --embd 64 --context 64 --batch-size 8 --val-fraction 0.01 --seed 1 --quiet".split()


def measure(command, feed=None):
    """Seconds and peak bytes of a command."""
    began = time.perf_counter()
    with open(feed or os.devnull, "rb") as file:
        process = subprocess.Popen(command, stdin=file, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        said = process.stderr.read().decode("utf-8", "replace")
        _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{' '.join(command)}: status {status}: " + said.strip().split("\n")[-1])
    return time.perf_counter() - began, usage.ru_maxrss * 1024


def bench(program, *flags):
    return [json.loads(line) for line in run(program, "bench", "--json", *flags).strip().split("\n")]


def steps(shape):
    def take(program):
        said = bench(program, "--only", "training", "--preset", shape, "--steps", str(STEPS[shape]))
        return {f"step of {shape}, {one['precision']}": one["ms_per_step"] for one in said}
    return take


def generation(shape):
    def take(program):
        said = bench(program, "--only", "generation", "--preset", shape, "--steps", str(TOKENS[shape]),
                     "--weights", "fp32", "--weights", "int8")
        return {f"{one['texts']} text{'s'[:one['texts'] - 1]} of {shape}, {one['weights']}": one["ms_per_step"] for one in said}
    return take


def files(folder, corpus):
    """What depends on a model and a tokenizer; both are the old program's."""
    model, tokenizer = os.path.join(folder, "m.safetensors"), os.path.join(folder, "t.json")

    def take(program):
        out = os.path.join(folder, "other.safetensors")
        again = [program, "tokenizer", "encode", "--tokenizer", tokenizer, "--count"]
        return {
            "tokenizing": min(measure(again, corpus)[0] for _ in range(3)),
            "opening": min(measure([program, "info", model])[0] for _ in range(9)),
            "memory of training": measure([program, "train", corpus, "--out", out, "--overwrite", "--steps", "4", *SMALL])[1],
            "memory of sampling": measure([program, "sample", model, "-n", "20", "--seed", "1", "--quiet"])[1],
        }
    return model, tokenizer, take


def build(root, folder):
    began = time.perf_counter()
    subprocess.run(["swift", "build", "-c", "release", "--product", "minigpt", "--package-path", root, "--scratch-path", folder],
                   check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def main():
    options = argparse.ArgumentParser(description="Compares the speed of two builds.")
    options.add_argument("old")
    options.add_argument("new", nargs="?", default=PROGRAM)
    options.add_argument("--turns", type=int, default=10)
    options.add_argument("--only", default="", metavar="WORD", help="of training, generation, files")
    options.add_argument("--corpus", default=CORPUS if os.path.exists(CORPUS) else os.path.join(ROOT, "corpora", "grammar.tsv"))
    options.add_argument("--build", metavar="DIR")
    options = options.parse_args()
    ratios = {}
    with tempfile.TemporaryDirectory() as folder:
        model, tokenizer, of_files = files(folder, options.corpus)
        parts = [("training", steps(shape)) for shape in STEPS] + [("generation", generation(shape)) for shape in TOKENS]
        parts += [("files", of_files)]
        run(options.old, "train", options.corpus, "--out", model, "--steps", "4", *SMALL)
        run(options.old, "tokenizer", "train", options.corpus, "--out", tokenizer, "--vocab-size", "2048", "--quiet")
        for turn in range(options.turns):
            for name, take in parts:
                if options.only not in name:
                    continue
                programs = [options.old, options.new]
                taken = {program: take(program) for program in (programs if turn % 2 == 0 else reversed(programs))}
                for what, value in taken[options.old].items():
                    ratios.setdefault(what, []).append(value / taken[options.new][what])
        if options.build:
            old, new = (build(root, os.path.join(folder, name)) for root, name in [(options.build, "old"), (ROOT, "new")])
            print(f"clean release build: {old:.0f} s, now {new:.0f} s")
            ratios["clean release build"] = [old / new]
    report(f"old / new, {options.turns} turns", {what: (LEAST, values) for what, values in ratios.items()})


if __name__ == "__main__":
    main()
