#!/usr/bin/env python3
"""Do two builds train the same bits? Ten small trainings by an old program and a new one, on every instruction set.

    python3 Scripts/same_bits.py OLD [NEW] [--only NAME] [--isa avx2]

For each of them, in fp32 and in bf16:
- checkpoint, best, average and step files are the same to the byte;
- a run that the old program began and the new one resumed ends in the same files;
- greedy texts and translations of the old file are the same, in every type of weights.

`make same-bits OLD=program` runs it with `.build/release/minigpt` as the new one.
"""
import argparse
import concurrent.futures
import os
import re
import signal
import subprocess
import sys
import tempfile

from bench import PROGRAM, ROOT

BOTH = "--steps 24 --eval-every 6 --save-every 6 --warmup 5 --seed 7 --log-every 1000 "
SMALL = "--layers 2 --heads 2 --embd 24 --context 20 --batch-size 3 --lr 3e-3 --val-fraction 0.03 " + BOTH
PAIRS = "--layers 2 --heads 2 --embd 24 --ffn 40 --context 64 --batch-tokens 200 --tokenizer bpe --vocab-size 300 --val-fraction 0.05 " + BOTH
TRAININGS = {
    "char, pre, dropout": "--tokenizer char --dropout 0.1 " + SMALL,
    "byte, post, sines, ReLU": "--tokenizer byte --norm post --positions sinusoidal --activation relu --dropout 0 " + SMALL,
    "bpe, no positions, average": "--tokenizer bpe --vocab-size 300 --positions none --average 2 --dropout 0.2 " + SMALL,
    "accumulation, smoothing": "--tokenizer char --grad-accum 3 --label-smoothing 0.1 --schedule inverse-sqrt --dropout 0.1 " + SMALL,
    "chunks": "--tokenizer char --dropout 0.1 " + SMALL.replace("-size 3", "-size 206").replace("--steps 24", "--steps 12"),
    "recompute, lines": "--tokenizer char --lines --recompute --norm post --schedule linear --dropout 0.1 " + SMALL,
    "translator": "--dropout 0.1 --average 2 " + PAIRS,
    "translator, pre, learned": "--norm pre --positions learned --grad-accum 2 --best-by bleu --average 2 --dropout 0 " + PAIRS,
    "translator, no positions": "--positions none --activation gelu --label-smoothing 0 --dropout 0.2 " + PAIRS,
    "translator, recompute": "--norm pre --recompute --grad-accum 2 --dropout 0.1 " + PAIRS,
}
SENTENCES = ["this cat is very large", "the animal didn't cross the street because it was too tired"]


class Failed(Exception):
    """A program ended with an error; its last line."""


