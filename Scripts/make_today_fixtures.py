#!/usr/bin/env python3
"""Writes the numbers that today's decoders are compared with, computed by transformers' Llama and Qwen3.

    python3 -m venv peers && peers/bin/pip install torch transformers safetensors numpy
    peers/bin/python Scripts/make_today_fixtures.py

writes into Tests/Fixtures: today.safetensors (numbers) and today.json (shapes, versions, and how far fp32 is from fp64).
What each tensor is stands in make_fixtures.py; all cases have the weights after ten steps of AdamW.

`llama…` are LlamaForCausalLM, `qwen3…` Qwen3ForCausalLM, both with their own attention written out (eager). Names and
layouts are ours: matrices [in, out]; queries, keys and values side by side, gate and factor side by side. The classes
compute on views of these, so gradients and optimizer are in our layout too.

The fp64 beside them is the plain module below, straight from the formulae: the classes norm in fp32 and make the table of
rotary positions in fp32 whatever the precision of their weights. With torch 2.13 they lie apart by 5·10⁻⁷ (logits),
2·10⁻⁷ (losses, norms of gradients, weights after ten steps) and 2·10⁻⁶ (gradients) at most.
"""
import json
import math
import os
import re

import numpy
import torch
import torch.nn.functional as F
import transformers
from safetensors.numpy import save

from make_fixtures import BETAS, CLIP, DECAY, EPSILON, FOLDER, RATE, STEPS, distances, run

# Odd on purpose: nothing but the halves of a head is a multiple of a vector, and 70 positions are more than one tile.
CASES = {
    "llama": dict(layers=2, heads=4, keyValueHeads=2, headWidth=6, width=24, feedForward=37, context=13, vocabulary=37,
                  batch=3, normEpsilon=1e-5, rotaryBase=10_000.0, tied=True),
    "llama-untied": dict(layers=1, heads=3, keyValueHeads=3, headWidth=10, width=18, feedForward=29, context=37,
                         vocabulary=53, batch=2, normEpsilon=1e-6, rotaryBase=500_000.0, tied=False),
    "llama-one-key": dict(layers=1, heads=6, keyValueHeads=1, headWidth=8, width=30, feedForward=41, context=7,
                          vocabulary=31, batch=4, normEpsilon=1e-5, rotaryBase=100.0, tied=True),
    "llama-long": dict(layers=1, heads=2, keyValueHeads=2, headWidth=14, width=22, feedForward=23, context=70,
                       vocabulary=43, batch=1, normEpsilon=1e-6, rotaryBase=1234.5, tied=False),
    "qwen3": dict(layers=2, heads=4, keyValueHeads=2, headWidth=10, width=16, feedForward=45, context=19, vocabulary=43,
                  batch=2, normEpsilon=1e-6, rotaryBase=1_000_000.0, tied=True),
    "qwen3-untied": dict(layers=1, heads=5, keyValueHeads=5, headWidth=6, width=25, feedForward=51, context=11,
                         vocabulary=47, batch=3, normEpsilon=1e-5, rotaryBase=10_000.0, tied=False),
    "qwen3-one-key": dict(layers=1, heads=3, keyValueHeads=1, headWidth=16, width=43, feedForward=31, context=29,
                          vocabulary=59, batch=1, normEpsilon=1e-6, rotaryBase=500.0, tied=True),
}


def shapes(name, c):
    """Our names of the parameters with their shapes, in order."""
    width, hidden, vocabulary, head = c["width"], c["feedForward"], c["vocabulary"], c["headWidth"]
    queries, keys = c["heads"] * head, c["keyValueHeads"] * head
    yield "tokenEmbedding", (vocabulary, width)
    for n in range(c["layers"]):
        block = f"blocks.{n}."
        yield block + "attentionNorm.gain", (width,)
        yield block + "attention.queryKeyValue.weight", (width, queries + 2 * keys)
        if name.startswith("qwen3"):
            yield block + "attention.queryNorm.gain", (head,)
            yield block + "attention.keyNorm.gain", (head,)
        yield block + "attention.output.weight", (queries, width)
        yield block + "feedForwardNorm.gain", (width,)
        yield block + "feedForward.gateUp.weight", (width, 2 * hidden)
        yield block + "feedForward.down.weight", (hidden, width)
    yield "finalNorm.gain", (width,)
    if not c["tied"]:
        yield "outputEmbedding", (vocabulary, width)


