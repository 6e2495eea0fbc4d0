#!/usr/bin/env python3
"""Reads a checkpoint as Docs/Checkpoint.md describes it, with struct, json and array alone: the proof that the page suffices.

    python3 Scripts/read_checkpoint.py FILE… [--checksums]
"""
import array
import json
import struct
import sys


def read(path):
    """The metadata, and a dictionary of name to (dtype, shape, bytes)."""
    with open(path, "rb") as file:
        data = file.read()
    length, = struct.unpack_from("<Q", data)
    header = json.loads(data[8:8 + length])
    metadata = header.pop("__metadata__", {})
    end, tensors = 0, {}
    for name, tensor in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        begin, stop = tensor["data_offsets"]
        assert begin == end, f"{path}: a hole before {name}"
        tensors[name] = tensor["dtype"], tensor["shape"], data[8 + length + begin:8 + length + stop]
        end = stop
    assert 8 + length + end == len(data), f"{path}: {len(data)} bytes, the header speaks of {8 + length + end}"
    return metadata, tensors


if __name__ == "__main__":
    for path in sys.argv[1:]:
        metadata, tensors = read(path)
        print(path, len(tensors), {key: value[:60] for key, value in metadata.items()})
