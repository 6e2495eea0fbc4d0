#!/usr/bin/env python3
"""Times training steps and generation with the built program; `make bench` runs it. Python's standard library only.

    python3 Scripts/bench.py [--presets nanogpt-cpu,nanogpt] [--steps 60] [--threads N] [--json]

Training: the median of tokens_per_s that the log reports, the first third of the steps left out. Generation: `minigpt bench --only generation`
on the model just trained. Everything is written to a temporary folder.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PROGRAM = os.path.join(ROOT, ".build", "release", "minigpt")
CORPUS = os.path.join(ROOT, "corpora", "shakespeare.txt")
TOKENS = {"nanogpt-cpu": 64 * 12, "nanogpt": 256 * 64}  # of a step


def run(*command):
    """What the command writes to stdout; its last line of stderr, and an end, where it fails."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().split("\n")
        sys.exit(f"{' '.join(command)}: exit {done.returncode}: {said[-1]}")
    return done.stdout.decode("utf-8", "replace")


def training(preset, steps, folder, corpus=CORPUS, options=()):
    """Milliseconds of a step, and the checkpoint."""
    out, log = os.path.join(folder, preset + ".safetensors"), os.path.join(folder, preset + ".jsonl")
    run(PROGRAM, "train", corpus, "--preset", preset, "--steps", str(steps), "--eval-every", str(10 * steps), "--log-every", "1",
        "--out", out, "--log", log, "--overwrite", "--quiet", *options)
    with open(log, encoding="utf-8") as file:
        records = [json.loads(line) for line in file]
    speeds = [record["tokens_per_s"] for record in records if "loss" in record][steps // 3:]
    return 1000 * TOKENS[preset] / statistics.median(speeds), out


def generation(model, options=()):
    """Tokens per second of one sequence."""
    said = run(PROGRAM, "bench", "--only", "generation", "--model", model, "--weights", "fp32", "--json", *options)
    return json.loads(said.split("\n")[0])["tokens_per_s"]


def report(title, found):
    """Prints the medians of what was found, a pair of a bar and values each, and ends with how many are below theirs."""
    low = 0
    print(f"{title:32} median   least largest  at least")
    for what, (least, values) in found.items():
        median = statistics.median(values)
        low += median < least
        print(f"{what:32}{median:7.3f} {min(values):7.3f} {max(values):7.3f} {least:9}" + ("  below" if median < least else ""))
    sys.exit(f"{low} below" if low else 0)


def main():
    options = argparse.ArgumentParser(description="Times training steps and generation.")
    options.add_argument("--presets", default="nanogpt-cpu")
    options.add_argument("--steps", type=int, default=60)
    options.add_argument("--threads", type=int, default=0)
    options.add_argument("--json", action="store_true")
    options = options.parse_args()
    threads = ["--threads", str(options.threads)] if options.threads else []
    with tempfile.TemporaryDirectory() as folder:
        for preset in options.presets.split(","):
            step, model = training(preset, options.steps, folder, options=threads + ["--tokenizer", "char"])
            speed = generation(model, threads)
            if options.json:
                print(json.dumps({"measurement": "train", "preset": preset, "ms_per_step": round(step, 2)}))
                print(json.dumps({"measurement": "generation", "preset": preset, "tokens_per_s": round(speed)}))
            else:
                print(f"{preset}: a step {step:.1f} ms ({1000 * TOKENS[preset] / step:,.0f} tokens/s), "
                      f"generation {speed:,.0f} tokens/s", flush=True)


if __name__ == "__main__":
    main()
