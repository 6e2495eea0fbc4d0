#!/usr/bin/env python3
"""The same training in PyTorch, to compare with: nanoGPT's recipe for Shakespeare by characters, on a CPU.

    python3 -m venv peers && peers/bin/pip install torch numpy
    peers/bin/python Scripts/peer_torch_gpt.py corpora/shakespeare.txt --preset nanogpt-cpu --steps 2000 --seed 1337

GPT-2 as published (pre-norm, learned positions, tied output, GELU), from the fastest stock parts: scaled_dot_product_attention,
fused AdamW, and torch.compile where asked for (it needs a C++ compiler). The first 90 % of the characters are trained on; the
loss at the end is over all of the rest, in windows of a context, as `minigpt eval` computes it. Prints JSON lines:
{"step","loss","tokens_per_s"} every 10 steps (the median of their times) and {"val_loss","seconds"} at the end.
"""
import argparse
import json
import math
import statistics
import time

import torch
import torch.nn.functional as F
from torch import nn

PRESETS = {  # layers, heads, width, context, batch, dropout, steps
    "nanogpt-cpu": (4, 4, 128, 64, 12, 0.0, 2000),
    "nanogpt": (6, 6, 384, 256, 64, 0.2, 5000),
}
RATE, FLOOR, WARMUP, BETAS, DECAY, CLIP = 1e-3, 1e-4, 100, (0.9, 0.99), 0.1, 1.0


class Attention(nn.Module):
    def __init__(self, width, heads, dropout):
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.inner, self.outer = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x):
        batch, length, width = x.shape
        q, k, v = self.inner(x).view(batch, length, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True, dropout_p=self.dropout * self.training)
        return self.outer(y.transpose(1, 2).reshape(batch, length, width))


class Block(nn.Module):
    def __init__(self, width, heads, dropout):
        super().__init__()
        self.attend = nn.Sequential(nn.LayerNorm(width), Attention(width, heads, dropout), nn.Dropout(dropout))
        self.think = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 4 * width), nn.GELU(approximate="tanh"),
                                   nn.Linear(4 * width, width), nn.Dropout(dropout))

    def forward(self, x):
        x = x + self.attend(x)
        return x + self.think(x)


class GPT(nn.Module):
    def __init__(self, layers, heads, width, context, dropout, vocabulary):
        super().__init__()
        self.token, self.position = nn.Embedding(vocabulary, width), nn.Embedding(context, width)
        self.dropout, self.norm = nn.Dropout(dropout), nn.LayerNorm(width)
        self.blocks = nn.Sequential(*(Block(width, heads, dropout) for _ in range(layers)))
        for name, p in self.named_parameters():
            if p.dim() == 2:
                residual = name.endswith(("outer.weight", "think.3.weight"))
                nn.init.normal_(p, std=0.02 / math.sqrt(2 * layers) if residual else 0.02)
            elif name.endswith("bias"):
                nn.init.zeros_(p)

    def forward(self, ids, targets):
        x = self.token(ids) + self.position.weight[:ids.shape[1]]
        logits = self.norm(self.blocks(self.dropout(x))) @ self.token.weight.T
        return F.cross_entropy(logits.flatten(0, 1).float(), targets.flatten())


def rate(step, steps):
    """Warm-up, then a cosine down to a tenth."""
    if step < WARMUP:
        return RATE * (step + 1) / WARMUP
    return FLOOR + (RATE - FLOOR) * 0.5 * (1 + math.cos(math.pi * (step - WARMUP) / max(1, steps - WARMUP)))


def main():
    options = argparse.ArgumentParser(description="nanoGPT's recipe in PyTorch, to compare with")
    options.add_argument("corpus")
    options.add_argument("--preset", choices=PRESETS, default="nanogpt-cpu")
    options.add_argument("--steps", type=int, default=0, help="default: the preset's")
    options.add_argument("--seed", type=int, default=1337)
    options.add_argument("--threads", type=int, default=0)
    options.add_argument("--precision", choices=["fp32", "bf16"], default="fp32")
    options.add_argument("--compile", action="store_true")
    options.add_argument("--no-eval", action="store_true", help="no loss over the held-out part at the end")
    options = options.parse_args()
    began = time.perf_counter()
    if options.threads:
        torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    layers, heads, width, context, batch, dropout, steps = PRESETS[options.preset]
    steps = options.steps or steps

    with open(options.corpus, encoding="utf-8", newline="") as file:
        text = file.read()
    index = {character: i for i, character in enumerate(sorted(set(text)))}
    ids = torch.tensor([index[character] for character in text])
    train, held_out = ids[:len(ids) * 9 // 10], ids[len(ids) * 9 // 10:]

    model = GPT(layers, heads, width, context, dropout, len(index))
    parameters = list(model.parameters())
    optimizer = torch.optim.AdamW(
        [{"params": [p for p in parameters if p.dim() == 2], "weight_decay": DECAY},
         {"params": [p for p in parameters if p.dim() != 2], "weight_decay": 0.0}], lr=RATE, betas=BETAS, fused=True)
    network = torch.compile(model) if options.compile else model
    precision = torch.autocast("cpu", dtype=torch.bfloat16, enabled=options.precision == "bf16")
    window = torch.arange(context + 1)

    times = []
    for step in range(steps):
        start = time.perf_counter()
        for group in optimizer.param_groups:
            group["lr"] = rate(step, steps)
        rows = train[torch.randint(len(train) - context, (batch, 1)) + window]
        with precision:
            loss = network(rows[:, :-1], rows[:, 1:])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, CLIP)
        optimizer.step()
        value = loss.item()
        times.append(time.perf_counter() - start)
        if (step + 1) % 10 == 0 or step + 1 == steps:
            speed = batch * context / statistics.median(times[-10:])
            print(json.dumps({"step": step + 1, "loss": round(value, 4), "tokens_per_s": round(speed)}), flush=True)
    trained = time.perf_counter() - began

    if not options.no_eval:
        model.eval()
        total = 0.0
        with torch.no_grad(), precision:
            for at in range(0, len(held_out) - 1, context):
                row = held_out[None, at:at + context + 1]
                total += model(row[:, :-1], row[:, 1:]).item() * (row.shape[1] - 1)
        print(json.dumps({"val_loss": round(total / (len(held_out) - 1), 4), "seconds": round(trained, 1)}))


if __name__ == "__main__":
    main()
