#!/usr/bin/env python3
"""Writes the numbers that the tests compare our model with, computed by PyTorch and transformers.

    python3 -m venv peers && peers/bin/pip install torch transformers safetensors numpy
    peers/bin/python Scripts/make_fixtures.py

writes into Tests/Fixtures: parity.safetensors (numbers), parity.json (the shapes and settings of each case, the versions
used, and how far fp32 is from fp64) and philox4x32-10.txt.

Each case holds, under its name: `ids` and `targets` [B, T] (I32), `weights/…`, `logits` [B, T, V], `loss` [1],
`gradients/…`, and for ten steps of AdamW `steps/ids` and `steps/targets` [10, B, T], `steps/loss` and
`steps/gradientNorm` [10] (before clipping); `gpt2` and `gpt2-odd` also the weights after them, `steps/weights/…`.
The steps start from `weights/…`. The cases `gpt2…` are transformers' GPT2LMHeadModel, the others the plain module below.
Matrices are stored [in, out]: y = x W + b. The loss is the mean over all B·T positions, in nats.

Everything is computed in fp32 on one thread. The script repeats it in fp64 and says how far apart the two are,
‖fp32 − fp64‖ / max(‖fp64‖, 10⁻⁶ · ‖all gradients‖), the worst tensor of each kind, so that the tests' tolerances have a
reason. With torch 2.15: logits 4·10⁻⁷, losses 1·10⁻⁷, gradients 1·10⁻⁶, weights after ten steps 3·10⁻⁷ at most. The biases
of the keys are left out: their gradient is zero in mathematics and noise in practice.
"""
import json
import math
import os

import numpy
import torch
import torch.nn.functional as F
import transformers
from safetensors.numpy import save

FOLDER = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "Tests", "Fixtures")
STEPS, RATE, BETAS, EPSILON, DECAY, CLIP = 10, 1e-3, (0.9, 0.99), 1e-8, 0.1, 1.0

# Odd on purpose: nothing is a multiple of a vector or a tile, and 150 positions are more than one tile.
CASES = {
    "gpt2": dict(layers=2, heads=3, width=24, feedForward=96, context=13, vocabulary=37, batch=3,
                 positions="learned", norm="pre", activation="gelu"),
    "gpt2-odd": dict(layers=1, heads=5, width=20, feedForward=44, context=11, vocabulary=31, batch=2,
                     positions="learned", norm="pre", activation="gelu"),
    "gpt2-long": dict(layers=1, heads=1, width=14, feedForward=30, context=150, vocabulary=23, batch=1,
                      positions="learned", norm="pre", activation="gelu"),
    "post-relu-sinusoidal": dict(layers=2, heads=3, width=18, feedForward=50, context=9, vocabulary=29, batch=3,
                                 positions="sinusoidal", norm="post", activation="relu"),
    "pre-relu-none": dict(layers=2, heads=2, width=14, feedForward=33, context=7, vocabulary=41, batch=4,
                          positions="none", norm="pre", activation="relu"),
    "post-gelu-learned": dict(layers=2, heads=5, width=20, feedForward=47, context=15, vocabulary=26, batch=2,
                              positions="learned", norm="post", activation="gelu"),
}


def shapes(c):
    """Our names of the parameters with their shapes, in order."""
    width, hidden = c["width"], c["feedForward"]
    yield "tokenEmbedding", (c["vocabulary"], width)
    if c["positions"] == "learned":
        yield "positionEmbedding", (c["context"], width)
    for n in range(c["layers"]):
        block = f"blocks.{n}."
        for name, shape in [
            ("attentionNorm.gain", (width,)), ("attentionNorm.bias", (width,)),
            ("attention.queryKeyValue.weight", (width, 3 * width)), ("attention.queryKeyValue.bias", (3 * width,)),
            ("attention.output.weight", (width, width)), ("attention.output.bias", (width,)),
            ("feedForwardNorm.gain", (width,)), ("feedForwardNorm.bias", (width,)),
            ("feedForward.up.weight", (width, hidden)), ("feedForward.up.bias", (hidden,)),
            ("feedForward.down.weight", (hidden, width)), ("feedForward.down.bias", (width,)),
        ]:
            yield block + name, shape
    if c["norm"] == "pre":
        yield "finalNorm.gain", (width,)
        yield "finalNorm.bias", (width,)


