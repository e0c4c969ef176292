"""Shared by the scripts beside it: they run PyTorch once and write what the tests compare with.

Every array is float32-representable on the way in, computed in float64, and rounded to float32 on the way out, so a
fixture holds the right answer and not PyTorch's own rounding. Written with PyTorch 1.13 and NumPy 1.24:

    /usr/bin/python3 test/golden/layers.py     (and so on, each writes the JSON file of its name)
"""
import json
import pathlib

import numpy as np
import torch

torch.manual_seed(0)
torch.set_num_threads(1)


def dump(t):
    """A tensor as {shape, data}: shortest decimals that give the float32 back; integers are marked int32."""
    a = t.detach().numpy()
    if a.dtype.kind in "iub":
        return {"shape": list(a.shape), "dtype": "int32", "data": [int(v) for v in a.ravel()]}
    return {"shape": list(a.shape), "data": [float(str(np.float32(v))) for v in a.ravel()]}


def leaf(t):
    """The float32 values of t as a float64 leaf that collects a gradient; integers as they are."""
    t = t.detach()
    return t.clone() if not t.is_floating_point() else t.float().double().requires_grad_(True)


def randn(*shape):
    """Normal values of two decimals: exact enough to write, short to store."""
    return torch.randn(shape, dtype=torch.float64).mul(100).round().div(100).float().double()


def differentiate(f, inputs):
    """Output of f(**inputs) and the gradient of sum(output * cotangent) for every float input."""
    inputs = {k: leaf(v) for k, v in inputs.items()}
    y = f(**inputs)
    cotangent = randn(*y.shape)
    (y * cotangent).sum().backward()
    return {
        "inputs": {k: dump(v) for k, v in inputs.items()},
        "output": dump(y),
        "cotangent": dump(cotangent),
        "gradients": {k: dump(v.grad) for k, v in inputs.items() if v.requires_grad and v.grad is not None},
    }


def write(script, data):
    path = pathlib.Path(script).with_suffix(".json")
    body = json.dumps(data, separators=(",", ":"))
    path.write_text(body + "\n")
    print(path.name, len(body))
