#!/usr/bin/env python3
"""Writes Sources/Tokenization/UnicodeClassTable.swift: the Unicode classes that the splitting rules name, and what NFC touches.

    pip install tiktoken tokenizers
    python Scripts/unicode_classes.py Sources/Tokenization/UnicodeClassTable.swift

The classes are asked of the regular-expression engines of tiktoken and tokenizers themselves, scalar by scalar; the
script stops if the two differ, or if the counts are not those of Unicode 16.0. What NFC touches is asked of tokenizers
alone, whose ids are to be met: its table is that of an older Unicode. It takes half a minute.
"""
import sys

import tiktoken
from tokenizers import Regex, normalizers, pre_tokenizers

CLASSES = [  # bit, expression, how many in Unicode 16.0
    (1, r"[\p{Lu}\p{Lt}]", 1889),
    (2, r"\p{Ll}", 2258),
    (4, r"[\p{Lm}\p{Lo}]", 136881),
    (8, r"\p{M}", 2501),
    (16, r"\p{N}", 1911),
    (32, r"\s", 25),
]
UNSETTLED = 64
SCALARS = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]


def of_tiktoken(pattern):
    ranks = {bytes([i]): i for i in range(256)}
    encoding = tiktoken.Encoding(name="classes", pat_str=pattern, special_tokens={}, mergeable_ranks=ranks)
    return {c for c in SCALARS if encoding.encode_ordinary(chr(c))}


def of_tokenizers(pattern):
    split = pre_tokenizers.Split(Regex(pattern), "removed")
    return {c for c in SCALARS if not split.pre_tokenize_str(chr(c))}


def unsettled():
    """What NFC changes, what it moves behind or before other marks, and what it composes with the character before."""
    compose, decompose = normalizers.NFC().normalize_str, normalizers.NFD().normalize_str
    low, high = "\u0334", "\u0316"  # marks of the classes 1 and 220 that compose with nothing
    members = set()
    for c in SCALARS:
        text = chr(c)
        if any(compose(it) != it for it in [text, "a" + text + low, high + text]):
            members.add(c)
        elif decompose(text) != text:
            members.add(ord(decompose(text)[-1]))
    return members


def main():
    classes = [0] * 0x110000
    for bit, pattern, count in CLASSES:
        members = of_tiktoken(pattern)
        if members != of_tokenizers(pattern):
            sys.exit(f"{pattern}: tiktoken and tokenizers differ")
        if len(members) != count:
            sys.exit(f"{pattern}: {len(members)} scalars instead of {count}: another version of Unicode")
        for c in members:
            classes[c] |= bit
    for c in unsettled():
        if c < 0x300:
            sys.exit(f"U+{c:04X} is below what Composition.swift looks at")
        classes[c] |= UNSETTLED
    runs = [(0, classes[0])]
    for c in range(1, 0x110000):
        if classes[c] != runs[-1][1]:
            runs.append((c, classes[c]))
    words = [f"0x{start << 8 | bits:X}" for start, bits in runs]
    lines, line = [], "   "
    for word in words:
        if len(line) + len(word) + 2 > 118:
            lines.append(line)
            line = "   "
        line += f" {word},"
    lines.append(line)
    with open(sys.argv[1], "w", encoding="utf-8") as out:
        out.write("// Written by Scripts/unicode_classes.py: do not edit.\n\n")
        out.write("// swift-format-ignore-file\n\n")
        out.write("extension UnicodeClasses {\n")
        out.write("  /// Where runs of equal classes begin: first scalar << 8 | class bits. Unicode 16.0.\n")
        out.write("  static let runs: [UInt32] = [\n")
        out.write("\n".join(lines))
        out.write("\n  ]\n}\n")


if __name__ == "__main__":
    main()
