#!/usr/bin/env python3
"""Photographs what plot and attend draw, light and dark, in headless Chromium; `make pictures` runs it.

    python3 Scripts/pictures.py PROGRAM [FOLDER]

Trains a tiny model, draws its curve and its attention (a sentence with everything that could break a file, 500 letters, a
page of HTML), takes screenshots into FOLDER (pictures/) for a person to look at, and says which were empty. Without
Chromium (on Debian: apt-get install chromium; elsewhere: CHROMIUM=path) the files are drawn all the same: open them in
any browser.
"""
import os
import shutil
import subprocess
import sys
import tempfile

WORDS = "a <b> & \"q\" 'x' \U0001F600 \u05E9\u05DC\u05D5\u05DD \u0645\u0631\u062D\u0628\u0627 \u6F22\u5B57 \u202Eend"


def draw(program, folder, pictures):
    """The files, by name."""
    corpus = os.path.join(folder, "verses.txt")
    with open(corpus, "w", encoding="utf-8") as file:
        for i in range(2000):
            file.write(f"{i % 7} birds & {i % 5} <cats> sat on the wall, {'and sang' if i % 3 else WORDS};\n")
    model = os.path.join(folder, "verses.safetensors")

    def run(*arguments):
        subprocess.run([program, *arguments, "--quiet"] if arguments[0] != "plot" else [program, *arguments], check=True)

    for name, positions in [("verses", "learned"), ("verses <&> 2", "none")]:
        run("train", corpus, "--tokenizer", "byte", "--layers", "2", "--heads", "2", "--embd", "32", "--context", "512", "--batch-size", "2",
            "--steps", "80", "--eval-every", "20", "--log-every", "2", "--positions", positions, "--seed", "1", "--out",
            os.path.join(folder, name + ".safetensors"))
    files = {name: os.path.join(pictures, name) for name in ["curves.svg", "attention.svg", "attention.html", "long.svg"]}
    logs = [os.path.join(folder, name + ".log.jsonl") for name in ["verses", "verses <&> 2"]]
    run("plot", *logs, "--out", files["curves.svg"])
    run("attend", model, WORDS, "--out", files["attention.svg"])
    run("attend", model, "3 birds & 2 <cats> sat", "--out", files["attention.html"])
    run("attend", model, ("on the wall, and sang; " * 22)[:500], "--out", files["long.svg"])
    return files


def photograph(browser, path, dark):
    """Takes a picture of a file beside it and gives its size."""
    shot = path + (".dark.png" if dark else ".png")
    theme = ["--blink-settings=preferredColorScheme=0"] if dark else []
    subprocess.run([browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--window-size=1250,900", *theme,
                    "--screenshot=" + shot, "file://" + os.path.abspath(path)],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=120)
    return shot, os.path.getsize(shot)


def main():
    program, pictures = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "pictures"
    os.makedirs(pictures, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        files = draw(os.path.abspath(program), folder, pictures)
    browser = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if not browser:
        sys.exit(f"the files are in {pictures}; for screenshots install chromium (Debian: apt-get install chromium)")
    empty = []
    for path in files.values():
        for dark in [False, True]:
            shot, size = photograph(browser, path, dark)
            print(f"{shot}: {size:,} bytes")
            if size < 10_000:
                empty.append(shot)
    sys.exit(f"nothing to see: {', '.join(empty)}" if empty else 0)


if __name__ == "__main__":
    main()
