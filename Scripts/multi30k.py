#!/usr/bin/env python3
"""English to German on Multi30k, 29,000 captions, by today's recipe.

    make multi30k PAIRS=folder
    python3 Scripts/multi30k.py --pairs FOLDER [--seed 1] [--raw] [any flags for minigpt train]

FOLDER has train.lc.tok.en-de.tsv, val.lc.tok.en-de.tsv and test_2016_flickr.lc.tok.en-de.tsv: lower-cased, tokenised
captions, English TAB German a line. With --raw the same names without .lc.tok, captions as they were written, and BLEU
with tokenizer 13a.

Three trainings of the same shape (Nguyen et al., "Data Diversification", NeurIPS 2020, with one model each way): English
to German, German to English, and, from fresh weights, English to German on the captions and what the two make of them, each
caption three times in all. What is already there is taken up: say it again to go on. Everything was chosen on val, the
length penalty too; test is measured once, in the end, with beam 5. `--preset multi30k` is the shape and the recipe of Wu et al. 2021.

Published for the size of Transformer-Tiny, text alone (arXiv:2105.14462): BLEU 41.02.
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
RECIPE = """--vocab-size 10000 --layers 4 --heads 4 --embd 128 --ffn 256 --context 256 --norm pre --norm-kind rms
--positions rotary --activation silu --gated on --qk-norm on --biases off --dropout 0.3 --label-smoothing 0.1
--batch-tokens 4096 --lr 4e-3 --min-lr 0 --warmup 100 --schedule plateau --cooldown 0.6 --optimizer muon --muon-lr 4e-3
--muon-decay 0.3 --decay-schedule rate --cautious-decay on --weight-decay 0.01 --beta1 0.9 --beta2 0.98 --grad-clip 0
--eval-every 200 --save-every 200""".split()
STEPS = {"forward": 2000, "backward": 2000, "whole": 4000}


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
    base = os.path.join(HOME, "checkpoints", "multi30k" + (".raw" if options.raw else ""))
    os.makedirs(os.path.dirname(base), exist_ok=True)
    recipe = RECIPE + ["--split", "gpt2" if options.raw else "spaces", "--seed", options.seed]

    def train(name, pairs, valid):
        out = f"{base}.{name}.safetensors" if name != "whole" else base + ".safetensors"
        flags = without(more, [*recipe, "--steps", str(STEPS[name])]) + more + (["--resume"] if os.path.exists(out) else [])
        run([MINIGPT, "train", "--pairs", pairs, "--valid-pairs", valid, "--out", out, *flags])
        return out.replace(".safetensors", ".best.safetensors")

    turned = {part: f"{base}.{part}.turned.tsv" for part in ("train", "val")}
    for part, path in turned.items():
        write(path, [f"{target}\t{source}" for source, target in pairs_of(files[part])])
    forward = train("forward", files["train"], files["val"])
    backward = train("backward", turned["train"], turned["val"])
    pairs, diverse = pairs_of(files["train"]), base + ".diverse.tsv"
    german = translated(forward, [source for source, _ in pairs], base + ".forward.txt")
    english = translated(backward, [target for _, target in pairs], base + ".backward.txt")
    write(diverse, [f"{source}\t{target}" for source, target in pairs]
          + [f"{source}\t{target}" for (source, _), target in zip(pairs, german)]
          + [f"{source}\t{target}" for source, (_, target) in zip(english, pairs)])
    model = train("whole", diverse, files["val"])
    tokenize = "13a" if options.raw else "none"
    for part in ("val", "test_2016_flickr"):
        run([MINIGPT, "eval", "--model", model, "--pairs", files[part], "--beam", "5", "--length-penalty", "2", "--tokenize", tokenize])


def without(typed, flags):
    """Flags, a name and a value each, but for those that are typed."""
    return [word for flag in zip(flags[::2], flags[1::2]) if flag[0] not in typed for word in flag]


def pairs_of(path):
    with open(path, encoding="utf-8") as file:
        return [tuple(line.rstrip("\n").split("\t")[:2]) for line in file]


def write(path, lines):
    with open(path, "w", encoding="utf-8") as file:
        file.write("".join(line + "\n" for line in lines))


def translated(model, sentences, path):
    """What a model makes of sentences, kept in a file."""
    if not os.path.exists(path):
        command = [MINIGPT, "translate", "--model", model, "--beam", "5", "--batch-size", "32", "--quiet"]
        print("+ " + " ".join(command), flush=True)
        done = subprocess.run(command, input="\n".join(sentences) + "\n", stdout=subprocess.PIPE, encoding="utf-8", check=False)
        if done.returncode:
            sys.exit(done.returncode)
        write(path, done.stdout.splitlines())
    with open(path, encoding="utf-8") as file:
        lines = file.read().splitlines()
    if len(lines) != len(sentences):
        sys.exit(f"{path}: {len(lines)} lines for {len(sentences)} sentences; remove it")
    return lines


def run(command):
    print("+ " + " ".join(command), flush=True)
    done = subprocess.run(command)
    if done.returncode:
        sys.exit(done.returncode)


if __name__ == "__main__":
    main()
