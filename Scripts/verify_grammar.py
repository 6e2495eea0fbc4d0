#!/usr/bin/env python3
"""How much of the grammar a trained translator has understood: make verify-grammar.

    python3 Scripts/verify_grammar.py [--model checkpoints/grammar.safetensors] [--least 99]

Translates the held-out sentences of corpora/grammar.valid.tsv, none of which was in training, and counts those that are
right to the letter; among those with *it*, whose adjective has a gender that shows what *it* is. Exit status 1 where
either is below --least percent, or where the cat is not large.
"""
import argparse
import os
import subprocess
import sys
import time

HOME = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CAT = "this cat is very large"


def last_letters(sentence):
    """The ending that shows gender and number: the last vowel and what follows it."""
    word = sentence.rstrip("?").split()[-1] if sentence.split() else ""
    return word[max(word.rfind("a"), word.rfind("o")):]


def percent(part, whole):
    return 100 * part / max(1, whole)


def main():
    options = argparse.ArgumentParser(description="Measures a translator on the held-out part of the grammar.")
    options.add_argument("--model", default=os.path.join(HOME, "checkpoints", "grammar.safetensors"))
    options.add_argument("--minigpt", default=os.path.join(HOME, ".build", "release", "minigpt"))
    options.add_argument("--beam", default="1")
    options.add_argument("--least", type=float, default=99)
    options = options.parse_args()
    with open(os.path.join(HOME, "corpora", "grammar.valid.tsv"), encoding="utf-8") as file:
        pairs = [line.rstrip("\n").split("\t") for line in file]
    start = time.time()
    done = subprocess.run(
        [options.minigpt, "translate", "--model", options.model, "--beam", options.beam],
        input="".join(english + "\n" for english, _ in pairs), stdout=subprocess.PIPE, universal_newlines=True,
        encoding="utf-8")
    seconds = time.time() - start
    if done.returncode:
        sys.exit(done.returncode)
    found = done.stdout.split("\n")[:-1]
    if len(found) != len(pairs):
        sys.exit("%d sentences in, %d lines out" % (len(pairs), len(found)))
    wrong = [(e, s, f) for (e, s), f in zip(pairs, found) if s != f]
    for english, spanish, answer in wrong[:10]:
        print("%s\n  expected %s\n  found    %s" % (english, spanish, answer))
    its = [(s, f) for (e, s), f in zip(pairs, found) if " because it was " in e]
    right = sum(last_letters(s) == last_letters(f) for s, f in its)
    exact = percent(len(pairs) - len(wrong), len(pairs))
    gender = percent(right, len(its))
    cat = dict(zip((e for e, _ in pairs), found))[CAT]
    print("exactly right: %d of %d held-out sentences, %.2f %%" % (len(pairs) - len(wrong), len(pairs), exact))
    print("gender of it:  %d of %d, %.2f %%" % (right, len(its), gender))
    print("%s: %s" % (CAT, cat))
    print("%.1f s, %.0f sentences/s" % (seconds, len(pairs) / seconds))
    sys.exit(exact < options.least or gender < options.least or cat != "este gato es muy grande")


if __name__ == "__main__":
    main()
