#!/usr/bin/env python3
"""The rules of the house that no compiler knows; `make check` runs it. Prints every place that breaks one, then exits 1.

- Imports go only to rooms that Package.swift names for the target, those stand above it in the list, and each that it
  names is imported. The list is the picture of CONTRIBUTING.md.
- Unsafe code lives in Platform, Storage, Parallel and Tensors; CKernels is imported by Parallel and Tensors alone.
- Only the command line prints and exits; nothing in Sources imports Foundation.
- No function has more than seven parameters, in Transformer six; initializers and the functions of
  the C table (Tensors/Portable…) aside.
- No `try!`, no `fatalError(`, nothing left TODO, no file of more than 400 lines, no path of somebody's machine.
"""
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
UNSAFE_ROOMS = {"Platform", "Storage", "Parallel", "Tensors"}
COMMAND_LINE = {"CommandLineInterface", "minigpt"}
SYSTEM = {"Swift", "Synchronization"}
LONGEST = 400
MOST_PARAMETERS = {"Transformer": 6}  # elsewhere 7
FUNCTION = re.compile(r"\bfunc\s+([^\s(<]+)\s*(?:<[^(]*>)?\(")

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


def module(room):
    """The name that a room's target has."""
    return room if room.startswith(("MiniGPT", "minigpt")) else "MiniGPT" + room


def rooms():
    """Each target of Package.swift with the modules that it may import; complains of one that stands below."""
    manifest = open(os.path.join(ROOT, "Package.swift"), encoding="utf-8").read()
    allowed, above = {}, []
    pattern = r'\n  room\(([^)]*)\)|\.target\(name: "MiniGPT(CKernels)"'
    for match in re.finditer(pattern, manifest):
        name, *imports = re.findall(r'"(\w+)"', match.group(1) or f'"{match.group(2)}"')
        line = manifest.count("\n", 0, match.start()) + 2
        for room in sorted(set(imports) - set(above)):
            complain("Package.swift", line, f"{name} imports {room}, which does not stand above it")
        if "CKernels" in imports and name not in {"Parallel", "Tensors"}:
            complain("Package.swift", line, f"{name} imports CKernels, which only Parallel and Tensors may")
        allowed[name] = {module(room) for room in imports}
        above.append(name)
    picture = re.findall(r"`Sources/(\w+)`", open(os.path.join(ROOT, "CONTRIBUTING.md"), encoding="utf-8").read())
    if [room for room in picture if room != "minigpt"] != above:
        complain("CONTRIBUTING.md", 1, f"its rooms are {picture}, Package.swift has {above}")
    allowed["minigpt"] = {module("CommandLineInterface")}
    return allowed


def check_edges(allowed):
    """Complains of imports that a target names and no file of it uses, tests included."""
    manifest = open(os.path.join(ROOT, "Package.swift"), encoding="utf-8").read()
    named = {"Sources/" + room: imports for room, imports in allowed.items()}
    for match in re.finditer(r'\n  tests\(([^)]*)\)', manifest):
        name, *others = re.findall(r'"(\w+)"', match.group(1))
        named[f"Tests/{name}Tests"] = {module(room) for room in [name] + others}
    for match in re.finditer(r'name: "(\w+)",\s+dependencies: \[([^\]]*)\]\.map\(module\)', manifest):
        folder = "Tests/" + match.group(1).removeprefix("MiniGPT")
        named[folder] = {module(room) for room in re.findall(r'"(\w+)"', match.group(2))}
    for folder, modules in named.items():
        used = {found.group(1) for path in tracked(folder) if path.endswith(".swift")
                for line in lines_of(path) if (found := IMPORT.match(line))}
        for unused in sorted(modules - used):
            complain("Package.swift", 1, f"{folder} names {unused} and imports it nowhere")


def check_parameters(path):
    """Complains of functions with many parameters."""
    room, text = path.split("/")[1], "\n".join(code_of(lines_of(path)))
    for function in FUNCTION.finditer(text):
        depth, count, rest = 1, 0, text[function.end():].replace("->", "  ")
        for at, letter in enumerate(rest):
            depth += (letter in "([{<") - (letter in ")]}>")
            if depth == 0:
                break
            count += depth == 1 and letter == ","
        count += bool(rest[:at].strip())
        if count > MOST_PARAMETERS.get(room, 7):
            complain(path, text.count("\n", 0, function.start()) + 1, f"{function.group(1)} has {count} parameters")


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
        elif found and found.group(1) not in allowed[room] | SYSTEM and room != "SystemC":
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
    check_edges(allowed)
    for path in tracked("Sources"):
        if path.endswith((".swift", ".c", ".h")):
            check_source(path, allowed)
            if path.endswith(".swift") and "/Portable" not in path:
                check_parameters(path)
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
