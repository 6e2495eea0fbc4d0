#!/usr/bin/env python3
"""Writes the numbers that the translator's tests compare it with, computed by transformers' Marian and Pegasus.

    python3 -m venv peers && peers/bin/pip install torch transformers safetensors numpy
    peers/bin/python Scripts/make_translation_fixtures.py

writes into Tests/Fixtures: translators.safetensors (numbers) and translators.json (shapes, versions, and how far fp32 is
from fp64). Each case holds, under its name: `source` [B, S], `input` and `targets` [B, T], `sourceLengths` and
`targetLengths` [B] (I32; behind a sentence's end stand `<pad>` and, in the targets, -1), `weights/…`, `logits` of the
rows that count, one sentence after another [·, V - 1], without `<pad>`; and for label smoothing 0 and 0.1 `loss` [1] and
`gradients/…`, `smoothLoss` and `smoothGradients/…`. The loss is the mean over the targets that count, in nats, by
torch's cross_entropy over all ids but `<pad>`. The gradient of the row of `<pad>` is 0: it is frozen.

`marian…` are MarianMTModel (norms behind the sub-layers), `pegasus…` PegasusForConditionalGeneration (norms before them).
Names and layouts are ours: matrices [in, out], y = x W + b; queries, keys and values side by side. Both classes keep the
sines of a position in the first half of its channels and the cosines in the second, while the paper and we interleave
them: the axis of the residual stream is permuted on the way to them, and on the way back.
"""
import json
import math
import os

import numpy
import torch
import torch.nn.functional as F
import transformers
from safetensors.numpy import save

from make_fixtures import FOLDER, without_keys

# Odd on purpose: nothing is a multiple of a vector.
CASES = {
    "marian": dict(encoderLayers=2, decoderLayers=2, heads=2, width=10, feedForward=23, context=12, vocabulary=29,
                   norm="post", activation="relu", lengths=[[7, 5], [3, 9], [9, 1]]),
    "marian-gelu": dict(encoderLayers=1, decoderLayers=1, heads=3, width=18, feedForward=21, context=9, vocabulary=17,
                        norm="post", activation="gelu", lengths=[[4, 4], [8, 2]]),
    "pegasus": dict(encoderLayers=1, decoderLayers=2, heads=2, width=14, feedForward=19, context=10, vocabulary=31,
                    norm="pre", activation="relu", lengths=[[6, 8], [1, 3], [10, 6]]),
}


def shapes(c):
    """Our names of the parameters with their shapes, in order."""
    width, hidden = c["width"], c["feedForward"]

    def norm(name):
        yield name + ".gain", (width,)
        yield name + ".bias", (width,)

    def attention(name):
        for part, out in [("queryKeyValue", 3 * width), ("output", width)]:
            yield f"{name}.{part}.weight", (width, out)
            yield f"{name}.{part}.bias", (out,)

    yield "tokenEmbedding", (c["vocabulary"], width)
    for side in ("encoder", "decoder"):
        for n in range(c[side + "Layers"]):
            block = f"{side}.blocks.{n}."
            for name in ["attention"] + (["crossAttention"] if side == "decoder" else []):
                yield from norm(block + name + "Norm")
                yield from attention(block + name)
            yield from norm(block + "feedForwardNorm")
            yield block + "feedForward.up.weight", (width, hidden)
            yield block + "feedForward.up.bias", (hidden,)
            yield block + "feedForward.down.weight", (hidden, width)
            yield block + "feedForward.down.bias", (width,)
        if c["norm"] == "pre":
            yield from norm(side + ".finalNorm")


def start(c, seed):
    """Weights away from every trivial value, but zeros for `<pad>`."""
    random = numpy.random.default_rng(seed)
    scale = {"gain": (1, 0.3), "bias": (0, 0.2)}
    weights = {name: random.normal(*scale.get(name.split(".")[-1], (0, 0.3)), shape).astype(numpy.float32)
               for name, shape in shapes(c)}
    weights["tokenEmbedding"][-1] = 0
    return weights


