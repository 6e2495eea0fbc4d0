#!/usr/bin/env python3
"""What does *it* look at? The encoder's heads of a translator, asked about "The animal didn't cross the street because it was
too tired" and too wide; `make verify-it` runs it.

    python3 Scripts/verify_it.py --minigpt PROGRAM --model MODEL [--least 80]

In sentences of the grammar whose two nouns differ in gender, the Spanish adjective shows which of them *it* is. For every
layer and head of the encoder this counts how often *it* takes more from that noun than from the other. The head is chosen
on sentences of the training; it is judged on held-out ones, whose pairs of nouns were in no training sentence with *it*.
Exit status 1 where the chosen head is right on fewer than --least percent of these, or on the slide's two sentences.
"""
import argparse
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree

HOME = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SVG = "{http://www.w3.org/2000/svg}"


def maps(options, sentence):
    """Each head's name, words and matrix: who takes how much from whom, tokens of a word together."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "a.svg")
        subprocess.run([options.minigpt, "attend", options.model, sentence, "--part", "encoder", "--out", path, "--quiet"], check=True)
        root = ElementTree.parse(path).getroot()
    for group in root.iter(SVG + "g"):
        if not group.get("transform"):
            continue
        name = group.find(SVG + "text").text
        rows = [row for row in group.findall(SVG + "g") if row.get("class") == "row"]
        tokens = [row.find(SVG + "text").text for row in rows]
        shares = [[int(share) for share in row.get("data-shares").split()] for row in rows]
        for row in shares:
            assert sum(row) == 10000, f"{sentence}: {name}: a row sums to {sum(row)}"
        # A token that begins with a blank begins a word, and so does the end of the sentence.
        starts = [i for i, token in enumerate(tokens) if i == 0 or token.startswith("\u2423") or token == "</s>"] + [len(tokens)]
        spans = list(zip(starts, starts[1:]))
        words = ["".join(tokens[a:b]).lstrip("\u2423") for a, b in spans]
        matrix = [[sum(sum(shares[q][c:d]) for q in range(a, b)) / (b - a) for c, d in spans] for a, b in spans]
        yield name, words, matrix


def nouns(pair):
    """The places of the two nouns, which of them *it* is, and the place of *it*; nothing where gender does not tell."""
    english, spanish = (side.split() for side in pair)
    if "because" not in english or english[english.index("because") + 1] != "it":
        return None
    because, porque = english.index("because"), spanish.index("porque")
    if english[0] != "the" or english[because - 2] != "the" or porque < 2:
        return None
    genders = [spanish[0], spanish[porque - 2]]
    if sorted(genders) != ["el", "la"]:
        return None
    adjective = spanish[-1].rstrip(".")
    if adjective[-1] not in "ao":
        return None
    right = genders.index("la" if adjective[-1] == "a" else "el")
    places = [1, because - 1]
    return places[right], places[1 - right], because + 1


def scores(options, pairs):
    """How often *it* took more from the right noun, by head, and of how many sentences."""
    right, count, shares = {}, 0, {}
    for pair in pairs:
        found = nouns(pair)
        if not found:
            continue
        wanted, other, it = found
        count += 1
        for name, words, matrix in maps(options, pair[0]):
            assert words[it] == "it", words
            right[name] = right.get(name, 0) + (matrix[it][wanted] > matrix[it][other])
            shares[name] = shares.get(name, 0) + matrix[it][wanted] / 10000
    return right, count, shares


def read(name):
    with open(os.path.join(HOME, "corpora", name), encoding="utf-8") as file:
        return [line.rstrip("\n").split("\t")[:2] for line in file if " because it " in line]


def main():
    parser = argparse.ArgumentParser(description="Asks a translator's heads what *it* is.")
    parser.add_argument("--minigpt", default=os.path.join(HOME, ".build", "release", "minigpt"))
    parser.add_argument("--model", default=os.path.join(HOME, "checkpoints", "grammar.best.safetensors"))
    parser.add_argument("--least", type=float, default=80)
    options = parser.parse_args()
    right, count, _ = scores(options, read("grammar.tsv")[:150])
    best = max(right, key=lambda name: right[name])
    print(f"training: {best}: {right[best]} of {count} sentences, the best of {len(right)} heads")
    right, count, shares = scores(options, read("grammar.valid.tsv"))
    share = 100 * right[best] / max(1, count)
    print(f"held out: {best}: {right[best]} of {count} sentences, {share:.0f} %; it takes {shares[best] / max(1, count):.2f} from its noun")
    good = share >= options.least
    for adjective, wanted in [("tired", "animal"), ("wide", "street")]:
        sentence = f"the animal didn't cross the street because it was too {adjective}"
        _, words, matrix = next(found for found in maps(options, sentence) if found[0] == best)
        it = words.index("it")
        taken = {noun: matrix[it][words.index(noun)] / 10000 for noun in ["animal", "street"]}
        print(f"{sentence}: it takes {taken['animal']:.2f} from animal, {taken['street']:.2f} from street")
        good = good and max(taken, key=taken.get) == wanted
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
