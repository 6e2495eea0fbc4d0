#!/usr/bin/env python3
"""Writes Tests/Fixtures/muon.json: what torch.optim.Muon makes of some matrices in some steps.

    python3 Scripts/make_muon_fixtures.py        needs torch >= 2.9

torch orthogonalizes in bfloat16, which we do only where products are in bfloat16. So each case is there twice: as torch has
it, and with that rounding left out and all else in double precision.
"""
import json
import pathlib
import random

import torch

CASES = [(5, 8), (9, 4), (6, 6), (12, 31)]
STEPS, RATE, DECAY, MOMENTUM = 4, 0.02, 0.3, 0.9


def run(shape, seed, is_exact):
    generator = random.Random(seed)
    draw = lambda: [generator.uniform(-1, 1) for _ in range(shape[0] * shape[1])]
    start, gradients = draw(), [draw() for _ in range(STEPS)]
    kind = torch.float64 if is_exact else torch.float32
    matrix = lambda values: torch.tensor(values, dtype=kind).reshape(shape)
    weight = torch.nn.Parameter(matrix(start))
    optimizer = torch.optim.Muon(
        [weight], lr=RATE, weight_decay=DECAY, momentum=MOMENTUM, nesterov=True, ns_steps=5, adjust_lr_fn="match_rms_adamw")
    for gradient in gradients:
        weight.grad = matrix(gradient)
        optimizer.step()
    return start, gradients, weight.detach().reshape(-1).tolist()


def main():
    rounding, cases = torch.Tensor.bfloat16, []
    for index, shape in enumerate(CASES):
        start, gradients, rounded = run(shape, index, False)
        torch.Tensor.bfloat16 = lambda tensor: tensor
        _, _, exact = run(shape, index, True)
        torch.Tensor.bfloat16 = rounding
        cases.append({"rows": shape[0], "columns": shape[1], "start": start, "gradients": gradients,
                      "rounded": rounded, "exact": exact})
    made = {"torch": torch.__version__, "rate": RATE, "decay": DECAY, "momentum": MOMENTUM, "cases": cases}
    path = pathlib.Path(__file__).resolve().parent.parent / "Tests/Fixtures/muon.json"
    path.write_text(json.dumps(made, separators=(",", ":")) + "\n")
    print(f"{path}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
