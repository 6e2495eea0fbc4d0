#!/usr/bin/env python3
"""Do other programs compute the same with our models, and we with theirs?

    pip install torch transformers tokenizers tiktoken llama-cpp-python ctranslate2
    python Scripts/verify_interop.py TEXT [--program .build/release/minigpt] [--steps 300] [--keep FOLDER]
        [--pairs corpora/grammar.tsv] [--valid-pairs corpora/grammar.valid.tsv] [--translators FILE...]
        [--speed [FILE=PAIRS...]]

Trains small models on TEXT (byte-pair, byte and ASCII character vocabularies, learned and sinusoidal positions), exports
them, and lets transformers, llama.cpp and tiktoken open them: logits, loss, ids on strings that hurt, greedy text. Then
the other way: folders that transformers wrote with random weights, in several shapes, sharded, fp16, bf16, and fine-tuned
here with --init. Translators of both kinds, trained on --pairs or given, go to transformers and CTranslate2: loss, greedy and
beam output. Exports that come back must be the same bits. What is not installed is said and left out. The last
line says how many comparisons failed.

With --speed only the time is measured that a thousand sentences take at beam 5 on two threads, here and in CTranslate2, in
turn: of the grammar's validation with a translator trained here, or of PAIRS with the translator FILE. Ours is the whole
process; CTranslate2 has its model loaded, and gets and gives text as we do, through its tokenizer; of its ways to use two threads
and of some batch sizes the fastest counts.
"""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import numpy
import torch
import transformers
from safetensors.numpy import load_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

try:
    import llama_cpp
except ImportError:
    llama_cpp = None
try:
    import ctranslate2
except ImportError:
    ctranslate2 = None
try:
    import tiktoken
except ImportError:
    tiktoken = None

transformers.logging.set_verbosity_error()
torch.set_num_threads(2)

END = "<|endoftext|>"
GPT2_RULE = r"""'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"""
HURTING = [
    "", " ", "  ", "\n", "\r\n", "\t\t x", "Hello world", " two  spaces\n\n\nand \n newlines ", "it's I'll we've 'S 'sx",
    "\u00fcber na\u00efve \u6f22\u5b57 \U0001f600\U0001f1e9\U0001f1ea", "e\u0301 \u0130 \u00a0\u2003x\u200b", "0 00 000 1234567890", "a" * 300,
    "!?...--- (x) [y] {z}", "<|endoftext", "\u0000\u0001\u007f", "x" + "\u0301" * 40, "\u0928\u092e\u0938\u094d\u0924\u0947 \u0639\u0631\u0628\u064a \ud55c\uad6d\uc5b4"]
PROMPT = "KING "
CONTEXT = 256
failures = comparisons = 0


def report(what, good, detail=""):
    global failures, comparisons
    comparisons += 1
    failures += not good
    print(f"{'ok    ' if good else 'FAILED'} {what}{': ' + detail if detail else ''}", flush=True)


def minigpt(*arguments, text=b"", fails=False):
    done = subprocess.run([options.program, *map(str, arguments)], input=text, capture_output=True)
    if done.returncode != 0 and not fails:
        sys.exit(f"minigpt {' '.join(map(str, arguments))}: {done.stderr.decode()}")
    return done.stderr.decode() if fails else done.stdout


def path(name):
    return os.path.join(folder, name)


def ids_of(tokenizer, text):
    """Our ids; None where the vocabulary lacks a character."""
    done = subprocess.run([options.program, "tokenizer", "encode", "--tokenizer", tokenizer], input=text.encode(),
                          capture_output=True)
    return [int(word) for word in done.stdout.split()] if done.returncode == 0 else None


def train(name, *flags):
    minigpt("train", path("train.txt"), "--out", path(name), "--layers", 2, "--heads", 4, "--embd", 128, "--context", CONTEXT,
            "--batch-size", 8, "--steps", options.steps, "--lr", 3e-3, "--seed", 7, "--eval-every", 100000, "--overwrite", "--quiet", *flags)
    return path(name)


def windows(ids, context):
    for start in range(0, len(ids) - 1, context):
        inputs = ids[start:start + context]
        targets = ids[start + 1:start + context + 1]
        yield inputs[:len(targets)], targets


def their_logits(model, ids):
    rows = []
    with torch.no_grad():
        for inputs, _ in windows(ids, model.config.max_position_embeddings):
            rows.append(model(torch.tensor([inputs])).logits[0])
    return torch.cat(rows)


def loss_of(logits, ids):
    return torch.nn.functional.cross_entropy(logits.double(), torch.tensor(ids[1:])).item()


def our_greedy(model, count):
    line = minigpt("sample", "--model", model, "--prompt", PROMPT, "--greedy", "-n", count, "--ignore-eos", "--json", "--quiet")
    return json.loads(line)["text"][len(PROMPT):]


