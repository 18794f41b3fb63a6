"""Safetensors of float32 without the library: a header in JSON, then the elements, little-endian."""

import json
import struct

import numpy
import torch


def write(path, tensors, metadata):
    header, at = {"__metadata__": metadata}, 0
    for name, tensor in sorted(tensors.items()):
        size = tensor.numel() * 4
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for _, tensor in sorted(tensors.items()):
            file.write(tensor.float().contiguous().numpy().astype("<f4").tobytes())


def read(path):
    """Tensors by name, and the metadata, of a file that write has written."""
    with open(path, "rb") as file:
        size, = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(size))
        elements = file.read()
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, entry in header.items():
        if entry["dtype"] != "F32":
            raise ValueError(f"{path}: {name} is {entry['dtype']}; F32 can be read")
        begin, end = entry["data_offsets"]
        values = numpy.frombuffer(elements[begin:end], "<f4").astype(numpy.float32)
        tensors[name] = torch.from_numpy(values).reshape(entry["shape"])
    return tensors, metadata
