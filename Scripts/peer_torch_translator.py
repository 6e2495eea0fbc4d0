"""The paper's model in PyTorch, to time its training step beside `minigpt bench --preset multi30k`; `bench_peers.py` uses it.

Post-norm, ReLU, sinusoidal positions, one table for both embeddings and the output (Vaswani et al. 2017), from the fastest stock
parts: scaled_dot_product_attention, one product for query, key and value (for key and value where the source is looked at).
"""
import math

import torch
import torch.nn.functional as F
from torch import nn

SMOOTHING = 0.1


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.inner, self.outer = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x, source=None, causal=False):
        width = x.shape[2]
        if source is None:
            q, k, v = self.inner(x).split(width, dim=2)
        else:
            q = F.linear(x, self.inner.weight[:width], self.inner.bias[:width])
            k, v = F.linear(source, self.inner.weight[width:], self.inner.bias[width:]).split(width, dim=2)
        q, k, v = (y.unflatten(2, (self.heads, -1)).transpose(1, 2) for y in (q, k, v))
        return self.outer(F.scaled_dot_product_attention(q, k, v, is_causal=causal).transpose(1, 2).flatten(2))


class Block(nn.Module):
    def __init__(self, width, inner, heads, crosses):
        super().__init__()
        self.attend, self.norm = Attention(width, heads), nn.LayerNorm(width)
        self.look, self.look_norm = (Attention(width, heads), nn.LayerNorm(width)) if crosses else (None, None)
        self.think = nn.Sequential(nn.Linear(width, inner), nn.ReLU(), nn.Linear(inner, width))
        self.think_norm = nn.LayerNorm(width)

    def forward(self, x, source=None):
        x = self.norm(x + self.attend(x, causal=self.look is not None))
        if self.look is not None:
            x = self.look_norm(x + self.look(x, source))
        return self.think_norm(x + self.think(x))


class Translator(nn.Module):
    def __init__(self, layers, heads, width, inner, length, vocabulary):
        super().__init__()
        self.scale = math.sqrt(width)
        self.table = nn.Embedding(vocabulary, width)
        self.encoder = nn.Sequential(*(Block(width, inner, heads, False) for _ in range(layers)))
        self.decoder = nn.ModuleList(Block(width, inner, heads, True) for _ in range(layers))
        angles = torch.arange(length)[:, None] / 10000 ** (torch.arange(0, width, 2) / width)
        self.register_buffer("positions", torch.stack([angles.sin(), angles.cos()], 2).flatten(1))
        nn.init.normal_(self.table.weight, std=1 / self.scale)

    def forward(self, source, target, wanted):
        source = self.encoder(self.table(source) * self.scale + self.positions)
        x = self.table(target) * self.scale + self.positions
        for block in self.decoder:
            x = block(x, source)
        logits = F.linear(x, self.table.weight)
        return F.cross_entropy(logits.flatten(0, 1).float(), wanted.flatten(), label_smoothing=SMOOTHING)