def same_until_tie(ours, step, decode, prompt, count):
    """Follows the other program greedily; good where the text is ours, or is until two tokens are as likely."""
    ids = list(prompt)
    for place in range(count):
        scores = torch.log_softmax(torch.as_tensor(step(ids), dtype=torch.float64), -1)
        best = scores.topk(2)
        said = decode(ids[len(prompt):] + [best.indices[0].item()])
        if not (ours.startswith(said) or said.rstrip("\ufffd") == ours[:len(said.rstrip("\ufffd"))]):
            gap = (best.values[0] - best.values[1]).item()
            return gap < 1e-3, f"parts after {place} tokens, where two are {gap:.1e} apart"
        ids.append(best.indices[0].item())
    return True, f"{count} tokens"


def without_ends(model, scores):
    """--ignore-eos never says what ends a text; random weights find it likely now and then."""
    ends = model.config.eos_token_id
    scores[[end for end in (ends if isinstance(ends, list) else [ends]) if end is not None and end < len(scores)]] = -torch.inf
    return scores


def check_transformers(name, model_path, hf, exact=True):
    model, info = transformers.AutoModelForCausalLM.from_pretrained(hf, output_loading_info=True, dtype=torch.float32)
    model.eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(hf)
    report(f"{name}: transformers finds every tensor", not any(info.values()), str({k: v for k, v in info.items() if v} or ""))
    text = open(path("valid.txt"), encoding="utf-8").read()
    wrong = []
    for string in HURTING + [text]:
        ours = ids_of(model_path, string)
        if ours is not None and tokenizer(string)["input_ids"] != ours:
            wrong.append(string[:20])
    report(f"{name}: AutoTokenizer has our ids", not wrong, str(wrong or ""))
    ids = tokenizer(text)["input_ids"]
    logits = their_logits(model, ids)
    result = json.loads(minigpt("eval", model_path, path("valid.txt"), "--json", "--quiet"))
    theirs = loss_of(logits, ids)
    report(f"{name}: loss", abs(theirs - result["loss"]) <= 1e-4, f"{theirs:.6f} there, {result['loss']:.6f} here")
    if "--logits" in HELP:
        minigpt("eval", model_path, path("valid.txt"), "--logits", path("logits"), "--overwrite", "--quiet")
        ours = torch.from_numpy(load_file(path("logits"))["logits"].copy())
        distance = ((ours - logits).norm() / logits.norm()).item()
        report(f"{name}: logits", distance <= 1e-4, f"distance {distance:.1e}")
    if not exact:
        return
    prompt = tokenizer(PROMPT)["input_ids"]
    with torch.no_grad():
        good, detail = same_until_tie(
            our_greedy(model_path, 200), lambda ids: without_ends(model, model(torch.tensor([ids])).logits[0, -1]),
            lambda ids: tokenizer.decode(ids, clean_up_tokenization_spaces=False), prompt, 200)
    report(f"{name}: greedy text of transformers", good, detail)


def check_llama(name, model_path):
    for weights in ["fp32", "f16", "bf16", "int8", "int4"]:
        file = path(f"{weights}.gguf")
        minigpt("export", model_path, "--to", "gguf", "--weights", weights, "--out", file, "--overwrite", "--quiet")
        if llama_cpp is None:
            continue
        # llama.cpp writes to the descriptor, behind Python's back.
        saved, log = os.dup(2), open(path("log"), "wb")
        os.dup2(log.fileno(), 2)
        model = llama_cpp.Llama(file, n_ctx=CONTEXT, logits_all=True, verbose=True, n_threads=2)
        os.dup2(saved, 2)
        lines = open(path("log"), errors="replace").read().splitlines()
        warnings = [line for line in lines if "DEGRADED" in line or "vocab" in line and ("warning" in line.lower() or " W " in line)
                    or "missing" in line]
        report(f"{name}: llama.cpp opens {weights}", not warnings, str(warnings or ""))
        if weights != "fp32":
            continue
        wrong = [string[:20] for string in HURTING
                 if string and ids_of(model_path, string) is not None
                 and model.tokenize(string.encode(), add_bos=False, special=False) != ids_of(model_path, string)]
        report(f"{name}: llama.cpp has our ids", not wrong, str(wrong or ""))

        def step(ids):
            if model.n_tokens and model.n_tokens < len(ids):
                model.eval(ids[model.n_tokens:])
            else:
                model.reset()
                model.eval(ids)
            return model.scores[model.n_tokens - 1].copy()
        prompt = model.tokenize(PROMPT.encode(), add_bos=False)
        good, detail = same_until_tie(
            our_greedy(model_path, 200), step,
            lambda ids: b"".join(model.detokenize([i]) for i in ids).decode(errors="replace"), prompt, 200)
        report(f"{name}: greedy text of llama.cpp", good, detail)
    minigpt("import", path("fp32.gguf"), "--out", path("back"), "--overwrite", "--quiet")
    same_weights(f"{name}: GGUF and back, the same bits", model_path)


def same_weights(what, model_path):
    minigpt("export", model_path, "--to", "safetensors", "--out", path("own"), "--overwrite", "--quiet")
    report(what, open(path("own"), "rb").read() == open(path("back"), "rb").read())