def start(shapes, seed):
    """Weights away from every trivial value: gains are not 1, biases are not 0."""
    random = numpy.random.default_rng(seed)
    scale = {"gain": (1, 0.3), "bias": (0, 0.2)}
    weights = {}
    for name, shape in shapes:
        mean, deviation = scale.get(name.split(".")[-1], (0, 0.25))
        weights[name] = random.normal(mean, deviation, shape).astype(numpy.float32)
    return weights


class Plain:
    """A GPT in plain PyTorch, straight from the formulae."""

    def __init__(self, c, weights, dtype):
        self.c, self.dtype = c, dtype
        self.named = {name: torch.tensor(w, dtype=dtype, requires_grad=True) for name, w in weights.items()}

    def table(self, length):
        """PE(p, 2i) = sin(p / 10000^(2i/C)), PE(p, 2i+1) = cos(the same), times 0.02·√2 as a GPT wants it."""
        width = self.c["width"]
        rows = [[(math.sin if i % 2 == 0 else math.cos)(p / 10000 ** ((i - i % 2) / width)) for i in range(width)]
                for p in range(length)]
        return torch.tensor(rows, dtype=torch.float64).mul(0.02 * math.sqrt(2)).to(self.dtype)

    def logits(self, ids):
        p, c = self.named, self.c
        batch, length = ids.shape
        x = p["tokenEmbedding"][ids]
        if c["positions"] == "learned":
            x = x + p["positionEmbedding"][:length]
        if c["positions"] == "sinusoidal":
            x = x + self.table(length)

        def norm(x, name):
            return F.layer_norm(x, (c["width"],), p[name + ".gain"], p[name + ".bias"], 1e-5)

        def linear(x, name):
            return x @ p[name + ".weight"] + p[name + ".bias"]

        def attention(x, name):
            heads, size = c["heads"], c["width"] // c["heads"]
            q, k, v = (y.view(batch, length, heads, size).transpose(1, 2)
                       for y in linear(x, name + ".queryKeyValue").split(c["width"], dim=2))
            scores = q @ k.transpose(2, 3) / math.sqrt(size)
            hidden = torch.ones(length, length, dtype=torch.bool).triu(1)
            mixed = scores.masked_fill(hidden, float("-inf")).softmax(dim=3) @ v
            return linear(mixed.transpose(1, 2).reshape(batch, length, c["width"]), name + ".output")

        def feed_forward(x, name):
            x = linear(x, name + ".up")
            x = F.gelu(x, approximate="tanh") if c["activation"] == "gelu" else F.relu(x)
            return linear(x, name + ".down")

        for n in range(c["layers"]):
            for function, name in (attention, "attention"), (feed_forward, "feedForward"):
                name = f"blocks.{n}.{name}"
                if c["norm"] == "pre":
                    x = x + function(norm(x, name + "Norm"), name)
                else:
                    x = norm(x + function(x, name), name + "Norm")
        if c["norm"] == "pre":
            x = norm(x, "finalNorm")
        return x @ p["tokenEmbedding"].T


