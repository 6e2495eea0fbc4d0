#!/usr/bin/env python3
"""Reads checkpoints as Docs/Checkpoint.md describes them, with struct, json and array alone: the proof that the page suffices.

    python3 Scripts/read_checkpoint.py FILE… [--no-checksums]

Says what is in each file, and compares every checksum (in plain Python: some seconds for a hundred megabytes).
"""
import array
import json
import math
import struct
import sys

SIZES = {"F32": 4, "F64": 8, "BF16": 2, "F16": 2, "I8": 1, "U8": 1, "I32": 4, "I64": 8}


def xxh64(data):
    """XXH64 with seed 0, as its specification states it."""
    m, p = (1 << 64) - 1, (0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5)

    def turn(x, by):
        return (x << by | x >> 64 - by) & m

    def mixed(lane, word):
        return turn(lane + word * p[1] & m, 31) * p[0] & m

    whole = len(data) // 32 * 32
    if whole:
        a, b, c, d = (p[0] + p[1]) & m, p[1], 0, -p[0] & m
        for w, x, y, z in struct.iter_unpack("<4Q", memoryview(data)[:whole]):
            a, b, c, d = mixed(a, w), mixed(b, x), mixed(c, y), mixed(d, z)
        h = turn(a, 1) + turn(b, 7) + turn(c, 12) + turn(d, 18) & m
        for lane in a, b, c, d:
            h = ((h ^ mixed(0, lane)) * p[0] + p[3]) & m
    else:
        h = p[4]
    h, at = h + len(data) & m, whole
    while at + 8 <= len(data):
        h = turn(h ^ mixed(0, struct.unpack_from("<Q", data, at)[0]), 27) * p[0] + p[3] & m
        at += 8
    if at + 4 <= len(data):
        h = turn(h ^ struct.unpack_from("<I", data, at)[0] * p[0] & m, 23) * p[1] + p[2] & m
        at += 4
    for byte in data[at:]:
        h = turn(h ^ byte * p[4] & m, 11) * p[0] & m
    h = (h ^ h >> 33) * p[1] & m
    h = (h ^ h >> 29) * p[2] & m
    return h ^ h >> 32


def read(path, checksums=True):
    """The metadata, and a dictionary of name to (shape, array of numbers, or bytes where array has no such type)."""
    with open(path, "rb") as file:
        data = file.read()
    start = 8 + struct.unpack_from("<Q", data)[0]
    header = json.loads(data[8:start])
    metadata = header.pop("__metadata__", {})
    if checksums and "checksum.header" in metadata:
        digits = metadata["checksum.header"].encode()
        front = data[:start].replace(b'"checksum.header":"' + digits, b'"checksum.header":"' + b"0" * 16)
        assert xxh64(front) == int(digits, 16), f"{path}: the header does not agree with its checksum"
    tensors, end = {}, start
    for name, tensor in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        begin, stop = (start + offset for offset in tensor["data_offsets"])
        assert begin == end, f"{path}: a hole or an overlap before {name}"
        assert stop - begin == math.prod(tensor["shape"]) * SIZES[tensor["dtype"]], f"{path}: {name} has the wrong size"
        piece, end = data[begin:stop], stop
        if checksums and "checksum." + name in metadata:
            assert xxh64(piece) == int(metadata["checksum." + name], 16), f"{path}: {name} does not agree with its checksum"
        numbers = array.array("f", piece) if tensor["dtype"] == "F32" else piece
        if sys.byteorder == "big" and tensor["dtype"] == "F32":
            numbers.byteswap()
        tensors[name] = tensor["shape"], numbers
    assert end == len(data), f"{path}: {len(data)} bytes, the header speaks of {end}"
    return metadata, tensors


def main():
    checksums = "--no-checksums" not in sys.argv
    for path in (argument for argument in sys.argv[1:] if not argument.startswith("--")):
        metadata, tensors = read(path, checksums)
        print(f"{path}: {len(tensors)} tensors" + (", every checksum agrees" if checksums and "checksum.header" in metadata else ""))
        for key, value in metadata.items():
            if not key.startswith("checksum."):
                print(f"  {key}: {value if len(value) <= 160 else value[:160] + '…'}")
        for name, (shape, numbers) in tensors.items():
            mean = f", mean {sum(numbers) / len(numbers):+.5f}" if isinstance(numbers, array.array) and numbers else ""
            print(f"  {name} {shape}{mean}")


if __name__ == "__main__":
    main()
