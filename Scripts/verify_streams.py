#!/usr/bin/env python3
"""Prompts and outputs as strangers bring them: each ends with its status, in time, in at most one line of complaint.

    python3 Scripts/verify_streams.py

Prompts: empty, longer than the context, with special tokens, broken UTF-8, a megabyte, a missing file, a closed input. Outputs:
`/dev/full`, a pipe whose reader has gone, a reader that goes after ten bytes, no standard output at all, a disk that is full.
`make verify-bad-input` runs it.
"""
import os
import shutil
import subprocess
import sys
import tempfile
import time

from bench import PROGRAM

STEPS = "--layers 1 --heads 2 --steps 4 --eval-every 4 --seed 1 --quiet".split()
SMALL = [*STEPS, *"--embd 16 --context 16 --batch-size 2 --val-fraction 0.2".split()]
TEXT = b"".join(b"%d green bottles, hanging on the wall;\n" % n for n in range(400))
SECONDS = 20
failures = []


def report(name, wrong, said):
    if wrong:
        failures.append(name)
    print(("BAD " if wrong else "ok  ") + name + ": " + "; ".join(wrong + [said[:150]]), flush=True)


def end(name, process, status, words=(), data=None):
    """Waits for a process; `words` must stand in stderr's last line. Gives what it wrote to standard output, if that is a pipe of ours."""
    began = time.monotonic()
    try:
        out, err = process.communicate(data, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return report(name, [f"no end after {SECONDS} s"], "")
    said = (err or b"").decode("utf-8", "replace").rstrip("\n")
    last = said.split("\n")[-1]
    wrong = [] if process.returncode == status else [f"exit {process.returncode}, not {status}"]
    wrong += [f"says nothing of {word!r}" for word in words if word not in last]
    if "Fatal error" in said or "Stack dump" in said or any(c < " " and c not in "\n\t\r\x1b" for c in said):
        wrong.append("not one clean line")
    if said.count("minigpt: ") > 1:
        wrong.append("more than one complaint")
    report(name, wrong, f"{time.monotonic() - began:.1f} s, {last}")
    return out


def case(name, arguments, status, *words, data=b"", **more):
    streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | more
    process = subprocess.Popen([PROGRAM, *map(os.fsencode, arguments)], **streams)
    return end(name, process, status, words, data if streams["stdin"] == subprocess.PIPE else None)


def write(path, data):
    with open(path, "wb") as file:
        file.write(data)
    return path


def prompts(top, models):
    def at(name):
        return os.path.join(top, name)

    long = write(at("long.txt"), b"12 green " * 20)
    broken, vast = write(at("broken.txt"), b"12 gr\xff\xfeeen"), write(at("vast.txt"), (TEXT * 70)[:1 << 20])
    for kind in "char", "bpe", "byte":
        def sample(name, *flags, status=0, words=(), **more):
            case(f"sample, {kind}: {name}", ["sample", models[kind], "-n", "8", "--seed", "1", *flags], status, *words, **more)

        sample("an empty prompt", "--prompt", "")
        sample("an empty file", "--prompt-file", write(at("empty.txt"), b""))
        sample("longer than the context", "--prompt-file", long)
        special = "12 green <|endoftext|>"
        sample("a special token's name", "--prompt", special, status=1 if kind == "char" else 0, words=["<"] if kind == "char" else [])
        sample("broken UTF-8", "--prompt-file", broken, status=1 if kind == "char" else 0, words=["broken.txt"] if kind == "char" else [])
        sample("a megabyte", "--prompt-file", vast)
        sample("a megabyte on stdin", "--prompt-file", "-", data=TEXT * 70)
        sample("a missing file", "--prompt-file", at("none.txt"), status=1, words=["none.txt"])
        sample("a folder", "--prompt-file", top, status=1, words=[os.path.basename(top)])
        sample("stdin closed", "--prompt", "12", stdin=None, preexec_fn=lambda: os.close(0))
        sample("a prompt from stdin, which is closed", "--prompt-file", "-", status=1, stdin=None, preexec_fn=lambda: os.close(0))
        said = ["line 1"] if kind == "char" else []
        repl = ["repl", models[kind], "-n", "8", "--seed", "1"]
        case(f"repl, {kind}: nothing", repl, 0)
        case(f"repl, {kind}: empty lines", repl, 0, data=b"\n\n12 green\n")
        case(f"repl, {kind}: a line without an end", repl, 0, data=b"12 green")
        case(f"repl, {kind}: a line of a megabyte", repl, 0, data=b"12 green " * (1 << 17) + b"\n")
        case(f"repl, {kind}: stdin closed", repl, 1, stdin=None, preexec_fn=lambda: os.close(0))
        case(f"repl, {kind}: NUL, CRLF", repl, 1 if kind == "char" else 0, *said, data=b"12\0 green\r\n12\n")
        case(f"repl, {kind}: broken UTF-8", repl, 1 if kind == "char" else 0, *said, data=b"12 gr\xff\xfeeen\n12\n")
        case(f"eval, {kind}: a megabyte", ["eval", vast, "--model", models[kind]], 0)
        case(f"eval, {kind}: empty", ["eval", at("empty.txt"), "--model", models[kind]], 1, "empty.txt")
        case(f"attend, {kind}: empty", ["attend", models[kind], ""], 1, "empty")
    translate = ["translate", "--model", models["pairs"]]
    case("translate: nothing", translate, 0)
    case("translate: empty lines stay", translate, 0, data=b"\n1 green\n\n")
    case("translate: a line without an end", translate, 0, data=b"1 green")
    case("translate: broken UTF-8", translate, 0, data=b"1 gr\xff\xfeeen\n2 green\n")
    case("translate: a line of 100 kB", translate, 0, data=b"1 green " * 12800 + b"\n")
    case("translate: stdin closed", translate, 1, stdin=None, preexec_fn=lambda: os.close(0))
    case("tokenizer encode: stdin closed", ["tokenizer", "encode", "--tokenizer", models["bpe"]], 1, stdin=None,
         preexec_fn=lambda: os.close(0))
    case("tokenizer decode: no ids", ["tokenizer", "decode", "--tokenizer", models["bpe"]], 1, "word", data=b"12 word 13\n")
    case("tokenizer decode: too large", ["tokenizer", "decode", "--tokenizer", models["bpe"]], 1, "99999", data=b"12 99999\n")


def speakers(top, models):
    """Every command that writes to standard output, and what it is fed."""
    char, bpe, pairs, lines = models["char"], models["bpe"], models["pairs"], b"1 green\n"
    text = os.path.join(top, "text.txt")
    return [
        (["sample", char, "-n", "4000", "--ignore-eos", "--seed", "1"], b""),
        (["sample", char, "-n", "20", "--json", "--seed", "1", "--num-samples", "300"], b""),
        (["sample", char, "--compare", "-n", "40", "--seed", "1"], b""),
        (["repl", char, "-n", "20", "--seed", "1"], b"12 green\n" * 300),
        (["repl", char, "--commands", "--seed", "1"], b"/help\n/top\n12\n/top\n/show\n" * 50),
        (["translate", "--model", pairs, "1 green", "2 green"], b""),
        (["translate", "--model", pairs], lines * 2000),
        (["translate", "--model", pairs, "--json"], lines * 500),
        (["eval", text, "--model", char], b""),
        (["eval", text, "--model", char, "--json"], b""),
        (["eval", "--pairs", os.path.join(top, "pairs.tsv"), "--model", pairs], b""),
        (["info", char], b""), (["info", char, "--json"], b""), (["info", "--command", char], b""),
        (["tokenizer", "encode", "--tokenizer", bpe], TEXT * 20),
        (["tokenizer", "decode", "--tokenizer", bpe], b"12 13 14 " * 20000),
        (["tokenizer", "show", "--tokenizer", bpe], b""),
        (["attend", char, "12 green"], b""), (["plot", os.path.join(top, "char.log.jsonl")], b""),
        (["bench", "--only", "training", "--preset", "tiny", "--steps", "2"], b""),
        (["completions", "bash"], b""), (["--help"], b""), (["sample", "--help"], b""), (["--version"], b""),
    ]


def outputs(top, models):
    for arguments, data in speakers(top, models):
        fed = write(os.path.join(top, "fed"), data)
        shown = " ".join(os.path.basename(a) for a in arguments)

        def run(name, status, *words, **streams):
            with open(fed, "rb") as file:
                case(f"{shown}, {name}", arguments, status, *words, stdin=file, **streams)

        with open("/dev/full", "wb") as full:
            run("/dev/full", 1, "standard output", stdout=full)
        reader, writer = os.pipe()
        os.close(reader)
        run("nobody reads", 0, stdout=writer)
        os.close(writer)
        run("no standard output", 1, stdout=None, preexec_fn=lambda: os.close(1))
        with open(fed, "rb") as file:
            process = subprocess.Popen([PROGRAM, *arguments], stdin=file, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            os.read(process.stdout.fileno(), 10)
            process.stdout.close()
            process.stdout = None
            end(f"{shown}, ten bytes read", process, 0)


def descriptors(top, models):
    """A file that is opened must not become standard output or error."""
    for name, closed in [("1", [1]), ("2", [2]), ("0, 1 and 2", [0, 1, 2])]:
        out = os.path.join(top, "closed.safetensors")
        close = lambda closed=closed: [os.close(number) for number in closed]  # noqa: E731
        command = [PROGRAM, "train", os.path.join(top, "text.txt"), "--tokenizer", "char", "--out", out, "--overwrite", *SMALL]
        subprocess.run(command, preexec_fn=close, timeout=SECONDS, stderr=None if 2 in closed else subprocess.PIPE)
        case(f"train without descriptor {name}: the file is whole", ["info", out, "--verify"], 0)


def disks(top, models):
    if os.getuid() or not shutil.which("mount"):
        return print("skipped: a full disk (only the superuser may mount one)")
    disk = os.path.join(top, "disk")
    os.mkdir(disk)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk], stderr=subprocess.DEVNULL).returncode:
        return print("skipped: a full disk (mounting is not allowed here)")
    try:
        with open(os.path.join(disk, "filler"), "wb", buffering=0) as file:
            try:
                while file.write(bytes(4096)):
                    pass
            except OSError:
                pass

        def at(name):
            return os.path.join(disk, name)

        commands = [["export", models["large"], "--to", to, "--out", at("out" + ending)] for to, ending in
                    [("safetensors", ".safetensors"), ("gguf", ".gguf"), ("hf", "")]]
        commands += [["tokenizer", "train", os.path.join(top, "text.txt"), "--vocab-size", "300", "--out", at("t" + ending)]
                     for ending in (".json", ".tiktoken", "")]
        commands += [["train", os.path.join(top, "text.txt"), "--tokenizer", "char", "--out", at("m.safetensors"), *SMALL],
                     ["eval", os.path.join(top, "text.txt"), "--model", models["char"], "--logits", at("l.safetensors")],
                     ["attend", models["char"], "12 green", "--out", at("a.svg")],
                     ["plot", os.path.join(top, "char.log.jsonl"), "--out", at("p.svg")],
                     ["export", models["bpe"], "--to", "tiktoken", "--out", at("r.tiktoken")]]
        for arguments in commands:
            case("a full disk: " + " ".join(os.path.basename(a) for a in arguments[:4]), arguments, 1, os.path.basename(disk))
            left = sorted(set(os.listdir(disk)) - {"filler"})
            if left:
                report(f"a full disk: {arguments[0]} leaves nothing", [f"left: {left}"], "")
                for name in left:
                    shutil.rmtree(at(name)) if os.path.isdir(at(name)) else os.remove(at(name))
        with open(at("filler"), "rb") as file:
            case("a full disk: sample > file", ["sample", models["char"], "--ignore-eos", "-n", "90000", "--seed", "1"], 1, "standard output",
                 stdin=file, stdout=open(at("filler"), "ab"))
    finally:
        subprocess.run(["umount", disk])


def main():
    with tempfile.TemporaryDirectory() as top:
        def at(name):
            return os.path.join(top, name)

        write(at("text.txt"), TEXT)
        write(at("pairs.tsv"), b"".join(b"%d green\t%d verdes\n" % (n, n) for n in range(300)))
        models = {}
        for kind in "char", "bpe", "byte":
            models[kind] = at(kind + ".safetensors")
            case(f"a model, {kind}", ["train", at("text.txt"), "--tokenizer", kind, "--out", models[kind], *SMALL], 0)
        models["large"] = at("large.safetensors")
        case("a larger model", ["train", at("text.txt"), "--out", models["large"], *STEPS, "--embd", "128"], 0)
        models["pairs"] = at("pairs.safetensors")
        case("a translator", ["train", "--pairs", at("pairs.tsv"), "--out", models["pairs"], *STEPS, "--embd", "16"], 0)
        for part in prompts, outputs, descriptors, disks:
            part(top, models)
    print(f"{len(failures)} bad" + (": " + "; ".join(failures) if failures else ""))
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