def run(isa, *command):
    done = subprocess.run(command, env=dict(os.environ, MINIGPT_ISA=isa), stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode:
        raise Failed(done.stderr.decode("utf-8", "replace").strip().split("\n")[-1])
    return done.stdout


def training(program, name, texts, folder, precision, threads):
    source = ["--pairs", texts["pairs"]] if name.startswith("translator") else [texts["text"]]
    return [program, "train", *source, "--out", os.path.join(folder, "m.safetensors"), "--precision", precision,
            "--threads", str(threads), *TRAININGS[name].split()]


def begin(isa, command):
    """Trains until the first evaluation is told, and stops the run by a signal."""
    process = subprocess.Popen(command, env=dict(os.environ, MINIGPT_ISA=isa), stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    for line in process.stderr:
        if re.match(rb"step 6\b", line):
            process.send_signal(signal.SIGINT)
            break
    said = process.communicate()[1].decode("utf-8", "replace").strip().split("\n")[-1]
    if process.returncode not in (0, 130):
        raise Failed(said)
    return process.returncode == 130


def files(folder):
    found = {}
    for name in sorted(os.listdir(folder)):
        if name.endswith(".safetensors"):
            with open(os.path.join(folder, name), "rb") as file:
                found[name] = file.read()
    return found


def differences(old, new):
    """What differs between two folders, in words."""
    old, new = files(old), files(new)
    return [name for name in sorted(old.keys() | new.keys()) if old.get(name) != new.get(name)]


def said(isa, program, name, model):
    """What a model says without chance, by the way it is asked."""
    if name.startswith("translator"):
        return {f"beam {beam}": run(isa, program, "translate", "--model", model, "--beam", beam, "--scores", "--quiet", *SENTENCES)
                for beam in ["1", "4"]}
    return {weights: run(isa, program, "sample", model, "--greedy", "-n", "40", "--prompt", "this cat", "--ignore-eos",
                         "--weights", weights, "--quiet") for weights in ["fp32", "bf16", "f16", "int8"]}


def compare(old, new, name, texts, isa, precision):
    """What differs in one training; nothing is the same bits."""
    with tempfile.TemporaryDirectory() as folder:
        folders = {}
        for which in ["old", "new", "resumed"]:
            folders[which] = os.path.join(folder, which)
            os.mkdir(folders[which])
        run(isa, *training(old, name, texts, folders["old"], precision, 1))
        run(isa, *training(new, name, texts, folders["new"], precision, 2))
        found = differences(folders["old"], folders["new"])
        command = training(old, name, texts, folders["resumed"], precision, 2)
        for _ in range(9):  # the signal may come too late
            if begin(isa, command + ["--overwrite"]):
                run(isa, *training(new, name, texts, folders["resumed"], precision, 1), "--resume")
                found += ["resumed " + file for file in differences(folders["old"], folders["resumed"])]
                break
        else:
            found.append("never stopped in time")
        model = os.path.join(folders["old"], "m.safetensors")
        before, after = (said(isa, program, name, model) for program in [old, new])
        return found + [f"says {way}" for way in before if before[way] != after[way]]


def instruction_sets(program):
    """Those of this machine, which an unknown one makes the program name."""
    try:
        run("none", program, "bench", "--only", "training", "--steps", "1", "--preset", "tiny")
    except Failed as error:
        found = re.search(r"this processor has (?:only )?(.*)$", str(error))
        if found:
            return re.findall(r"\w+", found.group(1).replace(" and ", " "))
    sys.exit(f"{program} does not say which instruction sets there are")


def main():
    options = argparse.ArgumentParser(description="Compares the bits that two builds train.")
    options.add_argument("old")
    options.add_argument("new", nargs="?", default=PROGRAM)
    options.add_argument("--only", metavar="NAME", help="the training of this name")
    options.add_argument("--isa", help="one instruction set")
    options = options.parse_args()
    sets = [options.isa] if options.isa else instruction_sets(options.old)
    worst = 0
    with tempfile.TemporaryDirectory() as folder:
        texts = {"pairs": os.path.join(folder, "p.tsv"), "text": os.path.join(folder, "t.txt")}
        with open(os.path.join(ROOT, "corpora", "grammar.tsv"), encoding="utf-8") as file:
            lines = file.read().split("\n")[:600]
        with open(texts["pairs"], "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
        with open(texts["text"], "w", encoding="utf-8") as file:
            file.write("\n".join(line.split("\t")[0] for line in lines) + "\n")
        cases = [(name, texts, isa, precision) for isa in sets for precision in ["fp32", "bf16"]
                 for name in ([options.only] if options.only else TRAININGS)]

        def found(case):
            try:
                return compare(options.old, options.new, *case)
            except Failed as error:
                return [f"failed: {error}"]

        with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
            for (name, _, isa, precision), different in zip(cases, pool.map(found, cases)):
                worst += bool(different)
                print(f"{isa:9}{precision:5} {name:28} " + ("; ".join(different) or "same"), flush=True)
    sys.exit(f"{worst} of {len(cases)} differ" if worst else 0)


if __name__ == "__main__":
    main()
