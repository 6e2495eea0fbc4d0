#!/usr/bin/env python3
"""Counts how many items of the lecture the program shows, by the rows of Docs/Lecture.md; `make lecture` runs it.

    python3 Scripts/lecture.py [LOG]

Every row has a number, a mark (T test, D command, P paragraph, R row) and what shows it. A test named there must exist,
and have passed where LOG holds the output of the tests; a command must have its output on the page. Else it exits 1.
"""
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
COUNT = 106


def tests():
    """The names of all tests, as Suite.function."""
    found = set()
    for folder, _, files in os.walk(os.path.join(ROOT, "Tests")):
        for name in files:
            if name.endswith(".swift"):
                text = open(os.path.join(folder, name), encoding="utf-8").read()
                for suite in re.findall(r"(?:struct|class) (\w+Tests)\b", text):
                    found |= {f"{suite}.{test}" for test in re.findall(r"func (\w+)\(", text)}
    return found


def outputs(page):
    """The names of the sections that paste what a command said."""
    found = set()
    for section in re.split(r"\n### ", page)[1:]:
        title = section.split("\n")[0]
        if re.search(r"```\n\$ .+\n.+", section):
            found.add(re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-"))
    return found


def main():
    page = open(os.path.join(ROOT, "Docs", "Lecture.md"), encoding="utf-8").read()
    rows = re.findall(r"^\| (\d+) \| ([TDPR–, ]+) \| (.*) \| (.*) \|$", page, re.M)
    numbers = [int(number) for number, _, _, _ in rows]
    wrong = []
    if numbers != list(range(1, COUNT + 1)):
        wrong.append(f"the rows are not 1 to {COUNT} in order: {sorted(set(range(1, COUNT + 1)) ^ set(numbers))}")
    known, pasted = tests(), outputs(page)
    log = open(sys.argv[1], encoding="utf-8", errors="replace").read() if len(sys.argv) > 1 else None
    shown = demanded = demandedShown = said = 0
    for number, mark, _, how in rows:
        named = re.findall(r"`(\w+Tests)\.(\w+)`", how)
        links = re.findall(r"\]\(#([\w-]+)\)", how)
        for suite, test in named:
            if f"{suite}.{test}" not in known:
                wrong.append(f"{number}: there is no test {suite}.{test}")
            elif log and suite.startswith("Lecture") and not re.search(rf"Test {test}\(.*\) (?:with \d+ test cases? )?passed", log):
                wrong.append(f"{number}: {suite}.{test} did not pass")
        for link in links:
            if link not in pasted:
                wrong.append(f"{number}: no section {link} with the output of a command")
        isShown = bool(named or links)
        shown += isShown
        said += not isShown and not how.startswith("not here")
        if "T" in mark or "D" in mark:
            demanded += 1
            demandedShown += isShown
    for line in wrong:
        print(line)
    print(f"{shown} of {COUNT} items shown by a test or a command, {demandedShown} of the {demanded} that deserve one; "
          f"{said} more in words")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
