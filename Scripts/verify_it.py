#!/usr/bin/env python3
"""What does *it* look at? The encoder's heads of a translator, asked about "The animal didn't cross the street because it was
too tired" and too wide; `make verify-it` runs it.

    python3 Scripts/verify_it.py --minigpt PROGRAM --model MODEL [--least 90]

In sentences of the grammar whose two nouns differ in gender, the Spanish adjective shows which of them *it* is. For every
layer and head of the encoder this counts how often *it*, and how often the English adjective ("tired", "wide"), takes more
from that noun than from the other. The head is chosen on sentences of the training; it is judged on held-out ones, whose
pairs of nouns were in no training sentence with *it*. Exit status 1 where the head of *it* or that of the adjective is right on
fewer than --least percent, or not on the slide's two sentences.
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
    """The noun that *it* is, the other, *it* and the adjective, as places; nothing where gender does not tell."""
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
    return places[right], places[1 - right], because + 1, len(english) - 1


def scores(options, pairs):
    """How often *it* (0) and the adjective (1) took more from the right noun, by word and head; of how many sentences."""
    right, count = {}, 0
    for pair in pairs:
        found = nouns(pair)
        if not found:
            continue
        wanted, other, *askers = found
        count += 1
        for name, words, matrix in maps(options, pair[0]):
            assert words[askers[0]] == "it", words
            for word, asker in enumerate(askers):
                right[word, name] = right.get((word, name), 0) + (matrix[asker][wanted] > matrix[asker][other])
    return right, count


def read(name):
    with open(os.path.join(HOME, "corpora", name), encoding="utf-8") as file:
        return [line.rstrip("\n").split("\t")[:2] for line in file if " because it " in line]


def main():
    parser = argparse.ArgumentParser(description="Asks a translator's heads what *it* is.")
    parser.add_argument("--minigpt", default=os.path.join(HOME, ".build", "release", "minigpt"))
    parser.add_argument("--model", default=os.path.join(HOME, "checkpoints", "grammar.safetensors"))
    parser.add_argument("--least", type=float, default=90)
    options = parser.parse_args()
    learned, learnedCount = scores(options, read("grammar.tsv")[:150])
    held, count = scores(options, read("grammar.valid.tsv"))
    good = True
    for word, called in [(0, "it"), (1, "the adjective")]:
        best = max((key for key in learned if key[0] == word), key=lambda key: learned[key])
        share = 100 * held[best] / max(1, count)
        print(f"{called}: {best[1]}: looks at the right noun in {held[best]} of {count} held-out sentences, {share:.0f} % "
              f"({learned[best]} of {learnedCount} in training)")
        for adjective, wanted in [("tired", "animal"), ("wide", "street")]:
            sentence = f"the animal didn't cross the street because it was too {adjective}"
            _, words, matrix = next(found for found in maps(options, sentence) if found[0] == best[1])
            asker = words.index("it" if word == 0 else adjective)
            taken = {noun: matrix[asker][words.index(noun)] / 10000 for noun in ["animal", "street"]}
            print(f"  too {adjective}: {words[asker]} takes {taken['animal']:.2f} from animal, {taken['street']:.2f} from street")
            good = good and max(taken, key=taken.get) == wanted
        good = good and share >= options.least
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
