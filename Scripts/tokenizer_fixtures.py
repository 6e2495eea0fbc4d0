#!/usr/bin/env python3
"""Writes Tests/Fixtures/tokenizers.json: what tokenizers and tiktoken make of texts that are hard to cut.

    pip install tiktoken tokenizers
    python Scripts/tokenizer_fixtures.py [Tests/Fixtures/tokenizers.json]

`texts` are the texts; `pieces` has, for each rule, the lengths of each text's pieces in bytes; `corpus` is a text, `merges`
what Hugging Face's trainer finds in it for 340 ids (left, right, result), `ids` what its encoder makes of it. `forms` are small vocabularies as today's models have them: `file` is the tokenizer.json,
`ids` what tokenizers makes of the texts of `hurting`, in which it finds all added tokens. Stops where the two peers differ. The expressions are those that
`Splitter.expression` publishes; that of `smollm` is also compared with the two steps that the model's own file has.
"""
import json
import random
import sys

import tiktoken
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

CONTRACTION = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
RULES = {
    "gpt2": r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
    "cl100k": CONTRACTION + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    "o200k": r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+" + CONTRACTION + "?"
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*" + CONTRACTION + "?"
    r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    "qwen2": CONTRACTION + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    "smollm": r"'s|'t|'re|'ve|'m|'ll|'d|\p{N}| ?\p{L}+| ?[^\s\p{L}\p{N}]+|\s+(?![^\s\p{N}])|\s+",
    "spaces": r" ?\S+|\s+(?!\S)|\s+",
}
PARTS = (
    ["'", "'s", "'S", "'re", "'LL", "'ve", "'d", "'\u017f", "a", "b", "Z", "\u01c5", "\u02b0", "\u4e2d", "\u0301", "\u0903",
     "\u00e9", "\u00df", "1", "22", "\u0663", "\u2167", "\u00bd", " ", "  ", "\t", "\n", "\r\n", "\u00a0", "\u3000", "\u2028",
     "\u200b", "\u200d", "/", "//", ".", "!?", "\U0001f469\u200d\U0001f680", "\U0001d400", "\u0000", "\u05d0", "\u0639",
     "\U00010400", "\U00010428", "don't", "THEY'VE", " x", "CamelCase", "\u0085", "\ufeff", "\u0e01\u0e33"]
)
# What NFC composes, moves or takes apart, and names of tokens among it.
COMPOSED = ["e\u0301", "a\u0323\u0302", "a\u0302\u0323", "\u1e69", "s\u0307\u0323", "\u212b", "\u2126", "\u0958 x", "\u0958\n\n", "\u0928\u093c",
            "\u1100\u1161\u11a8", "\uac00\u11a8", "\ufb1d", "\uf900", "\u0301", "\u05d0\u05bc\u05b8", "\u0e01\u0e33\u0e48", ">\u0338", "caf\u00e9",
            "\u0344", "x\u0327\u0301", "\u0f73", "\U0001d15e", "\u0b47\u0b3e", "<think>", "</think>", "<|end|>", "<think", "  ", " 3", "12 "]
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


def lengths_of_steps(text):
    """SmolLM's two steps; a character of ByteLevel is a byte."""
    steps = pre_tokenizers.Sequence([pre_tokenizers.Digits(True), pre_tokenizers.ByteLevel(add_prefix_space=False)])
    return [len(piece) for piece, _ in steps.pre_tokenize_str(text)]


def form(name, corpus, texts):
    """A small vocabulary in the form of Llama 3, Qwen3 or SmolLM, and the ids of texts."""
    level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer = Tokenizer(models.BPE(ignore_merges=name == "llama3"))
    if name == "smollm":
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(True), pre_tokenizers.ByteLevel(add_prefix_space=False)])
    else:
        rule = Regex(RULES["qwen2" if name == "qwen3" else "cl100k"])
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(rule, "isolated"), level])
    if name == "qwen3":
        tokenizer.normalizer = normalizers.NFC()
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator([corpus, " ".join(texts)], trainer=trainers.BpeTrainer(
        vocab_size=300, show_progress=False, initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    if name == "llama3":
        # A token that no merges give: it is found as a whole piece alone.
        file = json.loads(tokenizer.to_str())
        file["model"]["vocab"]["there"] = tokenizer.get_vocab_size()
        tokenizer = Tokenizer.from_str(json.dumps(file))
    tokenizer.add_special_tokens(["<|end|>"])
    if name == "llama3":
        tokenizer.add_special_tokens(["<|begin|>"])
        tokenizer.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=False), processors.TemplateProcessing(
            single="<|begin|> $A", special_tokens=[("<|begin|>", tokenizer.token_to_id("<|begin|>"))])])
    if name == "qwen3":
        tokenizer.add_tokens([AddedToken(it, normalized=False, special=False) for it in ["<think>", "</think>", "  "]])
    file = tokenizer.to_str()
    return {"name": name, "file": file, "ids": [tokenizer.encode(text, add_special_tokens=False).ids for text in texts]}


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
            if rule == "smollm" and found != lengths_of_steps(text):
                sys.exit(f"{rule}: the expression and the steps cut {text!r} differently")
        pieces.append(f'    "{rule}": ' + lines(lengths, "    "))
    hurting = ["".join(chance.choice(PARTS + COMPOSED * 2) for _ in range(chance.randint(2, 12))) for _ in range(40)]
    hurting += ["there there 123 4567", "a  12\r\n\r\n 3  b", *COMPOSED[:20]]
    forms = [form(name, corpus, hurting) for name in ["llama3", "qwen3", "smollm"]]
    path = sys.argv[1] if len(sys.argv) > 1 else "Tests/Fixtures/tokenizers.json"
    with open(path, "w", encoding="ascii", newline="\n") as out:
        out.write('{\n  "texts": ' + lines(texts, "  ") + ',\n  "pieces": {\n' + ",\n".join(pieces) + "\n  },\n")
        out.write(f'  "corpus": {json.dumps(corpus)},\n  "merges": {json.dumps(merges)},\n  "ids": {json.dumps(ids)},\n')
        out.write('  "hurting": ' + lines(hurting, "  ") + ',\n  "forms": ' + lines(forms, "  ") + "\n}\n")


if __name__ == "__main__":
    main()
