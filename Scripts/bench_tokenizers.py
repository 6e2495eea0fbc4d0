#!/usr/bin/env python3
"""Times our tokenizers in turn with rustbpe and tiktoken, on texts built to be slow, and on a large file.

    pip install tiktoken rustbpe
    python Scripts/bench_tokenizers.py TEXT=VOCAB... [--turns 5] [--program .build/release/minigpt]
    python Scripts/bench_tokenizers.py --slow [--turns 9] [--only 'random letters']
    python Scripts/bench_tokenizers.py --large 1000 TEXT=VOCAB

Ours is the program itself, from its start to its end; the others are timed inside of this process, without reading the
text or starting anything. Each turn runs all sides; what counts is the median of the ratios of each turn. `--slow` and
`--large` need no other package: the first times half a megabyte to four of one letter, of random letters, of spaces and of
combining marks, and fails where a megabyte takes a second or a doubling more than 2.3 times; the second trains on and
encodes a file of so many megabytes and prints the memory at the peak.
"""
import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time

GPT2 = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"


def run(arguments, text=os.devnull):
    """Seconds, bytes of memory at the peak, and what was written."""
    with open(text, "rb") as source, tempfile.TemporaryFile() as out:
        began = time.perf_counter()
        process = subprocess.Popen([options.program, "tokenizer", *arguments], stdin=source, stdout=out)
        _, status, usage = os.wait4(process.pid, 0)
        took = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            sys.exit(f"minigpt tokenizer {' '.join(arguments)}: exit {process.returncode}")
        out.seek(0)
        return took, usage.ru_maxrss * 1024, out.read(64)


def train(text, size, out, *more):
    return run(["train", text, "--vocab-size", str(size), "--out", out, "--overwrite", "--quiet", *more])


def encode(tokenizer, text, threads):
    return run(["encode", "--tokenizer", tokenizer, "--count", "--threads", str(threads)], text)


def side_by_side(tokenizer, text):
    """Seconds in which two programs, which share nothing, both encode the text on one thread."""
    began = time.perf_counter()
    both = []
    for _ in range(2):
        with open(text, "rb") as source:
            both.append(subprocess.Popen([options.program, "tokenizer", "encode", "--tokenizer", tokenizer, "--count", "--threads", "1"],
                                         stdin=source, stdout=subprocess.DEVNULL))
    if any([process.wait() for process in both]):
        sys.exit("minigpt tokenizer encode failed beside another")
    return time.perf_counter() - began


def timed(work):
    began = time.perf_counter()
    result = work()
    return time.perf_counter() - began, result


def ratio(name, ours, theirs):
    each = [b / a for a, b in zip(ours, theirs)]
    print(f"  {name}: {statistics.median(each):.2f} times (turns: {', '.join(f'{r:.2f}' for r in each)})", flush=True)


def line(name, times, size):
    print(f"  {name}: {min(times) * 1000:.0f} ms at least, {size / min(times) / 1e6:.0f} MB/s", flush=True)


