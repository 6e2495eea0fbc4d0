#!/usr/bin/env python3
"""Bad input, as users bring it: one clear line, exit 1 (2 where the flags alone show it), and nothing harmed.

    python3 Scripts/verify_bad_input.py

Each case is a command with what it must end in. Beside the status it is checked that stderr's last line names the file or value,
that no line is a crash of the runtime, and that the good checkpoint still has its bytes. `make verify-bad-input` runs it.
A full disk is played by a small file system in memory where mounting is allowed, and skipped elsewhere.
"""
import hashlib
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import threading

from bench import PROGRAM

SMALL = "--layers 1 --heads 2 --embd 16 --context 16 --batch-size 2 --steps 4 --eval-every 2 --val-fraction 0.2 --seed 1".split()
TEXT = b"".join(b"%d green bottles, hanging on the wall;\n" % n for n in range(200))
failures = []


def start(arguments, **more):
    return subprocess.run([PROGRAM, *map(os.fsencode, arguments)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=120, **more)


def once(arguments):
    """The arguments with the last of each repeated `--flag value` alone: the command refuses a flag given twice."""
    kept, place = [], {}
    index = 0
    while index < len(arguments):
        flag = arguments[index]
        takes = isinstance(flag, str) and flag.startswith("--") and flag in SMALL
        if takes and flag in place:
            kept[place[flag] + 1] = arguments[index + 1]
        else:
            place[flag if isinstance(flag, str) else id(flag)] = len(kept)
            kept += arguments[index:index + (2 if takes else 1)]
        index += 2 if takes else 1
    return kept


def case(name, arguments, status, *words, **more):
    """Runs the command; `words` must stand in the last line of stderr."""
    arguments = once(arguments)
    try:
        done = start(arguments, **more)
    except subprocess.TimeoutExpired:
        failures.append(name)
        print(f"BAD {name}: no end after two minutes")
        return
    said = done.stderr.decode("utf-8", "replace").rstrip("\n")
    last = said.split("\n")[-1]
    wrong = []
    if done.returncode not in (status if isinstance(status, tuple) else (status,)):
        wrong.append(f"exit {done.returncode}, not {status}")
    wrong += [f"says nothing of {word!r}" for word in words if word not in last]
    if any(c < " " and c not in "\n\t\r\x1b" for c in said) or "Fatal error" in said or "Stack dump" in said:
        wrong.append("not one clean line")
    if done.returncode != 0 and not last:
        wrong.append("silent")
    if wrong:
        failures.append(name)
    print(("BAD " if wrong else "ok  ") + name + ": " + "; ".join(wrong + [last[:180]]), flush=True)


def write(path, data):
    with open(path, "wb") as file:
        file.write(data)
    return path


def main():
    with tempfile.TemporaryDirectory() as top:
        def at(name):
            return os.path.join(top, name)

        good, text = at("good.safetensors"), write(at("good.txt"), TEXT)
        case("a good corpus", ["train", text, "--tokenizer", "char", "--out", good, *SMALL], 0)
        with open(good, "rb") as file:
            whole = file.read()
        size = 8 + struct.unpack("<Q", whole[:8])[0]

        def train(name, corpus, status, *words, out=None, flags=()):
            case(name, ["train", corpus, "--out", out or at("new.safetensors"), "--overwrite", *SMALL, *flags], status, *words)

        characters = ["--tokenizer", "char"]
        train("missing corpus", at("nowhere.txt"), 1, "nowhere.txt")
        train("empty corpus", write(at("empty.txt"), b""), 1, "empty.txt")
        train("one character", write(at("one.txt"), b"a"), 1, "one.txt", flags=characters)
        train("a folder", top, 1, os.path.basename(top))
        if os.getuid():
            os.chmod(write(at("locked.txt"), TEXT), 0)
            train("unreadable corpus", at("locked.txt"), 1, "locked.txt")
        for kind in "bpe", "char":
            train(f"broken UTF-8, {kind}", write(at("broken.txt"), TEXT + b"\xff\xfe" + TEXT), 1, "broken.txt", str(len(TEXT)),
                  flags=["--tokenizer", kind])
        train("broken UTF-8, byte", at("broken.txt"), 0, flags=["--tokenizer", "byte"])
        train("shorter than a context", write(at("short.txt"), b"to be"), 1, "short.txt", flags=characters)
        train("NUL, CRLF, BOM", write(at("odd.txt"), b"\xef\xbb\xbf" + TEXT.replace(b"\n", b"\0\r\n")), 0, flags=characters)
        train("heads that do not divide", text, 2, "heads", flags=characters + ["--heads", "3"])
        train("vocabulary of 1", text, 2, "vocab", flags=["--tokenizer", "bpe", "--vocab-size", "1"])
        for flag in "--layers", "--embd", "--context", "--batch-size", "--ffn", "--heads":
            train(f"{flag} 10^12", text, (1, 2), flag.strip("-")[:4], flags=characters + [flag, "1000000000000"])
        for flag, value in [("--lr", "nan"), ("--dropout", "1.5"), ("--steps", "-1"), ("--steps", "many"), ("--layers", "0"),
                            ("--layers", "99999999999999999999"), ("--val-fraction", "2"), ("--schedule", "sine")]:
            train(f"{flag} {value}", text, 2, flag.strip("-")[:5], flags=characters + [flag, value])
        case("unknown flag", ["train", text, "--stepz", "3"], 2, "--steps")
        case("unknown command", ["trane", text], 2, "train")
        train("folder that is not there", text, 1, "nowhere", out=at("nowhere/model.safetensors"), flags=characters)
        train("folder that cannot be written", text, 1, "proc", out="/proc/model.safetensors", flags=characters)
        train("learning rate that explodes", text, 1, "step", flags=characters + ["--lr", "1e30", "--grad-clip", "1e30", "--steps", "50"])
        case("out exists", ["train", text, "--tokenizer", "char", "--out", good, *SMALL], 1, "--resume")
        case("init, other sizes", ["train", text, "--init", good, "--out", at("tuned.safetensors"), "--layers", "2"], 1, "layers", "1", "2")
        case("init, other tokenizer", ["train", text, "--init", good, "--out", at("tuned.safetensors"), "--tokenizer", "byte"], 1, "byte")
        case("init and resume", ["train", text, "--init", good, "--out", good, "--resume"], 2, "--init")
        case("epochs and steps", ["train", text, "--epochs", "1", "--steps", "9"], 2, "--epochs")
        case("a corpus as tokenizer", ["tokenizer", "encode", "--tokenizer", text], 1, os.path.basename(text))
        case("no tokenizer", ["tokenizer", "show", "--tokenizer", at("no.json")], 1, "no.json")
        case("resume, other sizes", ["train", text, "--out", good, "--resume", "--layers", "2"], 1, "1", "2")
        case("resume, other tokenizer", ["train", text, "--out", good, "--resume", "--tokenizer", "byte"], 1, "byte")
        case("resume, other corpus", ["train", write(at("other.txt"), TEXT[::-1]), "--out", good, "--resume"], 1, "other.txt")

        bad = at("bad.safetensors")
        for name, data in [
            ("empty", b""), ("seven bytes", whole[:7]), ("header cut", whole[:size - 100]), ("data cut", whole[:-1]),
            ("one byte more", whole + b"x"), ("length 2^63", struct.pack("<Q", 1 << 63) + whole[8:]), ("text", TEXT),
            ("zeros", bytes(4096)), ("a brace", struct.pack("<Q", 1) + b"{"),
            ("foreign safetensors", struct.pack("<Q", 56) + b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}  ' + bytes(4)),
            ("deep JSON", struct.pack("<Q", 100000) + b"[" * 100000),
        ]:
            write(bad, data)
            for command in ["info", bad], ["sample", bad], ["eval", text, "--model", bad]:
                case(f"{command[0]}, {name}", command, 1, "bad.safetensors")
        for place in [9, size // 2, size - 20, size + 5, len(whole) - 5]:
            write(bad, whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1:])
            case(f"info --verify, a bit flipped at {place}", ["info", bad, "--verify"], 1, "bad.safetensors")
            case(f"resume, a bit flipped at {place}", ["train", text, "--out", bad, "--resume", "--steps", "9"], 1, "bad.safetensors")
            case(f"init, a bit flipped at {place}", ["train", text, "--init", bad, "--out", at("tuned.safetensors"), "--overwrite",
                 "--steps", "2", "--batch-size", "2"], (0, 1) if place == len(whole) - 5 else 1,
                 *([] if place == len(whole) - 5 else ["bad.safetensors"]))  # moments are not read
        # Files of users: nothing that is read or that another run left is written over.
        for name, command in [
            ("the log onto the corpus", ["train", text, "--tokenizer", "char", "--out", at("g.safetensors"), "--log", text, *SMALL]),
            ("the corpus as checkpoint", ["train", text, "--tokenizer", "char", "--out", text, "--overwrite", *SMALL]),
            ("logits onto the model", ["eval", good, text, "--logits", good]),
            ("an import onto its source", ["import", good, "--out", good, "--overwrite"]),
        ]:
            case(name, command, 1, "being read")
        case("a log that is none", ["train", text, "--tokenizer", "char", "--out", at("g.safetensors"), "--log",
             write(at("notes.txt"), b"milk\n"), "--overwrite", *SMALL], 1, "notes.txt")
        case("logits onto a file", ["eval", good, text, "--logits", at("notes.txt")], 1, "notes.txt")
        orphan = at("orphan.safetensors")
        case("a run", ["train", text, "--tokenizer", "char", "--out", orphan, *SMALL], 0)
        os.remove(orphan)
        case("the best of a run whose checkpoint is gone", ["train", text, "--tokenizer", "char", "--out", orphan, *SMALL], 1, "best")
        case("resume without it", ["train", text, "--out", orphan, "--resume"], 1, "orphan.best")
        case("a name that is too long", ["train", text, "--tokenizer", "char", "--out", at("x" * 240), *SMALL], 1, "too long")
        case("fewer steps than done", ["train", text, "--out", good, "--resume", "--steps", "2"], 1, "4 steps are done")
        for flag in ["--dropout", "0.99999999"], ["--beta2", "0.9999999999999999"]:
            case(" ".join(flag), ["train", text, "--tokenizer", "char", "--out", at("g.safetensors"), *SMALL, *flag], 2, flag[0])
        folder = at("theirs")
        os.mkdir(folder)
        write(os.path.join(folder, "config.json"), b"{}")
        write(os.path.join(folder, "app.py"), b"x")
        case("an export onto somebody's folder", ["export", good, "--to", "hf", "--out", folder, "--overwrite"], 1, "theirs")
        if sorted(os.listdir(folder)) != ["app.py", "config.json"]:
            failures.append("an export deleted somebody's files")
        for name, data, word in [
            ("a zip archive", b"PK\3\4" + bytes(60), "zip"), ("gzip", b"\x1f\x8b" + bytes(60), "gzip"),
            ("a git-lfs pointer", b"version https://git-lfs.github.com/spec/v1\n", "git-lfs"),
            ("a web page", b"<!DOCTYPE html><html></html>", "web"), ("a pickle", b"\x80\x04\x95" + bytes(60), "pickle"),
        ]:
            case(f"{name} as model", ["sample", write(at("odd.bin"), data)], 1, word)
        case("limit on addresses", ["train", text, "--tokenizer", "char", "--out", at("g.safetensors"), *SMALL], (0, 1),
             preexec_fn=lambda: __import__("resource").setrlimit(__import__("resource").RLIMIT_AS, (40 << 20, 40 << 20)))
        case("limit on files", ["train", text, "--tokenizer", "char", "--out", at("g2.safetensors"), *SMALL], (0, 1),
             preexec_fn=lambda: __import__("resource").setrlimit(__import__("resource").RLIMIT_FSIZE, (4096, 4096)))
        case("1000 threads", ["train", text, "--tokenizer", "char", "--out", at("g3.safetensors"), "--threads", "1000", *SMALL], 0)
        case("missing model", ["sample", at("no.safetensors")], 1, "no.safetensors")
        case("a folder as model", ["sample", top], 1, os.path.basename(top))
        case("no model at all", ["sample"], 1, "train", cwd=top)
        case("a character never seen", ["sample", good, "--prompt", "\u00e9"], 1, "\u00e9")
        case("terminal escapes in a name", ["sample", at("\x1b[31m.safetensors")], 1, "safetensors")

        large = write(at("large.safetensors"), b"")
        case("a larger model", ["train", text, "--tokenizer", "char", "--out", large, "--overwrite", *SMALL, "--embd", "256",
                                "--layers", "8"], 0)
        shrink = threading.Timer(0.02, lambda: os.truncate(large, 200000))
        shrink.start()
        case("truncated while it is read", ["info", large, "--verify"], (0, 1))
        shrink.join()

        if os.getuid() == 0 and shutil.which("mount"):
            disk = at("disk")
            os.mkdir(disk)
            if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", disk], stderr=subprocess.DEVNULL).returncode == 0:
                try:
                    out = os.path.join(disk, "m.safetensors")
                    shutil.copy(good, out)
                    before = open(out, "rb").read()
                    case("a full disk", ["train", text, "--tokenizer", "char", "--out", out, "--overwrite", *SMALL, "--embd", "128"],
                         1, "m.safetensors")
                    after = open(out, "rb").read()
                    left = sorted(os.listdir(disk))
                    if before != after:
                        failures.append("full disk: the old checkpoint is gone")
                    print("    the old checkpoint " + ("is whole" if before == after else "IS GONE") + f"; {left}")
                finally:
                    subprocess.run(["umount", disk])
            else:
                print("skipped: a full disk (mounting is not allowed here)")

        with open(good, "rb") as file:
            if hashlib.sha256(file.read()).digest() != hashlib.sha256(whole).digest():
                failures.append("the good checkpoint has changed")
    print(f"{len(failures)} bad" + (": " + "; ".join(failures) if failures else ""))
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