def permutation(width):
    """For each of their channels, ours: 0, 2, 4 … then 1, 3, 5 …"""
    return torch.tensor(list(range(0, width, 2)) + list(range(1, width, 2)))


def theirs(ours, c):
    """Our parameters under transformers' names and in its layouts; gradients flow through."""
    order, width, out = permutation(c["width"]), c["width"], {}
    out["model.shared.weight"] = ours["tokenEmbedding"][:, order]
    for side in ("encoder", "decoder"):
        for n in range(c[side + "Layers"]):
            block, layer = f"{side}.blocks.{n}.", f"model.{side}.layers.{n}."
            names = [("attention", "self_attn")] + ([("crossAttention", "encoder_attn")] if side == "decoder" else [])
            for name, their in names:
                weight, bias = ours[block + name + ".queryKeyValue.weight"], ours[block + name + ".queryKeyValue.bias"]
                for index, part in enumerate("qkv"):
                    columns = slice(index * width, (index + 1) * width)
                    out[f"{layer}{their}.{part}_proj.weight"] = weight[:, columns].T[:, order]
                    out[f"{layer}{their}.{part}_proj.bias"] = bias[columns]
                out[f"{layer}{their}.out_proj.weight"] = ours[block + name + ".output.weight"].T[order]
                out[f"{layer}{their}.out_proj.bias"] = ours[block + name + ".output.bias"][order]
                out[f"{layer}{their}_layer_norm.weight"] = ours[block + name + "Norm.gain"][order]
                out[f"{layer}{their}_layer_norm.bias"] = ours[block + name + "Norm.bias"][order]
            out[layer + "fc1.weight"] = ours[block + "feedForward.up.weight"].T[:, order]
            out[layer + "fc1.bias"] = ours[block + "feedForward.up.bias"]
            out[layer + "fc2.weight"] = ours[block + "feedForward.down.weight"].T[order]
            out[layer + "fc2.bias"] = ours[block + "feedForward.down.bias"][order]
            out[layer + "final_layer_norm.weight"] = ours[block + "feedForwardNorm.gain"][order]
            out[layer + "final_layer_norm.bias"] = ours[block + "feedForwardNorm.bias"][order]
        if c["norm"] == "pre":
            out[f"model.{side}.layer_norm.weight"] = ours[side + ".finalNorm.gain"][order]
            out[f"model.{side}.layer_norm.bias"] = ours[side + ".finalNorm.bias"][order]
    return out


def model_of(c, dtype):
    pad = c["vocabulary"] - 1
    settings = dict(
        vocab_size=c["vocabulary"], d_model=c["width"], encoder_layers=c["encoderLayers"],
        decoder_layers=c["decoderLayers"], encoder_ffn_dim=c["feedForward"], decoder_ffn_dim=c["feedForward"],
        encoder_attention_heads=c["heads"], decoder_attention_heads=c["heads"], max_position_embeddings=c["context"],
        activation_function={"relu": "relu", "gelu": "gelu_new"}[c["activation"]], scale_embedding=True, dropout=0.0,
        attention_dropout=0.0, activation_dropout=0.0, pad_token_id=pad, eos_token_id=0, bos_token_id=None,
        decoder_start_token_id=pad, forced_eos_token_id=None, attn_implementation="eager")
    if c["norm"] == "post":
        settings |= dict(decoder_vocab_size=c["vocabulary"], share_encoder_decoder_embeddings=True)
        model = transformers.MarianMTModel(transformers.MarianConfig(**settings))
    else:
        model = transformers.PegasusForConditionalGeneration(transformers.PegasusConfig(**settings))
    return model.to(dtype).eval()