class HuggingFace:
    """transformers' GPT-2 behind our names. Its Conv1D stores matrices [in, out], as we do."""

    def __init__(self, c, weights, dtype):
        configuration = transformers.GPT2Config(
            vocab_size=c["vocabulary"], n_positions=c["context"], n_embd=c["width"], n_layer=c["layers"],
            n_head=c["heads"], n_inner=c["feedForward"], activation_function="gelu_new", resid_pdrop=0, embd_pdrop=0,
            attn_pdrop=0, layer_norm_epsilon=1e-5, tie_word_embeddings=True, attn_implementation="eager",
            bos_token_id=0, eos_token_id=0)
        self.model = transformers.GPT2LMHeadModel(configuration).to(dtype)
        theirs = dict(self.model.named_parameters())
        assert len(theirs) == len(weights), (sorted(theirs), sorted(weights))
        self.named = {name: theirs[self.rename(name)] for name in weights}
        with torch.no_grad():
            for name, w in weights.items():
                self.named[name].copy_(torch.tensor(w, dtype=dtype))

    @staticmethod
    def rename(name):
        for ours, theirs in [
            ("tokenEmbedding", "wte.weight"), ("positionEmbedding", "wpe.weight"), ("blocks.", "h."),
            ("attentionNorm", "ln_1"), ("feedForwardNorm", "ln_2"), ("finalNorm", "ln_f"), ("gain", "weight"),
            ("attention.queryKeyValue", "attn.c_attn"), ("attention.output", "attn.c_proj"),
            ("feedForward.up", "mlp.c_fc"), ("feedForward.down", "mlp.c_proj"),
        ]:
            name = name.replace(ours, theirs)
        return "transformer." + name

    def logits(self, ids):
        return self.model(ids).logits


def run(kind, c, shapes, seed, dtype):
    """All numbers of a case, as arrays under their names. `kind` makes the model from the shape, weights and precision."""
    random = numpy.random.default_rng(seed + 500)
    weights = start(shapes, seed)
    model = kind(c, weights, dtype)
    texts = random.integers(0, c["vocabulary"], (STEPS + 1, c["batch"], c["context"] + 1))
    texts = torch.tensor(texts, dtype=torch.int64)
    ids, targets = texts[..., :-1], texts[..., 1:]
    out = {f"weights/{k}": w for k, w in weights.items()}

    def loss_of(step):
        logits = model.logits(ids[step])
        return logits, F.cross_entropy(logits.reshape(-1, c["vocabulary"]), targets[step].reshape(-1))

    logits, loss = loss_of(0)
    loss.backward()
    out |= {"ids": ids[0].int(), "targets": targets[0].int(), "logits": logits, "loss": loss.reshape(1)}
    out |= {f"gradients/{k}": p.grad.clone() for k, p in model.named.items()}

    parameters = list(model.named.values())
    optimizer = torch.optim.AdamW(
        [{"params": [p for p in parameters if p.dim() == 2], "weight_decay": DECAY},
         {"params": [p for p in parameters if p.dim() != 2], "weight_decay": 0.0}],
        lr=RATE, betas=BETAS, eps=EPSILON)
    losses, norms = [], []
    for step in range(1, STEPS + 1):
        optimizer.zero_grad()
        loss = loss_of(step)[1]
        loss.backward()
        norms.append(torch.nn.utils.clip_grad_norm_(parameters, CLIP).reshape(1))
        losses.append(loss.detach().reshape(1))
        optimizer.step()
    out |= {"steps/ids": ids[1:].int(), "steps/targets": targets[1:].int(),
            "steps/loss": torch.cat(losses), "steps/gradientNorm": torch.cat(norms)}
    out |= {f"steps/weights/{k}": p for k, p in model.named.items()}
    return {k: v if isinstance(v, numpy.ndarray) else v.detach().numpy() for k, v in out.items()}


def without_keys(name, a, c):
    """The array without the biases of the keys, whose gradient is noise."""
    if not name.endswith("queryKeyValue.bias"):
        return a
    return numpy.concatenate([a[:c["width"]], a[2 * c["width"]:]])