def check_tiktoken(name, model_path):
    if tiktoken is None:
        return
    minigpt("export", model_path, "--to", "tiktoken", "--out", path("ranks"), "--overwrite", "--quiet")
    from tiktoken.load import load_tiktoken_bpe
    ranks = load_tiktoken_bpe(path("ranks"))
    encoding = tiktoken.Encoding("ours", pat_str=GPT2_RULE, mergeable_ranks=ranks, special_tokens={END: len(ranks)})
    texts = HURTING + [open(path("valid.txt"), encoding="utf-8").read()]
    wrong = [text[:20] for text in texts if encoding.encode_ordinary(text) != ids_of(model_path, text)]
    report(f"{name}: tiktoken has our ids", not wrong, str(wrong or ""))


def ours():
    models_ = {
        "bpe": ["--vocab-size", 1024], "bpe, sinusoidal": ["--vocab-size", 1024, "--positions", "sinusoidal"],
        "bpe, no positions": ["--vocab-size", 1024, "--positions", "none"], "byte": ["--tokenizer", "byte"],
        "byte, sinusoidal": ["--tokenizer", "byte", "--positions", "sinusoidal"], "char": ["--tokenizer", "char"],
        "char, sinusoidal": ["--tokenizer", "char", "--positions", "sinusoidal"],
        "relu": ["--vocab-size", 1024, "--activation", "relu", "--ffn", 320],
        "cl100k": ["--vocab-size", 1024, "--split", "cl100k"]}
    for name, flags in models_.items():
        model = train(name.replace(", ", "-").replace(" ", "-") + ".safetensors", *flags)
        minigpt("export", model, "--to", "hf", "--out", path("hf"), "--overwrite", "--quiet")
        check_transformers(name, model, path("hf"))
        minigpt("import", path("hf"), "--out", path("back"), "--overwrite", "--quiet")
        same_weights(f"{name}: Hugging Face and back, the same bits", model)
        if name != "relu":
            check_llama(name, model)
        if name == "bpe" or name == "byte":
            check_tiktoken(name, model) if name == "bpe" else None
    for weights in ["bf16", "f16"]:
        model = path("bpe.safetensors")
        minigpt("export", model, "--to", "hf", "--weights", weights, "--out", path("hf"), "--overwrite", "--quiet")
        check_transformers(f"bpe in {weights}", path("hf"), path("hf"))
    post = train("post.safetensors", "--vocab-size", 1024, "--norm", "post")
    for form in ["hf", "gguf"]:
        said = minigpt("export", post, "--to", form, "--out", path("refused"), fails=True)
        report(f"post-norm is refused by {form}", "post-norm" in said and not os.path.exists(path("refused")))


