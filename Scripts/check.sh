#!/bin/sh
# What a change must pass beside the tests; `make check` runs it. Stops at the first step that fails.
set -eu
cd "$(dirname "$0")/.."
SWIFT=${SWIFT:-swift}
PYTHON=${PYTHON:-python3}

step() { printf '%s\n' "== $*"; }

step "warnings are errors (program, library and tests)"
"$SWIFT" build -c release --scratch-path .build/check --build-tests -Xswiftc -warnings-as-errors -Xcc -Werror

step "format"
if [ -d Examples ]; then examples=Examples; else examples=; fi
"$SWIFT" format lint --strict -p -r Package.swift Sources Tests $examples

step "borders between the rooms"
"$PYTHON" Scripts/check_rooms.py

step "the C files for arm64"
# Without the headers of that system: what they include must exist for a bare machine, or lie behind an x86-64 check.
clang=$(command -v clang || echo "$(dirname "$(command -v "$SWIFT")")/clang")
for file in Sources/CKernels/*.c; do
  "$clang" --target=aarch64-linux-gnu -ffreestanding -fsyntax-only -Wall -Wextra -Werror -I Sources/CKernels/include "$file"
done

step "all checks passed"