def distances(single, double, c):
    """For each kind of number, the largest distance of a tensor between the two precisions."""
    every = math.sqrt(sum(float((v.astype(float) ** 2).sum()) for k, v in double.items() if k.startswith("gradients/")))
    found = {}
    for name, b in double.items():
        kind = "/".join(name.split("/")[:-1]) if "weights/" in name or name.startswith("gradients/") else name
        if kind in ("weights", "ids", "targets", "steps/ids", "steps/targets"):
            continue
        a, b = without_keys(name, single[name], c).astype(float), without_keys(name, b, c).astype(float)
        distance = numpy.linalg.norm(a - b) / max(numpy.linalg.norm(b), 1e-6 * every)
        found[kind] = max(found.get(kind, 0), float(distance))
    return found


def parity():
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    tensors = {}
    about = {
        "torch": torch.__version__.split("+")[0], "transformers": transformers.__version__,
        "adamw": dict(steps=STEPS, learningRate=RATE, beta1=BETAS[0], beta2=BETAS[1], epsilon=EPSILON,
                      weightDecay=DECAY, clip=CLIP),
        "layerNormEpsilon": 1e-5, "cases": {},
    }
    for name, c in CASES.items():
        kind, seed = HuggingFace if name.startswith("gpt2") else Plain, 1000 + list(CASES).index(name)
        single, double = (run(kind, c, shapes(c), seed, dtype) for dtype in (torch.float32, torch.float64))
        noise = distances(single, double, c)
        print(name, " ".join(f"{k} {v:.1e}" for k, v in noise.items()), "loss", double["loss"][0])
        about["cases"][name] = c | {"float32FromFloat64": {k: float(f"{v:.1e}") for k, v in noise.items()}}
        for key, value in single.items():
            if not key.startswith("steps/weights/") or name in ("gpt2", "gpt2-odd"):
                tensors[f"{name}/{key}"] = numpy.ascontiguousarray(value)
    data = save(tensors)
    with open(os.path.join(FOLDER, "parity.safetensors"), "wb") as file:
        file.write(data)
    with open(os.path.join(FOLDER, "parity.json"), "w") as file:
        file.write(json.dumps(about, indent=1) + "\n")
    print(len(data), "bytes")


def philox(counter, key, rounds=10):
    """Philox4x32 of Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"."""
    mask, (a, b, c, d), (k0, k1) = 0xFFFFFFFF, counter, key
    for _ in range(rounds):
        p, q = 0xD2511F53 * a, 0xCD9E8D57 * c
        a, b, c, d = q >> 32 ^ b ^ k0, q & mask, p >> 32 ^ d ^ k1, p & mask
        k0, k1 = k0 + 0x9E3779B9 & mask, k1 + 0xBB67AE85 & mask
    return a, b, c, d


def philox_vectors():
    """The three known answers that the authors publish (they must come out), and some counters as we use them."""
    known = [
        ((0,) * 4, (0,) * 2, (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        ((0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344), (0xA4093822, 0x299F31D0),
         (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1)),
    ]
    for counter, key, answer in known:
        assert philox(counter, key) == answer
    inputs = [(counter, key) for counter, key, _ in known]
    inputs += [((step, site, sample, eighth), (1337, high)) for step, site, sample, eighth, high in [
        (1, 0, 0, 0, 0), (1, 0, 0, 1, 0), (1, 0, 1, 0, 0), (1, 1, 0, 0, 0), (2, 0, 0, 0, 0), (1, 0, 0, 0, 1),
        (2000, 19, 63, 12287, 0)]]
    with open(os.path.join(FOLDER, "philox4x32-10.txt"), "w") as file:
        file.write("# Philox4x32-10: four words of counter, two of key, four of output, in hexadecimal.\n"
                   "# The first three are the authors' known answers; Scripts/make_fixtures.py computed the others.\n")
        for counter, key in inputs:
            file.write(" ".join(f"{word:08x}" for word in counter + key + philox(counter, key)) + "\n")


if __name__ == "__main__":
    os.makedirs(FOLDER, exist_ok=True)
    philox_vectors()
    parity()