def with_peers(path, vocabulary, folder):
    import rustbpe
    import tiktoken
    text = open(path, encoding="utf-8", newline="").read()
    size = len(text.encode())
    print(f"{os.path.basename(path)}, {size / 1e6:.1f} MB, {vocabulary} tokens, {options.turns} turns")
    out = os.path.join(folder, "ours.tiktoken")

    def rust():
        peer = rustbpe.Tokenizer()
        peer.train_from_iterator([text], vocabulary, pattern=GPT2)
        return peer

    ours, theirs = [], []
    for _ in range(options.turns + 1):
        ours.append(train(path, vocabulary, out)[0])
        seconds, peer = timed(rust)
        theirs.append(seconds)
    # The first run finds the program and the text on the disk, the later ones in memory.
    ours, theirs = ours[1:], theirs[1:]
    line("training, minigpt", ours, size)
    line("training, rustbpe", theirs, size)
    ratio("training, minigpt is faster", ours, theirs)
    # Longer than a start of the program can be felt.
    copies = -(-40_000_000 // size)
    longer = os.path.join(folder, "longer.txt")
    with open(longer, "w", encoding="utf-8", newline="") as file:
        file.write(text * copies)
    peer = tiktoken.Encoding(name="x", pat_str=GPT2, special_tokens={},
                             mergeable_ranks={bytes(key): rank for key, rank in peer.get_mergeable_ranks()})
    one, two, apart, theirs = [], [], [], []
    encode(out, longer, 1)
    for _ in range(options.turns):
        one.append(encode(out, longer, 1)[0])
        two.append(encode(out, longer, 2)[0])
        apart.append(side_by_side(out, longer) / 2)
        theirs.append(timed(lambda: peer.encode_ordinary(text))[0] * copies)
    line("encoding, minigpt on one thread", one, size * copies)
    line("encoding, minigpt on two", two, size * copies)
    line("encoding, tiktoken", theirs, size * copies)
    ratio("encoding, minigpt on one thread is faster", one, theirs)
    ratio("two threads are faster than one", two, one)
    ratio("what the machine gives: two programs side by side, a thread each, get done", apart, one)
    ratio("encoding, minigpt on two threads is faster than tiktoken", two, theirs)


def slow(folder):
    """Texts that a quadratic algorithm does not survive."""
    chance = random.Random(1)
    texts = {
        "one letter": lambda n: "a" * n,
        "random letters": lambda n: "".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=n)),
        "spaces": lambda n: " " * n,
        "combining marks": lambda n: "\u0301" * (n // 2),
    }
    sizes, failures = (500_000, 1_000_000, 2_000_000, 4_000_000), 0
    for name, make in texts.items():
        if options.only not in (None, name):
            continue
        files = {size: os.path.join(folder, f"slow.{size}.txt") for size in sizes}
        for size, path in files.items():
            with open(path, "w", encoding="utf-8", newline="") as file:
                file.write(make(size))
        out = os.path.join(folder, "slow.json")
        turns = []
        for _ in range(options.turns):
            trained = {size: train(path, 1024, out, "--threads", "1")[0] for size, path in files.items()}
            turns.append((trained, {size: encode(out, path, 1)[0] for size, path in files.items()}))
        for part, task in enumerate(("training", "encoding")):
            times = {size: statistics.median(turn[part][size] for turn in turns) for size in sizes}
            # Both sides of a doubling are measured within a turn; the median of the turns counts.
            growth = [statistics.median(turn[part][b] / turn[part][a] for turn in turns) for a, b in zip(sizes, sizes[1:])]
            print(f"{name}, {task}: " + ", ".join(f"{size / 1e6:g} MB {seconds * 1000:.0f} ms" for size, seconds in times.items())
                  + "; per doubling " + ", ".join(f"{times:.2f}" for times in growth), flush=True)
            failures += times[1_000_000] >= 1 or max(growth) > 2.3
    sys.exit(f"{failures} too slow" if failures else 0)


def repeated(path, name):
    """The text again and again, each time with other words in it."""
    chance = random.Random(2)
    words = open(path, encoding="utf-8", newline="").read().split(" ")
    with open(name, "w", encoding="utf-8", newline="") as file:
        written = 0
        while written < options.large * 1_000_000:
            for place in range(0, len(words), 50):
                words[place] = words[place][::-1] + str(chance.randrange(100))
            chance.shuffle(words)
            written += file.write(" ".join(words))


def large(path, vocabulary, folder):
    name, out = path, os.path.join(folder, "large.json")
    if os.path.getsize(path) < options.large * 1_000_000:
        name = os.path.join(folder, "large.txt")
        # In a process of its own: what this one once held would be counted as its children's peak.
        if not (child := os.fork()):
            repeated(path, name)
            os._exit(0)
        if os.waitpid(child, 0)[1]:
            sys.exit("the large text could not be written")
    size = os.path.getsize(name)
    seconds, memory, _ = train(name, vocabulary, out)
    print(f"{size / 1e6:.0f} MB, {vocabulary} tokens, training: {seconds:.1f} s, {memory / 1e6:.0f} MB of memory at the peak")
    for threads in (1, 2):
        seconds, memory, tokens = encode(out, name, threads)
        print(f"encoding on {threads}: {seconds:.1f} s, {size / seconds / 1e6:.0f} MB/s, {memory / 1e6:.0f} MB of memory at "
              f"the peak, {int(tokens):,} tokens", flush=True)


def main():
    texts = [(text.rpartition("=")[0], int(text.rpartition("=")[2])) for text in options.texts]
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        if options.slow:
            slow(folder)
        for path, vocabulary in texts:
            (large if options.large else with_peers)(path, vocabulary, folder)


parser = argparse.ArgumentParser()
parser.add_argument("texts", nargs="*", metavar="TEXT=VOCAB")
parser.add_argument("--program", default=".build/release/minigpt")
parser.add_argument("--turns", type=int, default=5)
parser.add_argument("--slow", action="store_true")
parser.add_argument("--only", help="one of the slow texts alone")
parser.add_argument("--large", type=int, default=0, metavar="MB")
parser.add_argument("--folder", help="where temporary files go")

if __name__ == "__main__":
    options = parser.parse_args()
    main()
