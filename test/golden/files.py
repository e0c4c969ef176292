"""Files as NumPy writes them, and safetensors files laid out by hand from PyTorch tensors, with their values.

    /usr/bin/python3 test/golden/files.py     (writes files.json; NumPy 1.24, PyTorch 1.13)
"""
import base64
import hashlib
import io
import json
import struct

import numpy as np
import torch

from common import write

kinds = {"b": "bool", "u": "uint32", "i": "int32", "f": "float32"}


def dtype_of(a):
    """What a tensor of the file's dtype is read as."""
    if a.dtype.kind == "f":
        return "float64" if a.dtype.itemsize == 8 else "float32"
    if a.dtype.kind == "u" and a.dtype.itemsize < 4:
        return "int32"
    return kinds[a.dtype.kind]


def number(v):
    """JSON has no names for these."""
    v = v.item()
    return str(v) if v != v or v in (float("inf"), float("-inf")) else v


def values(a):
    return {"dtype": dtype_of(a), "shape": list(a.shape), "data": [number(v) for v in a.ravel(order="C")]}


def text(b):
    return base64.b64encode(b).decode()


def npy(a, version=None):
    f = io.BytesIO()
    np.lib.format.write_array(f, a, version=version)
    return f.getvalue()


def npz(save, **arrays):
    f = io.BytesIO()
    save(f, **arrays)
    return f.getvalue()


plain = {
    "b1": [True, False, True, True, False, True],
    "i1": [-128, 127, 0, 1, -1, 5],
    "i2": [-32768, 32767, 0, 1, -1, 500],
    "i4": [-2**31, 2**31 - 1, 0, 1, -1, 70000],
    "i8": [-2**31, 2**31 - 1, 0, 1, -1, 70000],
    "u1": [0, 255, 128, 1, 2, 3],
    "u2": [0, 65535, 32768, 1, 2, 3],
    "u4": [0, 2**32 - 1, 2**31, 1, 2, 3],
    "u8": [0, 2**32 - 1, 2**31, 1, 2, 3],
    "f2": [0.0, 65504.0, -6e-8, 0.333, float("inf"), float("nan")],
    "f4": [0.0, 3.4e38, -1e-45, 1 / 3, float("-inf"), float("nan")],
    "f8": [0.0, 1.7e308, -5e-324, 1 / 3, float("-inf"), float("nan")],
}

arrays = []
for name, content in plain.items():
    for order in "<>":
        for fortran in (False, True):
            a = np.array(content, dtype=order + name).reshape(2, 3)
            a = np.asfortranarray(a) if fortran else a
            arrays.append({"name": f"{order}{name}{' fortran' if fortran else ''}", "file": text(npy(a)), **values(a)})
for version in ((1, 0), (2, 0), (3, 0)):
    a = np.arange(4, dtype="<f4").reshape(1, 2, 1, 2)
    arrays.append({"name": f"version {version[0]}", "file": text(npy(a, version)), **values(a)})
for a in (np.array(3.5, dtype="<f4"), np.array([7], dtype="<i4"), np.zeros((0, 3), dtype="<f8"),
          np.asfortranarray(np.arange(24, dtype="<i4").reshape(2, 3, 4))):
    arrays.append({"name": f"shape {a.shape}", "file": text(npy(a)), **values(a)})

members = {"a": np.arange(6, dtype="<f4").reshape(2, 3), "layers.0.weight": np.array([1, -2], dtype="<i8")}
archives = [
    {"name": name, "file": text(npz(save, **members)), "members": {k: values(v) for k, v in members.items()}}
    for name, save in (("savez", np.savez), ("savez_compressed", np.savez_compressed))
]

tensors = {
    "bool": ("BOOL", torch.tensor([[True, False], [False, True]])),
    "u8": ("U8", torch.tensor([0, 255], dtype=torch.uint8)),
    "i8": ("I8", torch.tensor([-128, 127], dtype=torch.int8)),
    "i16": ("I16", torch.tensor([-32768, 32767], dtype=torch.int16)),
    "i32": ("I32", torch.tensor([-2**31, 2**31 - 1], dtype=torch.int32)),
    "i64": ("I64", torch.tensor([-2**31, 2**31 - 1], dtype=torch.int64)),
    "f16": ("F16", torch.tensor([1 / 3, -65504.0, 6e-8, float("nan")], dtype=torch.float16)),
    "bf16": ("BF16", torch.tensor([1 / 3, -3e38, 1e-40, float("inf")], dtype=torch.bfloat16)),
    "f32": ("F32", torch.tensor([1 / 3, 1e-45], dtype=torch.float32)),
    "f64": ("F64", torch.tensor(1 / 3, dtype=torch.float64)),
    "empty": ("F32", torch.zeros(0, 4)),
}


def raw(t):
    return (t.view(torch.int16) if t.dtype == torch.bfloat16 else t).numpy().tobytes()


def wide(t):
    return (t.float() if t.dtype == torch.bfloat16 else t).numpy()


header, body = {"__metadata__": {"format": "pt", "note": "Grüße \u2713"}}, b""
for name, (kind, t) in tensors.items():
    header[name] = {"dtype": kind, "shape": list(t.shape), "data_offsets": [len(body), len(body) + len(raw(t))]}
    body += raw(t)
head = json.dumps(header, ensure_ascii=False).encode()
head += b" " * (-len(head) % 8)


def every(widened):
    """SHA-256 of the float32 values of all 65,536 patterns; the payload of a NaN is nobody's business."""
    return hashlib.sha256(np.where(np.isnan(widened), np.float32(0), widened).astype("<f4").tobytes()).hexdigest()


patterns = np.arange(65536, dtype=np.uint16)
write(__file__, {
    "npy": arrays,
    "npz": archives,
    "safetensors": {"file": text(struct.pack("<Q", len(head)) + head + body),
                    "metadata": header["__metadata__"],
                    "tensors": {k: values(wide(t)) for k, (_, t) in tensors.items()}},
    "everyHalf": every(patterns.view(np.float16).astype(np.float32)),
    "everyBrain": every(torch.from_numpy(patterns.view(np.int16)).view(torch.bfloat16).float().numpy()),
})