# Their modules, by our names.
THEIRS = {
    "tokenEmbedding": ["embed_tokens"],
    "attentionNorm.gain": ["input_layernorm"],
    "attention.queryKeyValue.weight": ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"],
    "attention.queryNorm.gain": ["self_attn.q_norm"],
    "attention.keyNorm.gain": ["self_attn.k_norm"],
    "attention.output.weight": ["self_attn.o_proj"],
    "feedForwardNorm.gain": ["post_attention_layernorm"],
    "feedForward.gateUp.weight": ["mlp.gate_proj", "mlp.up_proj"],
    "feedForward.down.weight": ["mlp.down_proj"],
    "finalNorm.gain": ["norm"],
}


class Named:
    """Weights under our names, as those that are trained."""

    def __init__(self, c, weights, dtype):
        self.c, self.dtype = c, dtype
        self.named = {name: torch.tensor(w, dtype=dtype, requires_grad=True) for name, w in weights.items()}
        self.output = self.named["tokenEmbedding" if c["tied"] else "outputEmbedding"]

    def query_key_value(self, x):
        """The columns of each."""
        queries, keys = (self.c[heads] * self.c["headWidth"] for heads in ("heads", "keyValueHeads"))
        return x.split([queries, keys, keys], dim=-1)


class HuggingFace(Named):
    """transformers' classes on views of our parameters; theirs are [out, in]."""

    def __init__(self, c, weights, dtype):
        super().__init__(c, weights, dtype)
        has_norms = "blocks.0.attention.queryNorm.gain" in weights
        configuration = (transformers.Qwen3Config if has_norms else transformers.LlamaConfig)(
            vocab_size=c["vocabulary"], hidden_size=c["width"], intermediate_size=c["feedForward"],
            num_hidden_layers=c["layers"], num_attention_heads=c["heads"], num_key_value_heads=c["keyValueHeads"],
            head_dim=c["headWidth"], hidden_act="silu", max_position_embeddings=c["context"],
            rms_norm_eps=c["normEpsilon"], rope_parameters={"rope_type": "default", "rope_theta": c["rotaryBase"]},
            attention_bias=False, tie_word_embeddings=c["tied"], attn_implementation="eager", bos_token_id=0,
            eos_token_id=0, pad_token_id=None)
        kind = transformers.Qwen3ForCausalLM if has_norms else transformers.LlamaForCausalLM
        self.model = kind(configuration).to(dtype).eval()
        names = {name for name, _ in self.model.named_parameters(remove_duplicate=False)}
        assert names == set(self.theirs()), names ^ set(self.theirs())

    def theirs(self):
        """Views of our parameters under their names."""
        views = {"lm_head.weight": self.output}
        for name, p in self.named.items():
            layer, ours = re.fullmatch(r"(?:blocks\.(\d+)\.)?(.+)", name).groups()
            if ours == "outputEmbedding":
                continue
            parts = [p]
            if ours.endswith("queryKeyValue.weight"):
                parts = self.query_key_value(p)
            if ours.endswith("gateUp.weight"):
                parts = p.chunk(2, dim=1)
            prefix = f"model.layers.{layer}." if layer else "model."
            for their, part in zip(THEIRS[ours], parts, strict=True):
                views[prefix + their + ".weight"] = part.T if ours.endswith(".weight") else part
        return views

    def logits(self, ids):
        return torch.func.functional_call(
            self.model, self.theirs(), (ids,), {"use_cache": False}, tie_weights=False).logits


