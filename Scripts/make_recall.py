#!/usr/bin/env python3
"""A text in which a key must be recalled: lines "<KEY tune tune … >KEY", the second KEY d letters after the first.

    python3 Scripts/make_recall.py train FILE [--lines N]
    python3 Scripts/make_recall.py check PROGRAM MODEL

`train` writes a corpus; `check` asks the model for the key at distances 8 to 512 and prints a table: how often it was
right, and what guessing would give. `make demo-recall` runs both. A counting model sees its last few letters alone; a
recurrent one passes the key on through d steps; attention takes it in one, whatever the distance.
"""
import argparse
import json
import os
import random
import subprocess
import sys
import tempfile

KEYS = "ABCDEFGHIJKLMNOP"
TUNE = "abcdefgh"
DISTANCES = [8, 16, 32, 64, 128, 256, 512]


def tune(draw, count):
    first = draw.randrange(len(TUNE))
    return "".join(TUNE[(first + i) % len(TUNE)] for i in range(count))


def line(draw, distance, length=0):
    """The key behind "<", a tune, and the key again behind ">": the two keys are `distance` letters apart. Up to
    `length` more tunes follow, each with the key at its end."""
    key = draw.choice(KEYS)
    text = "<" + key + tune(draw, distance - 2) + ">" + key
    while len(text) < length:
        text += tune(draw, draw.randint(2, 30)) + ">" + key
    return text


def train(path, lines):
    draw = random.Random(1)
    with open(path, "w", encoding="ascii") as file:
        for _ in range(lines):
            file.write(line(draw, min(518, round(2 ** draw.uniform(2, 9.02))), 500) + "\n")


def check(program, model, trials):
    draw = random.Random(2)
    print("distance  recalled  guessing")
    worst = 1.0
    with tempfile.TemporaryDirectory() as folder:
        for distance in DISTANCES:
            right = 0
            for _ in range(trials):
                text = "\n" + line(draw, distance)
                prompt = os.path.join(folder, "prompt")
                with open(prompt, "w", encoding="ascii") as file:
                    file.write(text[:-1])
                run = subprocess.run([program, "sample", model, "--prompt-file", prompt, "--greedy", "-n", "1", "--json", "--quiet"],
                                     stdout=subprocess.PIPE, check=True)
                right += json.loads(run.stdout)["text"][-1] == text[-1]
            share = right / trials
            worst = min(worst, share)
            print(f"{distance:8}  {100 * share:6.0f} %  {100 / len(KEYS):6.0f} %", flush=True)
    return worst


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    actions = parser.add_subparsers(dest="action", required=True)
    one = actions.add_parser("train")
    one.add_argument("file")
    one.add_argument("--lines", type=int, default=1500)
    two = actions.add_parser("check")
    two.add_argument("program")
    two.add_argument("model")
    two.add_argument("--trials", type=int, default=25)
    given = parser.parse_args()
    if given.action == "train":
        train(given.file, given.lines)
    elif check(given.program, given.model, given.trials) < 0.9:
        sys.exit("the model forgets: below 90 % at some distance")


if __name__ == "__main__":
    main()
