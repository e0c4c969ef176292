"""What NumPy prints, and what its indexing gives: /usr/bin/python3 test/golden/arrays.py (NumPy 1.24)."""
import json
import pathlib

import numpy as np

nan, inf = np.nan, np.inf
rng = np.random.default_rng(0)


def number(v):
    """JSON has no NaN, infinities or negative zero."""
    v = float(v)
    if np.isnan(v):
        return "nan"
    if np.isinf(v):
        return "inf" if v > 0 else "-inf"
    return "-0" if v == 0 and np.signbit(v) else (int(v) if v.is_integer() and abs(v) < 2**53 else v)


def stored(a):
    return {"dtype": str(a.dtype), "shape": list(a.shape), "data": [number(v) for v in a.ravel()]}


printed = []
for dtype in ("float32", "float64"):
    for values in (
        1.5, -0.0, nan, [], [1, 2, 3], [1, 2.5, -3.25], [0.1, 0.2], [1 / 3, 2 / 3], [100.5, 0.5], [1000.5, 0.5], [1e8, 1],
        [99999999, 1], [1e-4, 1], [9.9e-5, 0.05], [0, 1e-5], [1e-30, 1e30], [nan, 1, inf], [-inf, 12.25], [nan], [-0.0, 0.5],
        [3.14159265358979, 2.71828182845905], [0.0001, 0.00012345678], [1e10, 2e10], [123456.789, 654321.125], [0, 0, 0],
        [[1, 2], [3, 4]], [[1.5, -22.25], [333.125, 4]], [[[1, 2], [3, 4]], [[5, 6], [7, 8.5]]], [[], []], [[0.5]],
        [[[[1.0]], [[2.0]]]], np.arange(30) / 7, np.arange(40).reshape(2, 20) * 1.25, np.arange(1200) / 8,
        np.arange(2000).reshape(40, 50), np.arange(1001).reshape(7, 11, 13), [1e-5, 2e-300 if dtype == "float64" else 2e-30],
        [1e100 if dtype == "float64" else 1e38, 1], [16777216, 0.25], [1 / 3, 1e-3], rng.standard_normal((3, 4)),
    ):
        a = np.array(values, dtype=dtype)
        printed.append({**stored(a), "text": np.array2string(a, separator=", ")})
for values in (5, [1, -2, 300], [[1, 20], [-300, 4]], np.arange(100), np.arange(1500), np.zeros((2, 0))):
    a = np.array(values).astype("int32")
    printed.append({**stored(a), "text": np.array2string(a, separator=", ")})

x = np.arange(24).reshape(2, 3, 4)
S = slice
indices = [
    ([0], 0), ([-1], -1), ([1, 2, 3], (1, 2, 3)), ([-1, -1, -1], (-1, -1, -1)), (["1:"], S(1, None)), ([":", "0:2"], (S(None), S(0, 2))),
    ([":", ":", "::2"], (S(None), S(None), S(None, None, 2))), ([":", ":", "::-1"], (S(None), S(None), S(None, None, -1))),
    ([":", "::-2", "3:0:-2"], (S(None), S(None, None, -2), S(3, 0, -2))), ([":", ":", "-3:-1"], (S(None), S(None), S(-3, -1))),
    ([":", ":", "5:9"], (S(None), S(None), S(5, 9))), ([":", "2:1"], (S(None), S(2, 1))), ([":", ":", "-99:99"], (S(None), S(None), S(-99, 99))),
    ([":", ":", "99:-99:-3"], (S(None), S(None), S(99, -99, -3))), (["...", 1], (..., 1)), ([0, "..."], (0, ...)), ([0, "...", 2], (0, ..., 2)),
    (["..."], ...), ([None], None), ([None, "...", None], (None, ..., None)), ([0, None, "1:"], (0, None, S(1, None))),
    ([[1, 0, 1]], [1, 0, 1]), ([":", [2, 0]], (S(None), [2, 0])), ([":", ":", [-1, 0]], (S(None), S(None), [-1, 0])),
    ([[0, 1], [2, 1]], ([0, 1], [2, 1])), ([[0, 1], ":", [2, 1]], ([0, 1], S(None), [2, 1])), ([":", [0, 1], [2, 1]], (S(None), [0, 1], [2, 1])),
    ([0, [0, 2]], (0, [0, 2])), ([[1, 0], 2], ([1, 0], 2)), ([[1, 0], None, 2], ([1, 0], None, 2)), ([0, ":", [1, 3]], (0, S(None), [1, 3])),
    ([[1, 0], "...", 1], ([1, 0], ..., 1)), ([[0], ":", "1:3"], ([0], S(None), S(1, 3))), ([[]], ([],)),
]
taken = [{"index": text, "shape": list(np.array(x[index]).shape), "data": [int(v) for v in np.array(x[index]).ravel()]} for text, index in indices if text != [[]]]
taken.append({"index": [[]], "shape": [0, 3, 4], "data": []})

pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps({"printed": printed, "taken": taken}, separators=(",", ":")) + "\n")
