#!/usr/bin/env python3
"""How fast is a program of ours on a machine that is busy, or that may use a part of its processors?

    python3 Scripts/verify_load.py [--turns 10] [--busy 1,2,4] [--work tiny,bpe,multi30k,char,gpt2] [--quotas 1.5,0.5]
                                   [--program FILE] [--old FILE] [--python PYTHON]

Beside programs that never sleep, each turn times a program of two threads, one of one thread, and two of one thread at
once. `two / one` is the speed of two threads against that of one, at least 0.98; `share` is their speed against what the
two programs get done together, at least 0.7. With nothing beside it, `--old` is an older program that must not be faster
(0.99). `--python` is one with PyTorch, whose step of tiny is timed beside the same neighbours; ours is to be 3 times as
fast. A quota is a control group's, which needs the right to make one: the speed there, with as many threads as the program
takes by itself, against its part of the two cores', at least 0.9. Medians and ranges of the turns; exit 1 where a median is
below. `make verify-load` runs it, and nothing else should run meanwhile.
"""
import argparse
import json
import os
import subprocess
import sys
import time

from bench import PROGRAM, ROOT, report, run

NEIGHBOUR = [sys.executable, "-c", "while True: pass"]
STEPS = {"tiny": 60, "bpe": 4, "multi30k": 4, "char": 1500, "gpt2": 60}
GENERATION = {"char": "bf16", "gpt2": "int8"}


def command(program, work, threads, times=1):
    """A bench of about some seconds, `times` as long."""
    what = ["--only", "generation", "--weights", GENERATION[work]] if work in GENERATION else ["--only", "training", "--precision", "fp32"]
    chosen = ["--threads", str(threads)] if threads else []
    return [program, "bench", *what, "--preset", work, "--steps", str(times * STEPS[work]), *chosen, "--json"]


def speed(said):
    return 1 / json.loads(said.split("\n")[0])["ms_per_step"]


def together(program, work):
    """What two programs of one thread get done at once."""
    running = [subprocess.Popen(command(program, work, 1, 2), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
               for _ in range(2)]
    return sum(speed(one.communicate()[0]) for one in running)


class Neighbours:
    def __init__(self, count):
        self.running = [subprocess.Popen(NEIGHBOUR) for _ in range(count)]
        time.sleep(0.5)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for one in self.running:
            one.kill()
            one.wait()


class Quota:
    """A control group of the first or the second kind that may use so many processors."""

    def __init__(self, cores):
        name, kind = f"minigpt-load-{os.getpid()}", [("/sys/fs/cgroup/cpu", "cpu.cfs_quota_us"), ("/sys/fs/cgroup", "cpu.max")]
        self.folder = None
        for root, file in kind:
            folder = os.path.join(root, name)
            try:
                os.mkdir(folder)
                with open(os.path.join(folder, file), "w", encoding="ascii") as out:
                    out.write(f"{int(cores * 100000)}" + ("" if file.endswith("us") else " 100000"))
                self.folder = folder
                return
            except OSError:
                if os.path.isdir(folder):
                    os.rmdir(folder)

    def run(self, *words):
        script = 'echo $$ > "$0/cgroup.procs" && exec "$@"'
        return run("sh", "-c", script, self.folder, *words)

    def remove(self):
        for _ in range(50):
            try:
                return os.rmdir(self.folder)
            except OSError:
                time.sleep(0.1)


def main():
    options = argparse.ArgumentParser(description="Times two threads beside busy programs and within quotas.")
    options.add_argument("--turns", type=int, default=10)
    options.add_argument("--busy", default="0,1,2,4")
    options.add_argument("--work", default=",".join(STEPS))
    options.add_argument("--quotas", default="1.5,0.5")
    options.add_argument("--program", default=PROGRAM)
    options.add_argument("--old")
    options.add_argument("--python")
    options = options.parse_args()
    found = {}

    def note(what, least, value):
        found.setdefault(what, (least, []))[1].append(value)

    def torch():
        said = run(options.python, os.path.join(ROOT, "Scripts", "bench_peers.py"), "--peer", "tiny", "--mode", "eager",
                   "--steps", "20", "--threads", "2")
        return 1 / json.loads(said.strip().split("\n")[-1])["ms_per_step"]

    alone = {}
    for _ in range(options.turns):
        for busy in [int(word) for word in options.busy.split(",")]:
            for work in options.work.split(","):
                name = f"{work}, {busy} busy"
                with Neighbours(busy):
                    two = speed(run(*command(options.program, work, 2)))
                    if busy == 0:
                        alone.setdefault(work, []).append(two)
                        if options.old:
                            note(f"{name}: new / old", 0.99, two / speed(run(*command(options.old, work, 2))))
                        continue
                    note(f"{name}: two / one", 0.98, two / speed(run(*command(options.program, work, 1))))
                    note(f"{name}: share", 0.7, two / together(options.program, work))
                    if options.python and work == "tiny":
                        note(f"{name}: PyTorch", 3, two / torch())
        for cores in [float(word) for word in options.quotas.split(",") if word]:
            for work in options.work.split(","):
                quota = Quota(cores)
                if quota.folder is None:
                    print("no control group can be made here: quotas are left out", file=sys.stderr)
                    options.quotas = ""
                    break
                try:
                    if work not in alone:
                        alone[work] = [speed(run(*command(options.program, work, 2)))]
                    share = speed(quota.run(*command(options.program, work, None))) / (alone[work][-1] * min(1, cores / 2))
                    note(f"{work}, {cores} cores", 0.9, share)
                finally:
                    quota.remove()
    report(f"{options.turns} turns", found)


if __name__ == "__main__":
    main()
