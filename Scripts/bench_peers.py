#!/usr/bin/env python3
"""Times training steps of minigpt and of PyTorch in short turns, on the shapes of `minigpt bench`; `make bench-peers PEERS=…` runs it.

    python3 Scripts/bench_peers.py --python peers/bin/python [--shapes tiny,bpe] [--turns 10] [--precision bf16] [--avx2]

A step is forward, backward, clipping and AdamW, dropout 0, on ids drawn by chance, on both sides. PyTorch is run once in each of the
modes named by --modes (compiling needs a C++ compiler), and its fastest is taken. The median of the pairwise ratios counts. The Python with PyTorch is made as
Scripts/peer_torch_gpt.py says. With --peer SHAPE it is the peer itself.
"""
import argparse
import json
import os
import statistics
import subprocess
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SHAPES = {  # layers, heads, width, context, batch, vocabulary, steps of a turn
    "tiny": (4, 4, 128, 64, 12, 65, 40),
    "char": (6, 6, 384, 256, 64, 65, 1),
    "bpe": (6, 6, 384, 256, 16, 4096, 2),
    "gpt2": (12, 12, 768, 64, 4, 50257, 2),
    "gpt2-1k": (12, 12, 768, 1024, 1, 50257, 1),
    "multi30k": (4, 4, 128, 16, 448, 10000, 4),  # a translator: encoder and decoder, 448 pairs of 16 tokens a side
}


def peer(name, mode, steps, threads):
    """Prints the median of PyTorch's times, in ms."""
    import torch
    from torch import nn
    from peer_torch_gpt import BETAS, CLIP, DECAY, GPT, RATE
    from peer_torch_translator import Translator
    if threads:
        torch.set_num_threads(threads)
    torch.manual_seed(1)
    layers, heads, width, context, batch, vocabulary, _ = SHAPES[name]
    if name == "multi30k":
        model = Translator(layers, heads, width, 2 * width, context, vocabulary)

        def batch_of_ids():
            return tuple(torch.randint(vocabulary, (batch, context)) for _ in range(3))
    else:
        model = GPT(layers, heads, width, context, 0.0, vocabulary)

        def batch_of_ids():
            rows = torch.randint(vocabulary, (batch, context + 1))
            return rows[:, :-1], rows[:, 1:]
    parameters = list(model.parameters())
    optimizer = torch.optim.AdamW(
        [{"params": [p for p in parameters if p.dim() == 2], "weight_decay": DECAY},
         {"params": [p for p in parameters if p.dim() != 2], "weight_decay": 0.0}], lr=RATE, betas=BETAS, fused=True)
    network = torch.compile(model) if mode.endswith("compiled") else model
    precision = torch.autocast("cpu", dtype=torch.bfloat16, enabled=mode.startswith("bf16"))
    times = []
    for _ in range(steps + 2):
        ids = batch_of_ids()
        start = time.perf_counter()
        with precision:
            loss = network(*ids)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, CLIP)
        optimizer.step()
        loss.item()
        times.append(1000 * (time.perf_counter() - start))
    print(json.dumps({"ms_per_step": statistics.median(times[2:])}))


def run(*command):
    ran = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if ran.returncode:
        raise SystemExit(f"{' '.join(command)}: status {ran.returncode}\n{ran.stderr.decode()[-2000:]}")
    return json.loads(ran.stdout.decode().split("\n")[0])


def main():
    options = argparse.ArgumentParser(description="Times training steps of minigpt and of PyTorch in turn.")
    options.add_argument("--python", default="python3", help="a Python with PyTorch")
    options.add_argument("--program", default=os.path.join(ROOT, ".build", "release", "minigpt"))
    options.add_argument("--shapes", default=",".join(SHAPES))
    options.add_argument("--turns", type=int, default=10)
    options.add_argument("--steps", type=int, default=0, help="of a turn; default: as suits the shape")
    options.add_argument("--threads", type=int, default=0)
    options.add_argument("--precision", default="fp32,bf16", help="of minigpt: fp32, bf16 or both")
    options.add_argument("--modes", default="fp32,bf16,fp32-compiled,bf16-compiled", help="of PyTorch")
    options.add_argument("--avx2", action="store_true", help="keep both sides to AVX2, which a laptop has")
    options.add_argument("--peer", choices=SHAPES, help=argparse.SUPPRESS)
    options.add_argument("--mode", default="fp32", help=argparse.SUPPRESS)
    options = options.parse_args()
    if options.peer:
        return peer(options.peer, options.mode, options.steps, options.threads)
    if options.avx2:
        os.environ.update(MINIGPT_ISA="avx2", ATEN_CPU_CAPABILITY="avx2", ONEDNN_MAX_CPU_ISA="AVX2")
    for shape in options.shapes.split(","):
        compare(shape, options)


def compare(shape, options):
    """Runs both sides in turn. fp32 is held against PyTorch's better mode in fp32, bf16 against the best of all."""
    threads = ["--threads", str(options.threads)] if options.threads else []
    steps = str(options.steps or SHAPES[shape][-1])

    def theirs(mode):
        return run(options.python, os.path.abspath(__file__), "--peer", shape, "--mode", mode, "--steps", steps, *threads)["ms_per_step"]

    def ours(precision):
        return run(options.program, "bench", "--only", "training", "--preset", shape, "--precision", precision, "--steps",
                   steps, "--json", "--quiet", *threads)["ms_per_step"]

    modes = {mode: theirs(mode) for mode in options.modes.split(",")}
    print(f"{shape}: PyTorch, ms a step: " + ", ".join(f"{mode} {took:.1f}" for mode, took in modes.items()), flush=True)
    best = {"bf16": min(modes, key=modes.get), "fp32": min((mode for mode in modes if mode.startswith("fp32")), key=modes.get)}
    best = {precision: best[precision] for precision in options.precision.split(",")}
    turns = []
    for _ in range(options.turns):
        turn = {precision: ours(precision) for precision in best}
        turns.append(turn | {mode: theirs(mode) for mode in sorted(set(best.values()))})
    for precision, mode in best.items():
        ratios = [turn[mode] / turn[precision] for turn in turns]
        print(f"{shape}: minigpt {precision} against PyTorch {mode}: median ratio {statistics.median(ratios):.2f} "
              f"({min(ratios):.2f} to {max(ratios):.2f}) over {len(turns)} turns; at least: minigpt "
              f"{min(turn[precision] for turn in turns):.1f} ms, PyTorch {min(turn[mode] for turn in turns):.1f} ms", flush=True)


if __name__ == "__main__":
    main()
