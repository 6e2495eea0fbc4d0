#!/usr/bin/env python3
"""Repeats the Multi30k run: English to German, 29,000 captions, the smallest Transformer of Wu et al. 2021.

    make multi30k PAIRS=folder
    python3 Scripts/multi30k.py --pairs FOLDER [--seed 1] [--raw] [any flags for minigpt train]

FOLDER has train.lc.tok.en-de.tsv, val.lc.tok.en-de.tsv and test_2016_flickr.lc.tok.en-de.tsv: lower-cased, tokenised
captions, English TAB German a line. With --raw the same names without .lc.tok, captions as they were written, and BLEU
with tokenizer 13a. Everything is chosen on val; test is only measured in the end, with beam 5. Products are in bf16, which takes
two thirds of the time of fp32 where the processor has such products; --precision fp32 does without.

Published (arXiv:2105.14462, Transformer-Tiny): BLEU 41.02.
"""
import argparse
import os
import subprocess
import sys

HOME = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
MINIGPT = os.path.join(HOME, ".build", "release", "minigpt")
WITHOUT = """multi30k needs the captions, which may not be passed on with this project: they are for research only.
Fetch Multi30k, task 1, English and German (search for "multi30k dataset"), make of each part (train, val,
test_2016_flickr) a file of lines English TAB German, lower-case and tokenise them as Moses does for the files
*.lc.tok.en-de.tsv, and say make multi30k PAIRS=folder. Without them, make demo-translate needs no download,
and make corpora-verses fetches 31,000 verses for minigpt train --pairs corpora/verses.tsv."""


def main():
    options = argparse.ArgumentParser(description="Trains and measures English to German on Multi30k.")
    options.add_argument("--pairs", help="the folder with the captions")
    options.add_argument("--raw", action="store_true", help="captions as they were written")
    options.add_argument("--seed", default="1")
    options, more = options.parse_known_args()
    if not options.pairs:
        sys.exit(WITHOUT)
    ending = ".en-de.tsv" if options.raw else ".lc.tok.en-de.tsv"
    files = {part: os.path.join(options.pairs, part + ending) for part in ("train", "val", "test_2016_flickr")}
    missing = [path for path in files.values() if not os.path.exists(path)]
    if missing:
        sys.exit("missing: " + ", ".join(missing) + "\n\n" + WITHOUT)
    out = os.path.join(HOME, "checkpoints", "multi30k" + (".raw" if options.raw else "") + ".safetensors")
    split = ["--split", "gpt2"] if options.raw else []
    train = [MINIGPT, "train", "--pairs", files["train"], "--valid-pairs", files["val"], "--preset", "multi30k",
             "--out", out, "--seed", options.seed] + split + (more if "--precision" in more else ["--precision", "bf16"] + more)
    if os.path.exists(out):
        train.append("--resume")
        train = [word for word in train if word not in ("--preset", "multi30k")]
    run(train)
    model = out.replace(".safetensors", ".average.safetensors")
    tokenize = "13a" if options.raw else "none"
    for part in ("val", "test_2016_flickr"):
        run([MINIGPT, "eval", "--model", model, "--pairs", files[part], "--beam", "5", "--tokenize", tokenize])


def run(command):
    print("+ " + " ".join(command), flush=True)
    done = subprocess.run(command)
    if done.returncode:
        sys.exit(done.returncode)


if __name__ == "__main__":
    main()
