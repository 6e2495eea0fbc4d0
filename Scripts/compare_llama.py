#!/usr/bin/env python3
"""Generation in turn with llama.cpp: the same models, one text, one token at a time after a prompt of eight.

    python3 -m venv peers && peers/bin/pip install llama-cpp-python
    peers/bin/python Scripts/compare_llama.py [--runs char:bf16,gpt2:fp32] [--rounds 5] [--threads 2] [--folder FOLDER]

`make compare-llama PEERS=peers/bin/python` runs it. The models are of one training step, since values do not matter to the
speed: `char` has 6 layers of width 384, `gpt2` GPT-2's shape with 50,257 made-up tokens, `half` half a billion parameters
(9 GB of memory to make it). `minigpt export --to gguf` writes them for llama.cpp in the same type of weights; int8 is Q8_0
there, int4 is Q4_0. Each round times one and then the other, about a second each; the median of the rounds' ratios counts.
The share is that of the memory bandwidth that `minigpt bench` measures in the same round. --folder keeps the models (3 GB)
for the next time.
"""
import argparse
import json
import os
import statistics
import sys
import tempfile
import time

from bench import CORPUS, PROGRAM, run

SHAPES = {
    "char": "--tokenizer char --layers 6 --heads 6 --embd 384 --context 256",
    "gpt2": "--tokenizer {folder}/pairs.json --layers 12 --heads 12 --embd 768 --context 1024",
    "half": "--tokenizer {folder}/pairs.json --layers 24 --heads 20 --embd 1280 --context 1024 --optimizer adamw",
}
PROMPT = [1, 2, 3, 4, 5, 6, 7, 8]


def write_tokenizer(path):
    """50,257 tokens in the format of Hugging Face: 256 bytes, 50,000 pairs of them, and the end of a text."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    letters = [chr(byte) for byte in printable] + [chr(256 + place) for place in range(len(others))]
    merges = [(letters[n // 256], letters[n % 256]) for n in range(50_000)]
    tokens = letters + [left + right for left, right in merges]
    end = "<|endoftext|>"
    with open(path, "w", encoding="utf-8") as file:
        json.dump({
            "version": "1.0", "truncation": None, "padding": None,
            "added_tokens": [{"id": len(tokens), "content": end, "single_word": False, "lstrip": False, "rstrip": False,
                              "normalized": False, "special": True}],
            "normalizer": None,
            "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True},
            "post_processor": None, "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
            "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
                      "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False,
                      "vocab": {token: place for place, token in enumerate([*tokens, end])},
                      "merges": [list(merge) for merge in merges]},
        }, file)


def models(folder, shape, weights):
    """A checkpoint and the same as GGUF, made where they are missing."""
    small, peer = os.path.join(folder, shape + ".safetensors"), os.path.join(folder, f"{shape}-{weights}.gguf")
    if not os.path.exists(small):
        write_tokenizer(os.path.join(folder, "pairs.json"))
        text, trained = os.path.join(folder, "text.txt"), os.path.join(folder, "trained.safetensors")
        with open(CORPUS, encoding="utf-8") as file, open(text, "w", encoding="utf-8") as short:
            short.write(file.read(60_000))
        run(PROGRAM, "train", text, *SHAPES[shape].format(folder=folder).split(), "--steps", "1", "--batch-size", "1",
            "--eval-every", "1000", "--val-fraction", "0.05", "--seed", "1", "--overwrite", "--quiet", "--out", trained)
        run(PROGRAM, "export", trained, "--to", "safetensors", "--out", small)
        for name in os.listdir(folder):
            if name.startswith("trained."):
                os.remove(os.path.join(folder, name))
    if not os.path.exists(peer):
        run(PROGRAM, "export", small, "--to", "gguf", "--weights", weights, "--out", peer)
    return small, peer


def llama(path, tokens, threads):
    """What times llama.cpp on a file: the best of about a second."""
    from llama_cpp import Llama
    model = Llama(path, n_ctx=0, n_threads=threads, n_threads_batch=threads, verbose=False)

    def turn():
        model.reset()
        model.eval(PROMPT)
        start = time.perf_counter()
        for place in range(tokens):
            model.eval([place * 7 % 60 + 1])
        return tokens / (time.perf_counter() - start)

    def times():
        end, best = time.perf_counter() + 1, 0
        while time.perf_counter() < end or not best:
            best = max(best, turn())
        return best

    return times


def ours(path, weights, tokens, threads):
    """Records of one text and of eight."""
    said = run(PROGRAM, "bench", "--only", "generation", "--model", path, "--weights", weights, "--steps", str(tokens),
               "--threads", str(threads), "--json", "--quiet")
    return [json.loads(line) for line in said.splitlines()]


def main():
    parser = argparse.ArgumentParser(description="Generation in turn with llama.cpp.")
    parser.add_argument("--runs", default="char:fp32,char:bf16,char:int8,gpt2:fp32,gpt2:bf16,gpt2:int8")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tokens", type=int, default=128)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--folder", help="where the models are kept; a temporary one by default")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or temporary
        os.makedirs(folder, exist_ok=True)
        for name in options.runs.split(","):
            shape, weights = name.split(":")
            small, other = models(folder, shape, weights)
            if not options.rounds:
                continue
            peer, rounds = llama(other, options.tokens, options.threads), []
            for _ in range(options.rounds):
                one, eight = ours(small, weights, options.tokens, options.threads)
                rounds.append({"minigpt": one["tokens_per_s"], "llama.cpp": peer(), "share_of_memory": one["share_of_memory"],
                               "memory_gb_per_s": one["memory_gb_per_s"],
                               "eight_to_one": eight["tokens_per_s"] / one["tokens_per_s"]})
            ratio = statistics.median(r["minigpt"] / r["llama.cpp"] for r in rounds)
            best = {key: max(r[key] for r in rounds) for key in rounds[0]}
            middle = {key: statistics.median(r[key] for r in rounds) for key in rounds[0]}
            if options.json:
                print(json.dumps({"shape": shape, "weights": weights, "threads": options.threads, "ratio": round(ratio, 3),
                                  "best": best, "median": middle}), flush=True)
                continue
            print(f"{shape} {weights}: {middle['minigpt']:,.0f} tokens/s, llama.cpp {middle['llama.cpp']:,.0f}: ratio {ratio:.2f} "
                  f"(best {best['minigpt']:,.0f} and {best['llama.cpp']:,.0f}); {100 * middle['share_of_memory']:.0f} % of the memory's "
                  f"{middle['memory_gb_per_s']:.0f} GB/s; eight texts {middle['eight_to_one']:.1f} times one", flush=True)


if __name__ == "__main__":
    sys.exit(main())
