#!/usr/bin/env python3
"""Lists of numbers and the same in order, as sentence pairs: can a translator learn to sort?

    python3 Scripts/make_sorting.py FILE [LINES]

`7 3 10 TAB 3 7 10`: three to eight numbers from 0 to 20, no list twice. 10 comes behind 4, although 1 comes before it.
"""
import random
import sys

draw, seen = random.Random(1), set()
with open(sys.argv[1], "w", encoding="ascii") as file:
    while len(seen) < int(sys.argv[2] if len(sys.argv) > 2 else 20000):
        numbers = tuple(draw.randint(0, 20) for _ in range(draw.randint(3, 8)))
        if numbers not in seen:
            seen.add(numbers)
            file.write(" ".join(map(str, numbers)) + "\t" + " ".join(map(str, sorted(numbers))) + "\n")
