#!/usr/bin/env python3
"""Counts the lines of code in Sources, room by room, and what stands there twice.

    python3 Scripts/count_lines.py [DIR] [--against DIR] [--twice]

Blank lines and comments do not count, in Swift and in C. Twice is a pair of files with a run of six or more like lines,
white space, imports and lone punctuation aside. `--twice` lists the longest run of each pair, `--against` sets another
checkout beside this one.
"""
import argparse
import os
import re
import sys
from collections import defaultdict

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
RUN = 6
COMMON = 8  # what stands in more places is the language, not a copy
IMPORT = re.compile(r"(@\w+ )?(\w+ )?import |#include")
TOKEN = re.compile(r'"(?:\\.|[^"\\])*"|//.*|/\*|\*/')


def code(path):
    """The number and the text of each line of code, comments taken out and white space folded."""
    block = text = False
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if text or line.count('"""') == 1:
                text ^= line.count('"""') == 1
                kept = line
            else:
                kept, start = "", 0
                for found in TOKEN.finditer(line):
                    token = found.group()
                    if block:
                        block, start = token != "*/", found.end()
                    elif token.startswith("//") or token == "/*":
                        kept += line[start:found.start()]
                        block, start = token == "/*", len(line) if token != "/*" else found.end()
                kept += "" if block else line[start:]
            if kept := " ".join(kept.split()):
                yield number, kept


def sources(root):
    """The lines of code of each file of Sources."""
    found = {}
    for folder, _, names in os.walk(os.path.join(root, "Sources")):
        for name in names:
            if name.endswith((".swift", ".c", ".h")):
                path = os.path.join(folder, name)
                found[os.path.relpath(path, os.path.join(root, "Sources"))] = list(code(path))
    return dict(sorted(found.items()))


def pairs(files):
    """The longest run that two files share, for each two that share one: (length, file, line, file, line)."""
    said = {path: [(number, line) for number, line in lines if re.search(r"\w", line) and not IMPORT.match(line)]
            for path, lines in files.items()}
    places = defaultdict(list)
    for path, lines in said.items():
        for at in range(len(lines) - RUN + 1):
            places[tuple(line for _, line in lines[at:at + RUN])].append((path, at))
    found = {}
    for run in places.values():
        for index, (one, at) in enumerate(run if len(run) <= COMMON else []):
            for other, there in run[index + 1:]:
                a, b, length = said[one], said[other], RUN
                while at + length < len(a) and there + length < len(b) and a[at + length][1] == b[there + length][1]:
                    length += 1
                if one != other and length > found.get((one, other), (0,))[0]:
                    found[one, other] = (length, one, a[at][0], other, b[there][0])
    return sorted(found.values(), reverse=True)


def main():
    options = argparse.ArgumentParser(description="Counts lines of code, and what stands there twice.")
    options.add_argument("root", nargs="?", default=ROOT)
    options.add_argument("--against", metavar="DIR")
    options.add_argument("--twice", action="store_true")
    options = options.parse_args()
    columns = [sources(root) for root in [options.root, options.against] if root]
    rooms = [defaultdict(int) for _ in columns]
    for room, files in zip(rooms, columns):
        for path, lines in files.items():
            room[path.split(os.sep)[0]] += len(lines)
    print(f"{'':24}{'lines':>8}" + (f"{'against':>10}{'change':>10}" if options.against else ""))

    def row(name, values):
        print(f"{name:24}{values[0]:8,}" + (f"{values[1]:10,}{values[0] - values[1]:+10,}" if len(values) > 1 else ""))

    for name in sorted(set().union(*rooms)):
        row(name, [room[name] for room in rooms])
    row("all", [sum(room.values()) for room in rooms])
    row("files", [len(files) for files in columns])
    twice = [pairs(files) for files in columns]
    row("twice", [len(found) for found in twice])
    if options.twice:
        for length, one, at, other, there in twice[0]:
            print(f"{length:3} lines: {one}:{at} ~ {other}:{there}")


if __name__ == "__main__":
    main()