def texts(c, random):
    """Sentences that end with `</s>`, 0; the decoder is given `<pad>` and what came before."""
    pad, pairs = c["vocabulary"] - 1, []
    for source, target in c["lengths"]:
        pairs.append([list(random.integers(2, pad, length - 1)) + [0] for length in (source, target)])
    long = [max(len(pair[side]) for pair in pairs) for side in (0, 1)]
    fill = lambda ids, length, value: ids + [value] * (length - len(ids))
    return {
        "source": [fill(s, long[0], pad) for s, _ in pairs],
        "input": [fill([pad] + t[:-1], long[1], pad) for _, t in pairs],
        "targets": [fill(t, long[1], -1) for _, t in pairs],
        "sourceLengths": [len(s) for s, _ in pairs], "targetLengths": [len(t) for _, t in pairs],
    }


def run(name, c, dtype):
    """All numbers of a case, as arrays under their names."""
    seed = 2000 + list(CASES).index(name)
    weights = start(c, seed)
    ids = {k: torch.tensor(v) for k, v in texts(c, numpy.random.default_rng(seed + 500)).items()}
    out = {f"weights/{k}": w for k, w in weights.items()} | {k: v.int() for k, v in ids.items()}
    model = model_of(c, dtype)
    masks = [torch.arange(ids[text].shape[1])[None, :] < ids[text_lengths][:, None]
             for text, text_lengths in (("source", "sourceLengths"), ("input", "targetLengths"))]
    for smoothing, prefix in ((0.0, ""), (0.1, "smooth")):
        ours = {k: torch.tensor(w, dtype=dtype, requires_grad=True) for k, w in weights.items()}
        logits = torch.func.functional_call(
            model, theirs(ours, c), kwargs=dict(
                input_ids=ids["source"], attention_mask=masks[0].long(), decoder_input_ids=ids["input"],
                decoder_attention_mask=masks[1].long(), use_cache=False)).logits[..., :-1]
        loss = F.cross_entropy(
            logits.reshape(-1, c["vocabulary"] - 1), ids["targets"].reshape(-1), ignore_index=-1,
            label_smoothing=smoothing)
        loss.backward()
        gradients = {k: p.grad.clone() for k, p in ours.items()}
        gradients["tokenEmbedding"][-1] = 0
        out |= {f"{prefix}Loss" if prefix else "loss": loss.reshape(1)}
        out |= {f"{prefix}Gradients/{k}" if prefix else f"gradients/{k}": g for k, g in gradients.items()}
        out["logits"] = logits[masks[1]]
    return {k: v if isinstance(v, numpy.ndarray) else v.detach().numpy() for k, v in out.items()}


def distances(single, double, c):
    """For each kind of number, the largest distance of a tensor between the two precisions."""
    every = math.sqrt(sum(float((v.astype(float) ** 2).sum()) for k, v in double.items() if k.startswith("gradients/")))
    found = {}
    for name, b in double.items():
        kind = name.split("/")[0]
        if single[name].dtype != numpy.float32 or kind == "weights":
            continue
        a, b = without_keys(name, single[name], c).astype(float), without_keys(name, b, c).astype(float)
        distance = numpy.linalg.norm(a - b) / max(numpy.linalg.norm(b), 1e-6 * every)
        found[kind] = max(found.get(kind, 0), float(distance))
    return found


def main():
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    tensors = {}
    about = {"torch": torch.__version__.split("+")[0], "transformers": transformers.__version__, "cases": {}}
    for name, c in CASES.items():
        single, double = run(name, c, torch.float32), run(name, c, torch.float64)
        noise = distances(single, double, c)
        print(name, " ".join(f"{k} {v:.1e}" for k, v in noise.items()), "loss", double["loss"][0])
        about["cases"][name] = c | {"float32FromFloat64": {k: float(f"{v:.1e}") for k, v in noise.items()}}
        for key, value in single.items():
            tensors[f"{name}/{key}"] = numpy.ascontiguousarray(value)
    data = save(tensors)
    with open(os.path.join(FOLDER, "translators.safetensors"), "wb") as file:
        file.write(data)
    with open(os.path.join(FOLDER, "translators.json"), "w") as file:
        file.write(json.dumps(about, indent=1) + "\n")
    print(len(data), "bytes")


if __name__ == "__main__":
    main()
