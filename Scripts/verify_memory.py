#!/usr/bin/env python3
"""Memory of the preset `nanogpt` (below 2.5 GB), time and memory of `info` on a file of 1 GB (below 50 ms, 100 MB), and of
`sample` on weights of 43 and 350 MB and on that checkpoint of 1 GB: the first letter after a cold start within 60 ms or the
time of reading the file once, and no more memory than the weights in their type, the cache and 64 MB.

    python3 Scripts/verify_memory.py [CORPUS]

`make verify-memory` runs it on the plays. Linux only: the peak of a process is what the kernel reports of it.
"""
import os
import statistics
import subprocess
import sys
import tempfile
import time

from bench import CORPUS, PROGRAM


# Touches memory and gives it back: a virtual machine's host may hand over memory that is touched for the first time ten
# times as slowly, which is neither the program's time nor that of reading.
SETTLE = """
import mmap
room, line = mmap.mmap(-1, 2 << 30, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS), bytes(1 << 20)
room.madvise(mmap.MADV_HUGEPAGE)
for i in range(2 << 10): room.write(line)
"""


def measure(*command):
    """Seconds and peak megabytes of a command that must succeed."""
    began = time.perf_counter()
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    said = process.stderr.read().decode("utf-8", "replace")
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{' '.join(command)}: status {status}: " + said.strip().split("\n")[-1])
    return time.perf_counter() - began, usage.ru_maxrss / 1024


def cold(path):
    """Takes a file out of the kernel's memory."""
    subprocess.run([sys.executable, "-c", SETTLE], check=True)
    descriptor = os.open(path, os.O_RDONLY)
    os.fsync(descriptor)
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(descriptor)


def reading(path):
    """Seconds of reading a cold file once."""
    cold(path)
    began, room = time.perf_counter(), bytearray(1 << 20)
    with open(path, "rb", buffering=0) as file:
        while file.readinto(room):
            pass
    return time.perf_counter() - began


def first_letter(path, weights):
    """Seconds from the start of `sample` to its first letter, the file being cold."""
    cold(path)
    began = time.perf_counter()
    process = subprocess.Popen([PROGRAM, "sample", path, "--weights", weights, "-n", "4", "--ignore-eos", "--seed", "1", "--quiet"],
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    process.stdout.read(1)
    seconds = time.perf_counter() - began
    process.stdout.read()
    process.wait()
    return seconds


def starts(path, weights, turns):
    """Milliseconds to the first letter of a cold file, and of reading it once, in turn: the medians."""
    first, once = [], []
    for _ in range(turns):
        first.append(first_letter(path, weights))
        once.append(reading(path))
    return 1000 * statistics.median(first), 1000 * statistics.median(once)


def generation(checkpoint, layers, width, context):
    """Whether `sample` begins soon and takes little, in each type of weights."""
    path = checkpoint.replace(".safetensors", ".weights.safetensors")
    measure(PROGRAM, "export", checkpoint, "--to", "safetensors", "--out", path)
    size, good = os.path.getsize(path) / 1e6, True
    files = [path, checkpoint] if os.path.getsize(checkpoint) > 1e9 else [path]
    for weights, share in [("fp32", 1), ("bf16", 0.5), ("int8", 0.27)]:
        for file in files:
            first, once = starts(file, weights, 7)
            good = good and first < max(60, once)
            print(f"sample on {os.path.getsize(file) / 1e6:,.0f} MB in {weights}: first letter after {first:.0f} ms, "
                  f"reading once takes {once:.0f} ms", flush=True)
        _, megabytes = measure(PROGRAM, "sample", path, "--weights", weights, "-n", str(2 * context), "--ignore-eos", "--quiet")
        limit = (size * share + 8e-6 * layers * width * context) * 1e6 / 2**20 + 64
        good = good and megabytes < limit
        print(f"sample on {size:.0f} MB in {weights}: {megabytes:.0f} MB of memory, of {limit:.0f}", flush=True)
    return good


def main():
    corpus = sys.argv[1] if len(sys.argv) > 1 else CORPUS
    good = True
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "small.safetensors")
        _, megabytes = measure(PROGRAM, "train", corpus, "--preset", "nanogpt", "--tokenizer", "char", "--steps", "2", "--out", out,
                               "--eval-every", "1000", "--val-fraction", "0.001", "--quiet")
        print(f"training with the preset nanogpt: {megabytes:,.0f} MB")
        good = good and megabytes < 2500
        good = generation(out, 6, 384, 256) and good
        out = os.path.join(folder, "large.safetensors")
        measure(PROGRAM, "train", corpus, "--tokenizer", "char", "--layers", "7", "--heads", "16", "--embd", "1024", "--context", "16",
                "--batch-size", "1", "--steps", "1", "--eval-every", "1000", "--val-fraction", "0.00005", "--out", out, "--quiet")
        size = os.path.getsize(out) / 1e9
        times = [measure(PROGRAM, "info", out) for _ in range(5)]
        seconds, megabytes = min(t for t, _ in times), max(m for _, m in times)
        print(f"info on {size:.2f} GB: {1000 * seconds:.0f} ms, {megabytes:.0f} MB")
        good = good and size >= 1 and seconds < 0.05 and megabytes < 100
        good = generation(out, 7, 1024, 16) and good
        seconds, megabytes = measure(PROGRAM, "info", out, "--verify")
        print(f"info --verify: {seconds:.2f} s, {megabytes:.0f} MB")
        good = good and megabytes < 100
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
