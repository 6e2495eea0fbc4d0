#!/usr/bin/env python3
"""Memory of the preset `nanogpt` (below 2.5 GB), and time and memory of `info` on a file of 1 GB (below 50 ms, 100 MB).

    python3 Scripts/verify_memory.py [CORPUS]

`make verify-memory` runs it on the plays. Linux only: the peak of a process is what the kernel reports of it.
"""
import os
import subprocess
import sys
import tempfile
import time

from bench import CORPUS, PROGRAM


def measure(*command):
    """Seconds and peak megabytes of a command that must succeed."""
    began = time.perf_counter()
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    said = process.stderr.read().decode("utf-8", "replace")
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{' '.join(command)}: status {status}: " + said.strip().split("\n")[-1])
    return time.perf_counter() - began, usage.ru_maxrss / 1024


def main():
    corpus = sys.argv[1] if len(sys.argv) > 1 else CORPUS
    good = True
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "small.safetensors")
        _, megabytes = measure(PROGRAM, "train", corpus, "--preset", "nanogpt", "--tokenizer", "char", "--steps", "2", "--out", out,
                               "--eval-every", "1000", "--val-fraction", "0.001", "--quiet")
        print(f"training with the preset nanogpt: {megabytes:,.0f} MB")
        good = good and megabytes < 2500
        out = os.path.join(folder, "large.safetensors")
        measure(PROGRAM, "train", corpus, "--tokenizer", "char", "--layers", "7", "--heads", "16", "--embd", "1024", "--context", "16",
                "--batch-size", "1", "--steps", "1", "--eval-every", "1000", "--val-fraction", "0.00005", "--out", out, "--quiet")
        size = os.path.getsize(out) / 1e9
        times = [measure(PROGRAM, "info", out) for _ in range(5)]
        seconds, megabytes = min(t for t, _ in times), max(m for _, m in times)
        print(f"info on {size:.2f} GB: {1000 * seconds:.0f} ms, {megabytes:.0f} MB")
        good = good and size >= 1 and seconds < 0.05 and megabytes < 100
        seconds, megabytes = measure(PROGRAM, "info", out, "--verify")
        print(f"info --verify: {seconds:.2f} s, {megabytes:.0f} MB")
        good = good and megabytes < 100
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
