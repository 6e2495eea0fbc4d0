#!/usr/bin/env python3
"""Writes Tests/TokenizationTests/PeerFixtures.swift: what tokenizers and tiktoken make of texts that are hard to cut.

    pip install tiktoken tokenizers
    python Scripts/tokenizer_fixtures.py Tests/TokenizationTests/PeerFixtures.swift

Stops where the two peers differ. The expressions are those that `Splitter.expression` publishes.
"""
import json
import random
import sys

import tiktoken
from tokenizers import Regex, Tokenizer, models, pre_tokenizers, trainers

CONTRACTION = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
RULES = {
    "gpt2": r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
    "cl100k": CONTRACTION + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    "o200k": r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+" + CONTRACTION + "?"
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*" + CONTRACTION + "?"
    r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    "spaces": r" ?\S+|\s+(?!\S)|\s+",
}
PARTS = (
    ["'", "'s", "'S", "'re", "'LL", "'ve", "'d", "'\u017f", "a", "b", "Z", "\u01c5", "\u02b0", "\u4e2d", "\u0301", "\u0903",
     "\u00e9", "\u00df", "1", "22", "\u0663", "\u2167", "\u00bd", " ", "  ", "\t", "\n", "\r\n", "\u00a0", "\u3000", "\u2028",
     "\u200b", "\u200d", "/", "//", ".", "!?", "\U0001f469\u200d\U0001f680", "\U0001d400", "\u0000", "\u05d0", "\u0639",
     "\U00010400", "\U00010428", "don't", "THEY'VE", " x", "CamelCase", "\u0085", "\ufeff", "\u0e01\u0e33"]
)
WORDS = ("the then there these other bother mother thing sing singing ring König Königin über çà là été "
         "мама мыла раму 中文 中文字 dog dogs don't they've 12 123 1234 aaaa aaaaaaa abcabcabc ... --- (x) \n \n\n").split(" ")


def lengths_of_tiktoken(pattern, text):
    """Every piece a token: of the distinct pieces, and of all bytes."""
    pieces = {piece.encode() for piece, _ in pre_tokenizers.Split(Regex(pattern), "isolated").pre_tokenize_str(text)}
    ranks = {bytes([i]): i for i in range(256)}
    for piece in sorted(pieces):
        ranks.setdefault(piece, len(ranks))
    encoding = tiktoken.Encoding(name="x", pat_str=pattern, special_tokens={}, mergeable_ranks=ranks)
    return [len(token) for token in encoding.decode_tokens_bytes(encoding.encode_ordinary(text))]


def lengths_of_tokenizers(pattern, text):
    split = pre_tokenizers.Split(Regex(pattern), "isolated")
    return [len(piece.encode()) for piece, _ in split.pre_tokenize_str(text)]


def hexadecimal(text):
    return text.encode().hex()


def main():
    chance = random.Random(20)
    texts = ["".join(chance.choice(PARTS) for _ in range(chance.randint(1, 9))) for _ in range(160)]
    corpus = " ".join(chance.choice(WORDS) for _ in range(700))
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator([corpus], trainer=trainers.BpeTrainer(
        vocab_size=340, show_progress=False, initial_alphabet=alphabet))
    model = json.loads(tokenizer.to_str())["model"]
    merges = [[model["vocab"][a], model["vocab"][b], model["vocab"][a + b]] for a, b in model["merges"]]
    ids = tokenizer.encode(corpus).ids
    with open(sys.argv[1], "w", encoding="utf-8") as out:
        out.write("// Written by Scripts/tokenizer_fixtures.py: do not edit.\n\n// swift-format-ignore-file\n\n")
        out.write("/// What tokenizers and tiktoken made of these texts, which stand in hexadecimal.\n")
        out.write("enum PeerFixtures {\n  static let texts = [\n")
        for text in texts:
            out.write(f'    "{hexadecimal(text)}",\n')
        out.write("  ]\n\n  /// The lengths of the pieces of each text, in bytes.\n  static let pieces: [String: [[Int]]] = [\n")
        for rule, pattern in RULES.items():
            out.write(f'    "{rule}": [\n')
            for text in texts:
                lengths = lengths_of_tokenizers(pattern, text)
                if lengths != lengths_of_tiktoken(pattern, text):
                    sys.exit(f"{rule}: tokenizers and tiktoken cut {text!r} differently")
                out.write(f"      {lengths},\n")
            out.write("    ],\n")
        out.write("  ]\n\n  /// A text, the merges that Hugging Face's trainer finds in it for 340 ids, and its ids.\n")
        out.write(f'  static let corpus = "{hexadecimal(corpus)}"\n\n')
        out.write(f"  static let merges: [[Int32]] = {merges}\n\n  static let ids: [Int32] = {ids}\n}}\n")


if __name__ == "__main__":
    main()
