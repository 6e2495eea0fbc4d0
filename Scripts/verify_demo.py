#!/usr/bin/env python3
"""How many of the words that the model writes occur in the corpus? At least 93 % must. And how many stand inside runs of
eight and more words that the corpus has? At most 5 % may: what is learned by heart proves nothing.

    python3 Scripts/verify_demo.py [--model FILE] [--corpus FILE] [--samples 10]

`make verify-demo` runs it on what `make demo` trained.
"""
import argparse
import json
import re
import sys

from bench import CORPUS, PROGRAM, run

WORD = re.compile(r"[A-Za-z]+(?:['-][A-Za-z]+)*")
LEAST, MOST, RUN = 0.93, 0.05, 8


def main():
    options = argparse.ArgumentParser(description="The share of the model's words that occur in the corpus.")
    options.add_argument("--model", default="checkpoints/shakespeare.best.safetensors")
    options.add_argument("--corpus", default=CORPUS)
    options.add_argument("--samples", type=int, default=10)
    options = options.parse_args()
    with open(options.corpus, encoding="utf-8") as file:
        corpus = [word.lower() for word in WORD.findall(file.read())]
    known, runs = set(corpus), {tuple(corpus[i:i + RUN]) for i in range(len(corpus) - RUN + 1)}
    said = run(PROGRAM, "sample", options.model, "--num-samples", str(options.samples), "--max-new-tokens", "400",
               "--ignore-eos", "--seed", "1", "--json")
    words, copied = [], 0
    for line in said.strip().split("\n"):
        sample = WORD.findall(json.loads(line)["text"])[1:-1]  # the first and the last may be cut
        inside = [False] * len(sample)
        for i in range(len(sample) - RUN + 1):
            if tuple(word.lower() for word in sample[i:i + RUN]) in runs:
                inside[i:i + RUN] = [True] * RUN
        words += sample
        copied += sum(inside)
    strange = [word for word in words if word.lower() not in known]
    share = 1 - len(strange) / len(words)
    print(f"{len(words)} words, {share:.1%} of them in the corpus; not: {' '.join(sorted(set(strange))[:20])}")
    print(f"{copied / len(words):.1%} of them inside {RUN} and more words in a row that the corpus has")
    sys.exit(0 if share >= LEAST and copied <= MOST * len(words) else 1)


if __name__ == "__main__":
    main()
