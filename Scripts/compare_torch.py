#!/usr/bin/env python3
"""Trains the same recipe with minigpt and with PyTorch, in turn; `make compare PEERS=…` runs it.

    python3 Scripts/compare_torch.py --python peers/bin/python [--preset nanogpt-cpu] [--turns 10] [--steps 60]

PyTorch is run in each of the modes named by --modes (fp32, bf16, fp32-compiled, bf16-compiled) once at first; its fastest is
then taken. Machines drift from minute to minute, so many short turns are run and the median of the pairwise ratios counts.
The Python with PyTorch is made as Scripts/peer_torch_gpt.py says.
"""
import argparse
import json
import os
import statistics
import tempfile

from bench import CORPUS, ROOT, TOKENS, run, training


def peer(python, preset, steps, mode, corpus):
    """Milliseconds of a step of PyTorch."""
    flags = ["--precision", mode.split("-")[0]] + (["--compile"] if mode.endswith("compiled") else [])
    said = run(python, os.path.join(ROOT, "Scripts", "peer_torch_gpt.py"), corpus, "--preset", preset, "--steps", str(steps),
               "--no-eval", *flags)
    speeds = [json.loads(line)["tokens_per_s"] for line in said.split("\n") if "tokens_per_s" in line]
    return 1000 * TOKENS[preset] / statistics.median(speeds[len(speeds) // 3:])


def main():
    options = argparse.ArgumentParser(description="Trains the same recipe with minigpt and PyTorch, in turn.")
    options.add_argument("--python", required=True, help="a Python with PyTorch")
    options.add_argument("--preset", choices=TOKENS, default="nanogpt-cpu")
    options.add_argument("--corpus", default=CORPUS)
    options.add_argument("--turns", type=int, default=10)
    options.add_argument("--steps", type=int, default=60, help="of each turn")
    options.add_argument("--modes", default="fp32,bf16", help="of PyTorch: fp32,bf16,fp32-compiled,bf16-compiled")
    options = options.parse_args()
    modes = {mode: peer(options.python, options.preset, options.steps, mode, options.corpus) for mode in options.modes.split(",")}
    print("PyTorch, ms a step: " + ", ".join(f"{mode} {time:.1f}" for mode, time in modes.items()), flush=True)
    best = min(modes, key=modes.get)
    ours, theirs = [], []
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(options.turns):
            ours.append(training(options.preset, options.steps, folder, options.corpus, ["--tokenizer", "char"])[0])
            theirs.append(peer(options.python, options.preset, options.steps, best, options.corpus))
            print(f"turn {turn + 1}: minigpt {ours[-1]:.1f} ms, PyTorch {best} {theirs[-1]:.1f} ms, "
                  f"ratio {theirs[-1] / ours[-1]:.2f}", flush=True)
    ratio = statistics.median(b / a for a, b in zip(ours, theirs))
    print(f"median ratio {ratio:.2f}; minimum: minigpt {min(ours):.1f} ms, PyTorch {min(theirs):.1f} ms")


if __name__ == "__main__":
    main()
