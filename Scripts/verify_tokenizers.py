#!/usr/bin/env python3
"""Are our merges and ids those of tokenizers and tiktoken?

    pip install tiktoken tokenizers
    python Scripts/verify_tokenizers.py TEXT... [--program .build/release/minigpt] [--vocab 512 4096 16384]
        [--rules gpt2 cl100k o200k spaces] [--strings 100000]

For every text, rule and size: the merges of `minigpt tokenizer train` against Hugging Face's trainer, which is given
the text as a whole; then, with the largest vocabulary of each rule, the ids of `minigpt tokenizer encode` against both
peers, on the texts, on every Unicode scalar alone and in context, and on random strings built to hurt. The last line
says how many comparisons failed. A text of many languages is composed here and always takes part.
"""
import argparse
import json
import os
import random
import subprocess
import sys
import tempfile

import tiktoken
from tokenizers import Regex, Tokenizer, models, pre_tokenizers, trainers
from tokenizer_fixtures import PARTS, RULES

END = "<|endoftext|>"
BLOCKS = [(0x61, 0x7A), (0xE0, 0xF6), (0x3B1, 0x3C9), (0x430, 0x44F), (0x5D0, 0x5EA), (0x627, 0x64A), (0x905, 0x939),
          (0xE01, 0xE2E), (0x3042, 0x3093), (0x4E00, 0x4FFF), (0xAC00, 0xAFFF), (0x1F600, 0x1F64F)]


def many_languages():
    """Words of each block drawn from a small stock, as in a language: frequent ones far more often than rare ones."""
    chance = random.Random(3)
    stocks = []
    for first, last in BLOCKS:
        words = ["".join(chr(chance.randint(first, last)) for _ in range(chance.randint(1, 7))) for _ in range(400)]
        stocks.append([word.capitalize() if chance.random() < 0.1 else word for word in words])
    lines = []
    for _ in range(12000):
        stock = chance.choice(stocks)
        words = [stock[min(int(chance.paretovariate(0.8)) - 1, 399)] for _ in range(chance.randint(2, 14))]
        lines.append(" ".join(words) + chance.choice([".", "!", "?", "…", "。", " 12", " 3.14", "'s", ""]))
    return "\n".join(lines)


def program(arguments, text=b""):
    done = subprocess.run([options.program, "tokenizer", *arguments], input=text, capture_output=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(arguments)}: {done.stderr.decode()}")
    return done.stdout


def hugging_face(rule, text, size):
    tokenizer = Tokenizer(models.BPE())
    if rule == "gpt2":
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    else:
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
            pre_tokenizers.Split(Regex(RULES[rule]), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.train_from_iterator([text], trainer=trainers.BpeTrainer(
        vocab_size=size - 1, show_progress=False, initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    return tokenizer


def byte_symbols():
    visible = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    hidden = [byte for byte in range(256) if byte not in visible]
    return {chr(byte): byte for byte in visible} | {chr(0x100 + place): byte for place, byte in enumerate(hidden)}


def hard_strings(count):
    chance = random.Random(7)
    ranges = [(0x20, 0x250), (0x250, 0xD800), (0xE000, 0x11000), (0x11000, 0x20000)]
    for _ in range(count):
        yield "".join(
            chance.choice(PARTS) if chance.random() < 0.8 else chr(chance.randrange(*chance.choice(ranges)))
            for _ in range(chance.randint(1, 16)))


def every_scalar():
    for value in range(0x110000):
        if not 0xD800 <= value < 0xE000:
            sign = chr(value)
            yield sign
            yield f"a{sign}B '{sign}s 1{sign} {sign}"


def our_ids(path, texts):
    """All texts in one run, with the special token between them."""
    out = program(["encode", "--tokenizer", path, "--allow-special"], END.join(texts).encode())
    end = len(json.load(open(path, encoding="utf-8"))["model"]["vocab"]) - 1
    ids = [[]]
    for word in out.split():
        if int(word) == end:
            ids.append([])
        else:
            ids[-1].append(int(word))
    return ids


def same(name, ours, theirs, texts):
    differing = [place for place in range(len(texts)) if ours[place] != theirs[place]]
    print(f"  {name}: {len(texts):,} texts, {len(differing):,} differ", flush=True)
    for place in differing[:3]:
        print(f"    {texts[place][:60]!r}: ours {ours[place][:12]}, theirs {theirs[place][:12]}")
    return len(differing)


def main():
    failures = 0
    folder = tempfile.mkdtemp()
    composed = os.path.join(folder, "many-languages.txt")
    with open(composed, "w", encoding="utf-8", newline="") as out:
        out.write(many_languages())
    paths = [*options.texts, composed]
    corpora = [open(path, encoding="utf-8", newline="").read() for path in paths]
    symbols = byte_symbols()
    for rule in options.rules:
        for path, text in zip(paths, corpora):
            for size in options.vocab:
                ours = os.path.join(folder, f"{rule}.json")
                program(["train", path, "--vocab-size", str(size), "--split", rule, "--out", ours, "--overwrite"])
                peer = hugging_face(rule, text, size)
                theirs = [tuple(pair) for pair in json.loads(peer.to_str())["model"]["merges"]]
                found = [tuple(merge.split(" ")) for merge in json.load(open(ours, encoding="utf-8"))["model"]["merges"]]
                first = next((place for place, pair in enumerate(zip(found, theirs)) if pair[0] != pair[1]), None)
                verdict = "equal" if found == theirs else f"DIFFER from merge {first} on: {len(found)}, {len(theirs)}"
                print(f"{rule}, {os.path.basename(path)}, {size}: {len(found)} merges, {verdict}", flush=True)
                failures += found != theirs
        texts = [t for t in [*corpora, *every_scalar(), *hard_strings(options.strings)] if END not in t]
        ids = our_ids(ours, texts)
        if len(ids) != len(texts):
            sys.exit(f"{len(ids)} texts came back instead of {len(texts)}")
        vocabulary = {k: v for k, v in json.load(open(ours, encoding="utf-8"))["model"]["vocab"].items() if k != END}
        loaded = Tokenizer.from_file(ours)
        failures += same("tokenizers", ids, [coding.ids for coding in loaded.encode_batch(texts)], texts)
        ranks = {bytes(symbols[sign] for sign in token): rank for token, rank in vocabulary.items()}
        encoding = tiktoken.Encoding(name=rule, pat_str=RULES[rule], special_tokens={}, mergeable_ranks=ranks)
        failures += same("tiktoken", ids, encoding.encode_ordinary_batch(texts, num_threads=2), texts)
    print(f"{failures} comparisons failed")
    sys.exit(failures > 0)


parser = argparse.ArgumentParser()
parser.add_argument("texts", nargs="+")
parser.add_argument("--program", default=".build/release/minigpt")
parser.add_argument("--vocab", type=int, nargs="+", default=[512, 4096, 16384])
parser.add_argument("--rules", nargs="+", default=list(RULES), choices=list(RULES))
parser.add_argument("--strings", type=int, default=100_000)

if __name__ == "__main__":
    options = parser.parse_args()
    main()
