#!/usr/bin/env python3
"""Writes Tests/Fixtures/tokenizers.json: what tokenizers and tiktoken make of texts that are hard to cut.

    pip install tiktoken tokenizers
    python Scripts/tokenizer_fixtures.py [Tests/Fixtures/tokenizers.json]

`texts` are the texts; `pieces` has, for each rule, the lengths of each text's pieces in bytes; `corpus` is a text, `merges`
what Hugging Face's trainer finds in it for 340 ids (left, right, result), `ids` what its encoder makes of it. Stops where the two peers differ. The expressions are those that `Splitter.expression` publishes.
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


def lines(values, indent):
    """A list with a line for each value, so that a change can be read."""
    return "[\n" + ",\n".join(indent + "  " + json.dumps(value) for value in values) + "\n" + indent + "]"


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
    pieces = []
    for rule, pattern in RULES.items():
        lengths = [lengths_of_tokenizers(pattern, text) for text in texts]
        for text, found in zip(texts, lengths):
            if found != lengths_of_tiktoken(pattern, text):
                sys.exit(f"{rule}: tokenizers and tiktoken cut {text!r} differently")
        pieces.append(f'    "{rule}": ' + lines(lengths, "    "))
    path = sys.argv[1] if len(sys.argv) > 1 else "Tests/Fixtures/tokenizers.json"
    with open(path, "w", encoding="ascii", newline="\n") as out:
        out.write('{\n  "texts": ' + lines(texts, "  ") + ',\n  "pieces": {\n' + ",\n".join(pieces) + "\n  },\n")
        out.write(f'  "corpus": {json.dumps(corpus)},\n  "merges": {json.dumps(merges)},\n  "ids": {json.dumps(ids)}\n}}\n')


if __name__ == "__main__":
    main()
