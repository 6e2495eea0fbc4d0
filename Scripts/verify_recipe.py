#!/usr/bin/env python3
"""nanoGPT's recipe for a CPU on tiny shakespeare: is the loss PyTorch's, and who is sooner?

    python3 Scripts/verify_recipe.py tinyshakespeare.txt [--python peers/bin/python] [--seeds 1337,1,2]

Characters, 4 layers, 4 heads, width 128, context 64, batch 12, 2000 steps. The loss over the whole held-out part must have a mean
of at most 1.905 and none above 1.925 (PyTorch, same recipe: 1.889, 1.881, 1.905). With --python, each run takes turns
with PyTorch's (Scripts/peer_torch_gpt.py), and must be sooner; both times are of the whole process without the last evaluation.
"""
import argparse
import json
import os
import statistics
import sys
import tempfile

from bench import PROGRAM, ROOT, run

MEAN, WORST = 1.905, 1.925


def ours(corpus, seed):
    """Loss at the last step, and the seconds to it."""
    with tempfile.TemporaryDirectory() as folder:
        log = os.path.join(folder, "log.jsonl")
        run(PROGRAM, "train", corpus, "--preset", "nanogpt-cpu", "--seed", str(seed), "--quiet",
            "--out", os.path.join(folder, "model.safetensors"), "--log", log)
        with open(log, encoding="utf-8") as file:
            last = [record for record in map(json.loads, file) if "val_loss" in record][-1]
        return last["val_loss"], last["seconds"]


def main():
    options = argparse.ArgumentParser(description="nanoGPT's recipe for a CPU: loss and time.")
    options.add_argument("corpus")
    options.add_argument("--python", help="a Python with PyTorch, to take turns with")
    options.add_argument("--seeds", default="1337,1,2")
    options = options.parse_args()
    losses, sooner = [], True
    for seed in options.seeds.split(","):
        loss, seconds = ours(options.corpus, seed)
        losses.append(loss)
        line = f"seed {seed}: minigpt {loss:.4f} in {seconds:.1f} s"
        if options.python:
            said = run(options.python, os.path.join(ROOT, "Scripts", "peer_torch_gpt.py"), options.corpus, "--seed", seed)
            peer = json.loads(said.strip().split("\n")[-1])
            sooner = sooner and seconds < peer["seconds"]
            line += f", PyTorch {peer['val_loss']:.4f} in {peer['seconds']:.1f} s"
        print(line, flush=True)
    mean = statistics.mean(losses)
    good = mean <= MEAN and max(losses) <= WORST and sooner
    print(f"mean {mean:.4f} (at most {MEAN}), worst {max(losses):.4f} (at most {WORST}): " + ("good" if good else "NOT GOOD"))
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