class Plain(Named):
    """The same in plain PyTorch, straight from the formulae."""

    def norm(self, x, name):
        return self.named[name + ".gain"] * x / (x.square().mean(-1, keepdim=True) + self.c["normEpsilon"]).sqrt()

    def heads(self, x, norm):
        """[B, T, heads · D] → [B, heads, T, D], normed where that is done, and turned by the places."""
        width, half = self.c["headWidth"], self.c["headWidth"] // 2
        x = x.unflatten(-1, (-1, width)).transpose(1, 2)
        if norm is None:
            return x
        if norm + ".gain" in self.named:
            x = self.norm(x, norm)
        angles = torch.tensor([[p * self.c["rotaryBase"] ** (-2 * i / width) for i in range(half)]
                               for p in range(x.shape[2])], dtype=torch.float64)
        cos, sin = angles.cos().to(self.dtype), angles.sin().to(self.dtype)
        a, b = x[..., :half], x[..., half:]
        return torch.cat([a * cos - b * sin, b * cos + a * sin], dim=-1)

    def attention(self, x, name):
        group = self.c["heads"] // self.c["keyValueHeads"]
        q, k, v = self.query_key_value(x @ self.named[name + ".queryKeyValue.weight"])
        q, k, v = self.heads(q, name + ".queryNorm"), self.heads(k, name + ".keyNorm"), self.heads(v, None)
        k, v = (y.repeat_interleave(group, dim=1) for y in (k, v))
        hidden = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).triu(1)
        scores = (q @ k.transpose(2, 3) / math.sqrt(self.c["headWidth"])).masked_fill(hidden, float("-inf"))
        return (scores.softmax(dim=3) @ v).transpose(1, 2).flatten(2) @ self.named[name + ".output.weight"]

    def feed_forward(self, x, name):
        gate, factor = (x @ self.named[name + ".gateUp.weight"]).chunk(2, dim=-1)
        return (F.silu(gate) * factor) @ self.named[name + ".down.weight"]

    def logits(self, ids):
        x = self.named["tokenEmbedding"][ids]
        for n in range(self.c["layers"]):
            for layer, name in (self.attention, "attention"), (self.feed_forward, "feedForward"):
                name = f"blocks.{n}.{name}"
                x = x + layer(self.norm(x, name + "Norm"), name)
        return self.norm(x, "finalNorm") @ self.output.T


def numbers(name, c, seed):
    """Seed and numbers of a case, by the class in fp32 and by the formulae in fp64.

    A weight whose first gradient happens to be about AdamW's ε, such as 5·10⁻⁸ where others are 10⁻², moves by its
    rounding error, in any program. A seed that has such a weight would compare noise: the next one is taken.
    """
    while True:
        single, double = (run(kind, c, shapes(name, c), seed, dtype)
                          for kind, dtype in ((HuggingFace, torch.float32), (Plain, torch.float64)))
        moved = [abs(single[key] - double[key]).max() for key in single if key.startswith("steps/weights/")]
        if max(moved) < 1e-6:
            return seed, single, double
        print(f"{name}: with seed {seed} noise moves a weight by {max(moved):.1e}")
        seed += 100


def main():
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    tensors, worst = {}, {}
    about = {
        "torch": torch.__version__.split("+")[0], "transformers": transformers.__version__,
        "adamw": dict(steps=STEPS, learningRate=RATE, beta1=BETAS[0], beta2=BETAS[1], epsilon=EPSILON,
                      weightDecay=DECAY, clip=CLIP),
        "cases": {},
    }
    for number, (name, c) in enumerate(CASES.items()):
        seed, single, double = numbers(name, c, 3000 + number)
        noise = distances(single, double, c)
        print(name, " ".join(f"{k} {v:.1e}" for k, v in noise.items()), "loss", single["loss"][0])
        assert max(noise.values()) < 1e-5, "the class and the formulae differ"
        worst = {k: max(v, worst.get(k, 0)) for k, v in noise.items()}
        about["cases"][name] = c | {
            "seed": seed,
            "normalizesQueriesAndKeys": name.startswith("qwen3"),
            "float32FromFloat64": {k: float(f"{v:.1e}") for k, v in noise.items()}}
        tensors |= {f"{name}/{key}": numpy.ascontiguousarray(value) for key, value in single.items()}
    print("worst", " ".join(f"{k} {v:.1e}" for k, v in worst.items()))
    data = save(tensors)
    with open(os.path.join(FOLDER, "today.safetensors"), "wb") as file:
        file.write(data)
    with open(os.path.join(FOLDER, "today.json"), "w") as file:
        file.write(json.dumps(about, indent=1) + "\n")
    print(len(data), "bytes")


if __name__ == "__main__":
    main()
