#!/usr/bin/env python3
"""How many of the words that the model writes occur in the corpus? At least 85 % must.

    python3 Scripts/verify_demo.py [--model FILE] [--corpus FILE] [--samples 4]

`make verify-demo` runs it on what `make demo` trained.
"""
import argparse
import json
import re
import sys

from bench import CORPUS, PROGRAM, run

WORD = re.compile(r"[A-Za-z]+(?:['-][A-Za-z]+)*")
LEAST = 0.85


def main():
    options = argparse.ArgumentParser(description="The share of the model's words that occur in the corpus.")
    options.add_argument("--model", default="checkpoints/shakespeare.best.safetensors")
    options.add_argument("--corpus", default=CORPUS)
    options.add_argument("--samples", type=int, default=4)
    options = options.parse_args()
    with open(options.corpus, encoding="utf-8") as file:
        known = {word.lower() for word in WORD.findall(file.read())}
    said = run(PROGRAM, "sample", options.model, "--num-samples", str(options.samples), "--max-new-tokens", "400",
               "--ignore-eos", "--seed", "1", "--json")
    words = []
    for line in said.strip().split("\n"):
        words += WORD.findall(json.loads(line)["text"])[1:-1]  # the first and the last may be cut
    strange = [word for word in words if word.lower() not in known]
    share = 1 - len(strange) / len(words)
    print(f"{len(words)} words, {share:.1%} of them in the corpus; not: {' '.join(sorted(set(strange))[:20])}")
    sys.exit(0 if share >= LEAST else 1)


if __name__ == "__main__":
    main()