def make_tokenizer(size):
    text = open(path("train.txt"), encoding="utf-8").read()
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator([text], trainers.BpeTrainer(
        vocab_size=size, special_tokens=[END], initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    return tokenizer, transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=END, bos_token=END)


def give_numbers(model):
    """Rows of ones and zeros would hide that they are not read."""
    for parameter in model.parameters():
        if parameter.dim() == 1:
            torch.nn.init.normal_(parameter, parameter.mean().item(), 0.1)


def write_theirs(name, shape, **how):
    tokenizer, fast = make_tokenizer(shape["vocab_size"])
    torch.manual_seed(3)
    model = transformers.GPT2LMHeadModel(transformers.GPT2Config(
        initializer_range=0.2, bos_token_id=0, eos_token_id=0, **{**shape, "vocab_size": len(fast)}))
    give_numbers(model)
    if "dtype" in how:
        model = model.to(how["dtype"])
    hf = path(name)
    shutil.rmtree(hf, ignore_errors=True)
    (model.transformer if how.get("bare") else model).save_pretrained(hf, max_shard_size=how.get("shard", "1GB"))
    if how.get("merges"):
        tokenizer.model.save(hf)
    else:
        fast.save_pretrained(hf)
    return hf


def theirs():
    shape = {"vocab_size": 900, "n_positions": CONTEXT, "n_embd": 96, "n_layer": 3, "n_head": 4}
    wide = {"vocab_size": 700, "n_positions": CONTEXT, "n_embd": 60, "n_layer": 2, "n_head": 5, "n_inner": 100}
    deep = {"vocab_size": 600, "n_positions": 300, "n_embd": 32, "n_layer": 8, "n_head": 1, "activation_function": "relu"}
    for name, hf in {
            "theirs": write_theirs("theirs", shape), "theirs, another shape": write_theirs("wide", wide),
            "theirs, deep": write_theirs("deep", deep),
            "theirs, sharded": write_theirs("sharded", shape, shard="300KB"),
            "theirs, fp16": write_theirs("fp16", shape, dtype=torch.float16),
            "theirs, bf16, sharded": write_theirs("bf16", shape, dtype=torch.bfloat16, shard="200KB"),
            "theirs, no prefix": write_theirs("bare", shape, bare=True),
            "theirs, vocab.json and merges.txt": write_theirs("merges", shape, merges=True)}.items():
        check_transformers(name, hf, hf, exact=CONTEXT <= 300)
        minigpt("import", hf, "--out", path("back"), "--overwrite", "--quiet")
        same_weights(f"{name}: imported, the same bits", hf)
    hf = path("sharded")
    minigpt("train", path("train.txt"), "--init", hf, "--out", path("tuned.safetensors"), "--steps", 30, "--lr", 1e-3,
            "--batch-size", 4, "--seed", 1, "--overwrite", "--quiet")
    minigpt("export", path("tuned.safetensors"), "--to", "hf", "--out", path("tuned"), "--overwrite", "--quiet")
    before = json.loads(minigpt("eval", hf, path("valid.txt"), "--json", "--quiet"))["loss"]
    after = json.loads(minigpt("eval", path("tuned.safetensors"), path("valid.txt"), "--json", "--quiet"))["loss"]
    report("fine-tuned with --init", after < before, f"{before:.4f} before, {after:.4f} after")
    check_transformers("fine-tuned", path("tuned.safetensors"), path("tuned"))


TODAY = {
    "llama": ["--arch", "llama"],
    "llama, grouped, untied": ["--arch", "llama", "--kv-heads", 2, "--tied", "off", "--rope-base", 500],
    "llama, biases, wide heads": ["--arch", "llama", "--biases", "on", "--head-width", 48, "--norm-eps", 1e-5],
    "llama, narrow heads, one of keys": ["--arch", "llama", "--head-width", 16, "--kv-heads", 1, "--ffn", 352],
    "qwen3": ["--arch", "qwen3"],
    "qwen3, grouped, untied": ["--arch", "qwen3", "--kv-heads", 2, "--tied", "off"],
    "qwen3, wide heads": ["--arch", "qwen3", "--head-width", 64, "--rope-base", 1e6],
    "qwen3, one head of keys": ["--arch", "qwen3", "--kv-heads", 1, "--ffn", 288, "--norm-eps", 1e-5]}


def today():
    """Today's decoders, ours there and theirs here."""
    for name, flags in TODAY.items():
        # How a model started is no part of any format, so that the files could not be the same.
        model = train(name.replace(", ", "-").replace(" ", "-") + ".safetensors", "--vocab-size", 1024, "--zero-init", "off",
                      *flags)
        for weights in ["fp32", "bf16"]:
            minigpt("export", model, "--to", "hf", "--weights", weights, "--out", path("hf"), "--overwrite", "--quiet")
            check_transformers(f"{name}, {weights}", model if weights == "fp32" else path("hf"), path("hf"))
            if weights == "fp32":
                minigpt("import", path("hf"), "--out", path("back"), "--overwrite", "--quiet")
                same_weights(f"{name}: Hugging Face and back, the same bits", model)
        check_llama(name, model)
    for kind in ["llama", "qwen3"]:
        base = {"vocab_size": 900, "max_position_embeddings": CONTEXT, "hidden_size": 96, "intermediate_size": 250,
                "num_hidden_layers": 3, "num_attention_heads": 6}
        for name, change in {
                "plain": {"num_key_value_heads": 6, "head_dim": 16},
                "grouped, tied": {"num_key_value_heads": 2, "head_dim": 16, "tie_word_embeddings": True},
                "wide heads": {"num_key_value_heads": 3, "head_dim": 40, "rope_parameters": {"rope_type": "default", "rope_theta": 1e6}},
                "deep": {"num_key_value_heads": 1, "head_dim": 8, "num_hidden_layers": 7, "rms_norm_eps": 1e-5}}.items():
            for dtype in [torch.float32, torch.bfloat16]:
                hf = write_today(f"their-{kind}", kind, {**base, **change}, dtype)
                label = f"their {kind}, {name}, {str(dtype)[6:]}"
                check_transformers(label, hf, hf)
                minigpt("import", hf, "--out", path("back"), "--overwrite", "--quiet")
                same_weights(f"{label}: imported, the same bits", hf)
        minigpt("train", path("train.txt"), "--init", hf, "--out", path("tuned.safetensors"), "--steps", 30, "--lr", 1e-3,
                "--batch-size", 4, "--seed", 1, "--overwrite", "--quiet")
        minigpt("export", path("tuned.safetensors"), "--to", "hf", "--out", path("tuned"), "--overwrite", "--quiet")
        before = json.loads(minigpt("eval", hf, path("valid.txt"), "--json", "--quiet"))["loss"]
        after = json.loads(minigpt("eval", path("tuned.safetensors"), path("valid.txt"), "--json", "--quiet"))["loss"]
        report(f"{kind} fine-tuned with --init", after < before, f"{before:.4f} before, {after:.4f} after")
        check_transformers(f"{kind} fine-tuned", path("tuned.safetensors"), path("tuned"))


def write_today(name, kind, shape, dtype, size=None):
    classes = {"llama": (transformers.LlamaConfig, transformers.LlamaForCausalLM),
               "qwen3": (transformers.Qwen3Config, transformers.Qwen3ForCausalLM)}
    make_config, make_model = classes[kind]
    _, fast = make_tokenizer(size or shape["vocab_size"])
    torch.manual_seed(3)
    config = make_config(**{"bos_token_id": 0, "eos_token_id": 0, "initializer_range": 0.1, **shape,
                            **({} if size else {"vocab_size": len(fast)})})
    model = make_model(config)
    give_numbers(model)
    hf = path(name)
    shutil.rmtree(hf, ignore_errors=True)
    model.to(dtype).save_pretrained(hf)
    fast.save_pretrained(hf)
    return hf


# As their config.json have it; the numbers and the vocabulary are ours.
PUBLISHED = {
    "SmolLM2-135M": ("llama", torch.bfloat16, {
        "attention_bias": False, "attention_dropout": 0.0, "bos_token_id": 0, "eos_token_id": 0, "hidden_act": "silu",
        "hidden_size": 576, "initializer_range": 0.041666666666666664, "intermediate_size": 1536, "is_llama_config": True,
        "max_position_embeddings": 8192, "mlp_bias": False, "num_attention_heads": 9, "num_hidden_layers": 30,
        "num_key_value_heads": 3, "pretraining_tp": 1, "rms_norm_eps": 1e-05, "rope_interleaved": False, "rope_scaling": None,
        "rope_theta": 100000, "tie_word_embeddings": True, "use_cache": True, "vocab_size": 49152}),
    "Qwen3-0.6B": ("qwen3", torch.bfloat16, {
        "attention_bias": False, "attention_dropout": 0.0, "bos_token_id": 151643, "eos_token_id": 151645, "head_dim": 128,
        "hidden_act": "silu", "hidden_size": 1024, "initializer_range": 0.02, "intermediate_size": 3072,
        "max_position_embeddings": 40960, "max_window_layers": 28, "num_attention_heads": 16, "num_hidden_layers": 28,
        "num_key_value_heads": 8, "rms_norm_eps": 1e-06, "rope_scaling": None, "rope_theta": 1000000, "sliding_window": None,
        "tie_word_embeddings": True, "use_cache": True, "use_sliding_window": False, "vocab_size": 151936})}


def published():
    """Folders in the shapes of published models, random weights, cut short at 64 tokens."""
    for name, (kind, dtype, shape) in PUBLISHED.items():
        hf = write_today(name, kind, shape, dtype, size=2000)
        model = transformers.AutoModelForCausalLM.from_pretrained(hf, dtype=torch.float32)
        tokenizer = transformers.AutoTokenizer.from_pretrained(hf)
        text = open(path("valid.txt"), encoding="utf-8").read()[:200]
        with open(path("short.txt"), "w", encoding="utf-8") as file:
            file.write(text)
        ids = tokenizer(text)["input_ids"]
        report(f"{name}: our ids", ids_of(hf, text) == ids)
        with torch.no_grad():
            logits = model(torch.tensor([ids[:-1]])).logits[0]
        minigpt("eval", hf, path("short.txt"), "--logits", path("logits"), "--overwrite", "--quiet")
        ours = torch.from_numpy(load_file(path("logits"))["logits"].copy())
        distance = ((ours - logits).norm() / logits.norm()).item()
        report(f"{name}: logits", distance <= 1e-4, f"distance {distance:.1e}")
        shutil.rmtree(hf)


def forms():
    """Every form of tokenizer that we write, opened by tokenizers alone: the same ids."""
    accents = path("accents.txt")
    with open(accents, "w", encoding="utf-8") as file:
        file.write("\u00c9l\u00e8ve \u732b and caf\u00e9, na\u00efve \u00fcber stra\u00dfe;\n" * 200)
    small = ["--layers", 1, "--heads", 1, "--embd", 32, "--context", 32, "--steps", 2]
    made = {f"split {split}": ["--vocab-size", 600, "--split", split] for split in ["gpt2", "cl100k", "o200k", "qwen2", "smollm", "spaces", "none"]}
    made |= {"bytes": ["--tokenizer", "byte"], "ASCII characters": ["--tokenizer", "char"], "other characters": ["--tokenizer", "char"]}
    for name, flags in made.items():
        corpus = accents if name == "other characters" else path("train.txt")
        minigpt("train", corpus, "--out", path("form.safetensors"), "--overwrite", "--quiet", "--seed", 1, *small, *flags)
        minigpt("export", path("form.safetensors"), "--to", "hf", "--out", path("form"), "--overwrite", "--quiet")
        check_form(name, path("form"), [open(corpus, encoding="utf-8").read()[:3000]])
    fixtures = json.load(open(os.path.join(os.path.dirname(__file__), "..", "Tests", "Fixtures", "tokenizers.json"), encoding="ascii"))
    for form in fixtures["forms"]:
        with open(path("form.json"), "w", encoding="utf-8") as file:
            file.write(form["file"])
        minigpt("train", path("train.txt"), "--tokenizer", path("form.json"), "--out", path("form.safetensors"), "--overwrite", "--quiet",
                "--seed", 1, *small)
        minigpt("export", path("form.safetensors"), "--to", "hf", "--out", path("form"), "--overwrite", "--quiet")
        check_form(form["name"], path("form"), [text for text in fixtures["hurting"] if "<|end|>" not in text])
    minigpt("train", "--pairs", options.pairs, "--out", path("form.safetensors"), "--overwrite", "--quiet", "--seed", 1, "--layers", 1,
            "--heads", 1, "--embd", 32, "--steps", 2)
    minigpt("export", path("form.safetensors"), "--to", "hf", "--out", path("translator-form"), "--overwrite", "--quiet")
    check_form("translator", path("translator-form"), ["the cat is large"], ends=[0])


def check_form(name, folder_, texts, ends=()):
    try:
        peer = Tokenizer.from_file(os.path.join(folder_, "tokenizer.json"))
    except Exception as error:
        return report(f"{name}: tokenizers opens it", False, str(error))
    wrong = []
    for text in texts + [text for text in HURTING if END not in text]:
        found = ids_of(folder_, text)
        if found is not None and peer.encode(text).ids != found + list(ends):
            wrong.append(text[:20])
    report(f"{name}: tokenizers has our ids", not wrong, str(wrong or ""))


def folders():
    """Folders as people have them, made of what transformers writes."""
    shape = {"vocab_size": 900, "n_positions": CONTEXT, "n_embd": 96, "n_layer": 2, "n_head": 4}

    def change(hf, name, change):
        file = os.path.join(hf, name)
        content = json.load(open(file, encoding="utf-8")) if os.path.exists(file) else {}
        change(content)
        json.dump(content, open(file, "w", encoding="utf-8"))

    old = write_theirs("of-2019", shape)
    ids_before = ids_of(old, "To be, or not")
    change(old, "tokenizer.json", lambda it: (it["model"].pop("type"), it.update(
        post_processor={"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": False})))
    report("GPT-2's folder of 2019 opens", ids_of(old, "To be, or not") == ids_before)

    padded = write_theirs("padded", shape)
    model = transformers.GPT2LMHeadModel.from_pretrained(padded)
    model.resize_token_embeddings(960)
    model.save_pretrained(padded)
    minigpt("import", padded, "--out", path("padded.safetensors"), "--overwrite", "--quiet")
    minigpt("export", path("padded.safetensors"), "--to", "hf", "--out", path("padded-back"), "--overwrite", "--quiet")
    before, after = (load_file(os.path.join(at, "model.safetensors")) for at in (padded, path("padded-back")))
    report("a padded vocabulary comes back", all((before[key] == after[key]).all() for key in after if key in before)
           and after["transformer.wte.weight"].shape[0] == 960)

    added = write_theirs("added", shape, merges=True)
    size = len(json.load(open(os.path.join(added, "vocab.json"), encoding="utf-8")))
    model = transformers.GPT2LMHeadModel.from_pretrained(added)
    model.resize_token_embeddings(size + 1)
    model.save_pretrained(added)
    json.dump({"[PAD]": size}, open(os.path.join(added, "added_tokens.json"), "w"))
    found = minigpt("tokenizer", "encode", "--tokenizer", added, "--allow-special", text=b"a[PAD]b").split()
    report("added tokens are read", len(found) == 3 and int(found[1]) == size)

    ends = write_theirs("ends", shape)
    text = our_greedy(ends, 20)
    tokenizer = transformers.AutoTokenizer.from_pretrained(ends)
    ids = tokenizer(PROMPT + text)["input_ids"]
    end = ids[len(tokenizer(PROMPT)["input_ids"]) + 5]
    change(ends, "generation_config.json", lambda it: it.update(eos_token_id=[0, end]))
    model = transformers.AutoModelForCausalLM.from_pretrained(ends).eval()
    theirs_ = model.generate(**tokenizer(PROMPT, return_tensors="pt"), max_new_tokens=20, do_sample=False, pad_token_id=0)[0].tolist()
    line = minigpt("sample", "--model", ends, "--prompt", PROMPT, "--greedy", "-n", 20, "--json", "--quiet")
    said = json.loads(line)["text"]
    report("several ends: the text stops where transformers stops",
           said == tokenizer.decode(theirs_[:-1] if theirs_[-1] in (0, end) else theirs_, clean_up_tokenization_spaces=False))


def check_translator(name, model_path):
    pairs = [line.rstrip("\n").split("\t")[:2] for line in open(options.valid_pairs, encoding="utf-8")][:100]
    minigpt("export", model_path, "--to", "hf", "--out", path("hf"), "--overwrite", "--quiet")
    minigpt("import", path("hf"), "--out", path("back"), "--overwrite", "--quiet")
    same_weights(f"{name}: Hugging Face and back, the same bits", model_path)
    model, info = transformers.AutoModelForSeq2SeqLM.from_pretrained(path("hf"), output_loading_info=True, dtype=torch.float32)
    model.eval()
    unwanted = {key: value for key, value in info.items() if value}
    report(f"{name}: transformers ({type(model).__name__}) finds every tensor", not unwanted, str(unwanted or ""))
    tokenizer = transformers.AutoTokenizer.from_pretrained(path("hf"))
    end, pad = tokenizer.eos_token_id, tokenizer.pad_token_id
    wrong = [source for source, _ in pairs if tokenizer(source)["input_ids"] != ids_of(model_path, source) + [end]]
    report(f"{name}: AutoTokenizer has our ids", not wrong, str(wrong[:3] or ""))
    total, count = 0.0, 0
    with torch.no_grad():
        for source, target in pairs:
            ids = tokenizer(source, return_tensors="pt")["input_ids"]
            labels = tokenizer(target)["input_ids"]
            logits = model(input_ids=ids, decoder_input_ids=torch.tensor([[pad] + labels[:-1]])).logits[0].double()
            total += torch.nn.functional.cross_entropy(logits, torch.tensor(labels), reduction="sum").item()
            count += len(labels)
    with open(path("valid.tsv"), "w", encoding="utf-8") as file:
        file.writelines(f"{source}\t{target}\n" for source, target in pairs)
    if "--pairs" in HELP:
        ours = json.loads(minigpt("eval", model_path, "--pairs", path("valid.tsv"), "--json", "--quiet"))["loss"]
        report(f"{name}: loss", abs(total / count - ours) <= 1e-4, f"{total / count:.6f} there, {ours:.6f} here")
    check_search(name, model_path, model, tokenizer, [source for source, _ in pairs])


def forced(model, tokenizer, source, translation):
    """The ids of a translation with its </s>, and log P at each of their places, through transformers."""
    ids = tokenizer(translation)["input_ids"]
    with torch.no_grad():
        rows = model(input_ids=tokenizer(source, return_tensors="pt")["input_ids"],
                     decoder_input_ids=torch.tensor([[tokenizer.pad_token_id] + ids[:-1]])).logits[0]
    return ids, rows.double().log_softmax(-1)


def check_search(name, model_path, model, tokenizer, sources):
    """Greedy and beam output without a length penalty, which each program defines in its own way.

    Programs add floats in different orders, so where they say different things transformers is asked in double precision. A
    greedy choice is right if the two tokens that part them are equally likely within 1e-3. A beam search is right if what it found is
    not less likely than what the other found, by more than 1e-3; what is likelier here is counted apart. What does not end within our
    50 tokens more than the source has is cut at other lengths elsewhere, and is counted apart too."""
    text, limit = "\n".join(sources).encode(), model.config.max_position_embeddings
    ours = {beam: minigpt("translate", "--model", model_path, "--beam", beam, "--length-penalty", 0, "--quiet",
                          text=text).decode().splitlines() for beam in [1, 5]}
    exact = transformers.AutoModelForSeq2SeqLM.from_pretrained(path("hf"), dtype=torch.float64).eval()

    def verdict(source, beam, a, b):
        (ids, rows), (others, other_rows) = forced(exact, tokenizer, source, a), forced(exact, tokenizer, source, b)
        if len(ids) >= min(limit, len(tokenizer(source)["input_ids"]) + 45):
            return "without an end"
        if beam == 1:
            place = next((place for place, (x, y) in enumerate(zip(ids, others)) if x != y), 0)
            return "tied" if ids != others and abs(rows[place, ids[place]] - rows[place, others[place]]) <= 1e-3 else "wrong"
        difference = rows[range(len(ids)), ids].sum() - other_rows[range(len(others)), others].sum()
        return "tied" if abs(difference) <= 1e-3 else "likelier here" if difference > 0 else "wrong"

    def compare(program, beam, theirs):
        said = ["the same" if a == b else verdict(source, beam, a, b) for source, a, b in zip(sources, ours[beam], theirs)]
        counts = {what: said.count(what) for what in dict.fromkeys(["the same"] + said)}
        report(f"{name}: {program} with beam {beam}", "wrong" not in counts,
               ", ".join(f"{count} {what}" for what, count in counts.items()))

    for beam in [1, 5]:
        with torch.no_grad():
            said = [tokenizer.decode(model.generate(
                **tokenizer(source, return_tensors="pt"), num_beams=beam, do_sample=False, max_length=limit,
                **({"length_penalty": 0.0, "early_stopping": False} if beam > 1 else {}))[0], skip_special_tokens=True)
                for source in sources]
        compare("transformers", beam, said)
    if ctranslate2 is None:
        return
    translator, tokens = ctranslate2_of(path("hf")), tokens_of(sources, tokenizer)
    for beam in [1, 5]:
        results = translator.translate_batch(tokens, beam_size=beam, length_penalty=0, max_decoding_length=limit)
        compare("CTranslate2", beam, texts_of(results, tokenizer))


def ctranslate2_of(hf, **how):
    shutil.rmtree(path("ct2"), ignore_errors=True)
    ctranslate2.converters.TransformersConverter(hf).convert(path("ct2"))
    return ctranslate2.Translator(path("ct2"), device="cpu", compute_type="float32", **how)


def tokens_of(sources, tokenizer):
    return [tokenizer.convert_ids_to_tokens(ids) for ids in tokenizer(sources)["input_ids"]]


def texts_of(results, tokenizer):
    return tokenizer.batch_decode(
        [tokenizer.convert_tokens_to_ids(result.hypotheses[0]) for result in results], skip_special_tokens=True)


def speed():
    if ctranslate2 is None:
        sys.exit("--speed needs ctranslate2")
    jobs = [job.rpartition("=")[::2] for job in options.speed]
    if not jobs:
        model = path("speed.safetensors")
        minigpt("train", "--pairs", options.pairs, "--valid-pairs", options.valid_pairs, "--out", model, "--steps", 200, "--seed", 7,
                "--eval-every", 100000, "--overwrite", "--quiet")
        jobs = [(model, options.valid_pairs)]
    for model_path, pairs in jobs:
        with open(pairs, encoding="utf-8") as file:
            sources = [line.split("\t")[0] for line in file][:1000]
        minigpt("export", model_path, "--to", "hf", "--out", path("hf"), "--overwrite", "--quiet")
        tokenizer = transformers.AutoTokenizer.from_pretrained(path("hf"))
        text = "\n".join(sources).encode()

        def ours():
            return minigpt("translate", "--model", model_path, "--beam", 5, "--length-penalty", 0, "--threads", 2, "--quiet",
                           text=text).decode().splitlines()

        def theirs(translator, batch):
            return texts_of(translator.translate_batch(
                tokens_of(text.decode().split("\n"), tokenizer), beam_size=5, length_penalty=0, max_batch_size=batch,
                max_decoding_length=limit), tokenizer)

        def timed(work, *arguments):
            began = time.perf_counter()
            work(*arguments)
            return time.perf_counter() - began

        with open(os.path.join(path("hf"), "config.json")) as file:
            limit = json.load(file)["max_position_embeddings"]
        ways = {}
        for inter, intra in [(1, 2), (2, 1)]:
            translator = ctranslate2_of(path("hf"), inter_threads=inter, intra_threads=intra)
            for batch in [32, 64]:
                ways[f"{inter} × {intra} threads, batches of {batch}"] = (translator, batch)
        seconds = {way: min(timed(theirs, *ways[way]) for _ in range(2)) for way in ways}
        best = min(seconds, key=seconds.get)
        timed(ours)
        turns = [(timed(ours), timed(theirs, *ways[best])) for _ in range(options.turns)]
        ratio = statistics.median(b / a for a, b in turns)
        report(f"{os.path.basename(model_path)}, {len(sources)} sentences at beam 5 on two threads", ratio >= 1,
               f"here {statistics.median(a for a, _ in turns):.2f} s, CTranslate2 ({best}) {statistics.median(b for _, b in turns):.2f} s, "
               f"theirs over ours {ratio:.2f} (turns: {', '.join(f'{b / a:.2f}' for a, b in turns)})")


def translators():
    files = {os.path.basename(file): file for file in options.translators}
    if not files and "--pairs" in minigpt("train", "--help").decode():
        for name, norm in [("post-norm", "post"), ("pre-norm", "pre")]:
            files[name] = path(name + ".safetensors")
            minigpt("train", "--pairs", options.pairs, "--valid-pairs", options.valid_pairs, "--norm", norm, "--out", files[name],
                    "--layers", 2, "--heads", 4, "--embd", 128, "--ffn", 256, "--steps", 2 * options.steps, "--seed", 7,
                    "--eval-every", 100000, "--overwrite", "--quiet")
    for name, file in files.items():
        check_translator(name, file)


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("text")
parser.add_argument("--program", default=".build/release/minigpt")
parser.add_argument("--steps", type=int, default=300)
parser.add_argument("--pairs", default="corpora/grammar.tsv")
parser.add_argument("--valid-pairs", default="corpora/grammar.valid.tsv")
parser.add_argument("--translators", nargs="*", default=[], help="trained ones, instead of training them here")
parser.add_argument("--speed", nargs="*", metavar="FILE=PAIRS", help="time translation in turn with CTranslate2, and nothing else")
parser.add_argument("--turns", type=int, default=7)
parser.add_argument("--only", choices=["ours", "today", "published", "forms", "theirs", "folders", "translators"], help="a part alone")
parser.add_argument("--keep", help="a folder for everything that is made; else it is removed")
options = parser.parse_args()
folder = options.keep or tempfile.mkdtemp(prefix="minigpt-interop-")
os.makedirs(folder, exist_ok=True)
HELP = minigpt("eval", "--help").decode()
whole = open(options.text, encoding="utf-8").read()
with open(path("train.txt"), "w", encoding="utf-8") as file:
    file.write(whole[:500_000].encode("ascii", "ignore").decode())
with open(path("valid.txt"), "w", encoding="utf-8") as file:
    file.write(whole[500_000:540_000].encode("ascii", "ignore").decode())
for name, module in [("llama-cpp-python", llama_cpp), ("tiktoken", tiktoken), ("ctranslate2", ctranslate2)]:
    if module is None:
        print(f"left out: {name} is not installed")
print(f"transformers {transformers.__version__}, torch {torch.__version__}, llama-cpp-python "
      f"{getattr(llama_cpp, '__version__', '-')}, tiktoken {getattr(tiktoken, '__version__', '-')}, "
      f"ctranslate2 {getattr(ctranslate2, '__version__', '-')}")
for part in [ours, today, published, forms, theirs, folders, translators] if options.speed is None else [speed]:
    if options.speed is not None or options.only in (None, part.__name__):
        part()
if not options.keep:
    shutil.rmtree(folder)
print(f"{comparisons} comparisons, {failures} failed")
sys.exit(failures > 0)
