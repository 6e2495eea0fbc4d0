#!/usr/bin/env python3
"""The rules of the house that no compiler knows; `make check` runs it. Prints every place that breaks one, then exits 1.

- Imports go only to rooms that Package.swift names for the target, and those stand above it in the list.
- Unsafe code lives in Platform, Storage, Parallel and Tensors; CKernels is imported by Parallel and Tensors alone.
- Only the command line prints and exits; nothing in Sources imports Foundation.
- No `try!`, no `fatalError(`, nothing left TODO, no file of more than 400 lines, no path of somebody's machine.
"""
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
UNSAFE_ROOMS = {"Platform", "Storage", "Parallel", "Tensors"}
COMMAND_LINE = {"CommandLineInterface", "minigpt"}
SYSTEM = {"Swift", "Synchronization", "Glibc", "Musl", "Darwin", "Dispatch"}
LONGEST = 400

UNSAFE = re.compile(
    r"\bunsafe\b|\bUnsafe\w+|\bwithUnsafe\w+|@unsafe\b|@safe\b|\bunsafe(BitCast|Downcast)\b|\b_overrideLifetime\b"
    r"|@unchecked\s+Sendable|nonisolated\(unsafe\)|\bOpaquePointer\b")
IMPORT = re.compile(r"^\s*(?:@\w+(?:\([^)]*\))?\s+)*(?:(?:public|package|internal|fileprivate|private)\s+)?import\s+"
                    r"(?:(?:struct|class|enum|protocol|func|var|let|typealias)\s+)?(\w+)")
STRING = re.compile(r'"(?:\\.|[^"\\])*"')
LEFT_OPEN = re.compile(r"\b(TODO|FIXME|XXX)\b")
MACHINE = re.compile(r"(?<![\w.])/(?:work|root|farm|home|Users)/\w|/tmp/(?:wt|bash_jobs|peers)\b")

broken = []


def complain(path, number, why):
    broken.append(f"{path}:{number}: {why}")


def tracked(*folders):
    """The files that git knows or would add."""
    command = ["git", "-C", ROOT, "ls-files", "-co", "--exclude-standard", "--", *folders]
    listed = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout.decode().split("\n")
    return sorted(name for name in set(listed) if name and os.path.isfile(os.path.join(ROOT, name)))


def lines_of(path):
    with open(os.path.join(ROOT, path), encoding="utf-8", errors="replace") as file:
        return file.read().split("\n")


def code_of(lines):
    """The lines with what stands in comments and strings taken out; numbers stay."""
    block, text = False, False
    for line in lines:
        if text:
            text = '"""' not in line
            yield ""
            continue
        if block:
            block = "*/" not in line
            yield ""
            continue
        if line.count('"""') == 1:
            text = True
            yield line.split('"""')[0]
            continue
        line = STRING.sub('""', line).split("//")[0]
        if "/*" in line and "*/" not in line:
            block = True
            line = line.split("/*")[0]
        yield line


def rooms():
    """Each room of Package.swift with the set of rooms that it may import; complains of one that stands below."""
    manifest = open(os.path.join(ROOT, "Package.swift"), encoding="utf-8").read()
    allowed, above = {}, set()
    pattern = r'\broom\(\s*"(\w+)",\s*imports:\s*\[([^\]]*)\]|\.target\(name: "(CKernels)"|' \
              r'\.executableTarget\(name: "(minigpt)", dependencies: \[([^\]]*)\]'
    for match in re.finditer(pattern, manifest):
        name = match.group(1) or match.group(3) or match.group(4)
        imports = set(re.findall(r'"(\w+)"', match.group(2) or match.group(5) or ""))
        line = manifest.count("\n", 0, match.start()) + 1
        for room in sorted(imports - above):
            complain("Package.swift", line, f"{name} imports {room}, which does not stand above it")
        if "CKernels" in imports - {"Parallel", "Tensors"} and name not in {"Parallel", "Tensors"}:
            complain("Package.swift", line, f"{name} imports CKernels, which only Parallel and Tensors may")
        allowed[name] = imports
        above.add(name)
    return allowed


def check_source(path, allowed):
    room = path.split("/")[1]
    lines = lines_of(path)
    count = len(lines) - (lines[-1] == "")
    if count > LONGEST:
        complain(path, count, f"{count} lines, {LONGEST} at most")
    if not path.endswith(".swift"):
        if room != "CKernels":
            complain(path, 1, "C lives in CKernels")
        return
    if room not in allowed:
        complain(path, 1, f"Package.swift does not name the room {room}")
        return
    for number, line in enumerate(code_of(lines), 1):
        found = IMPORT.match(line)
        if found and found.group(1) == "Foundation":
            complain(path, number, "Foundation is not for Sources")
        elif found and found.group(1) not in allowed[room] | SYSTEM:
            complain(path, number, f"{room} may not import {found.group(1)}")
        if room not in UNSAFE_ROOMS and UNSAFE.search(line):
            complain(path, number, f"unsafe code in {room}: {line.strip()}")
        if room not in COMMAND_LINE and re.search(r"(?<![\w.])(print|debugPrint|dump)\(", line):
            complain(path, number, "only the command line prints")
        if room not in COMMAND_LINE and re.search(r"(?<![\w.])exit\(", line):
            complain(path, number, "only the command line exits")
        if re.search(r"\btry!|(?<![\w.])fatalError\(", line):
            complain(path, number, "no try! and no fatalError: typed errors, or check and fail of Platform")


def main():
    allowed = rooms()
    for path in tracked("Sources"):
        if path.endswith((".swift", ".c", ".h")):
            check_source(path, allowed)
    for path in tracked():
        if path == "Scripts/check_rooms.py" or not path.endswith((".swift", ".c", ".h", ".md", ".py", ".sh", "Makefile")):
            continue
        for number, line in enumerate(lines_of(path), 1):
            if LEFT_OPEN.search(line):
                complain(path, number, "left open: " + line.strip())
            if MACHINE.search(line):
                complain(path, number, "a path of somebody's machine: " + line.strip())
    for line in broken:
        print(line)
    if broken:
        sys.exit(f"check_rooms: {len(broken)} to mend")
    print(f"{len(allowed)} rooms in order")


if __name__ == "__main__":
    main()
