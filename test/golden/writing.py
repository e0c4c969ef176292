"""NumPy's einsum, assignments through indices, and movements along an axis: writing.json, read by test/laws/writing.test.ts."""
import json
from pathlib import Path

import numpy as np

rng = np.random.default_rng(0)


def flat(x):
    return {"shape": list(x.shape), "data": x.ravel().tolist()}


def tensor(*shape):
    return rng.integers(-4, 5, shape).astype(float)


sums = []
for equation, *shapes in [
    ("ij,jk->ik", (2, 3), (3, 4)),
    ("ij,jk", (2, 3), (3, 4)),
    ("ba", (2, 3)),
    ("ii->i", (3, 3)),
    ("ii", (3, 3)),
    ("ij->", (2, 3)),
    ("ij->ji", (2, 3)),
    ("bij,bjk->bik", (2, 2, 3), (2, 3, 2)),
    ("...ij,...jk->...ik", (2, 1, 2, 3), (4, 3, 2)),
    ("...i->...", (2, 3, 4)),
    ("i,j->ij", (3,), (4,)),
    ("i,i->", (3,), (3,)),
    ("i,i->i", (3,), (3,)),
    ("ij,jk,kl->il", (2, 3), (3, 4), (4, 2)),
    ("ij,ik,il->jkl", (2, 3), (2, 2), (2, 4)),
    ("iij,j->i", (3, 3, 2), (2,)),
    ("iijj->ij", (2, 2, 3, 3)),
    ("bhqd,bhkd->bhqk", (2, 2, 3, 4), (2, 2, 5, 4)),
    (",i->i", (), (3,)),
    ("ij,->j", (2, 3), ()),
]:
    xs = [tensor(*shape) for shape in shapes]
    sums.append({"equation": equation, "operands": [flat(x) for x in xs], "result": flat(np.einsum(equation, *xs))})

writes = []
for index, key, value in [
    ([1], 1, tensor(3, 2)),
    ([0, "1:3"], (0, slice(1, 3)), tensor(2, 2)),
    ([":", "::-1"], (slice(None), slice(None, None, -1)), tensor(3, 2)),
    (["...", 0], (..., 0), np.array(7.0)),
    ([[0, 1]], ([0, 1],), tensor(2, 1, 2)),
    ([[1, 1, -1]], ([1, 1, -1],), tensor(3, 3, 2)),
    ([":", [2, 0, 2]], (slice(None), [2, 0, 2]), tensor(2, 3, 2)),
    ([[0, 1, 0], [2, 2, 2]], ([0, 1, 0], [2, 2, 2]), tensor(3, 2)),
    ([0, None, 1], (0, None, 1), tensor(1, 2)),
    (["2:1"], (slice(2, 1),), np.array(9.0)),
]:
    x = tensor(2, 3, 2)
    put, added = x.copy(), x.copy()
    put[key] = value
    np.add.at(added, key, value)
    writes.append({"index": index, "x": flat(x), "value": flat(value), "set": flat(put), "added": flat(added)})

moves = []
for shape, axis in [((5,), 0), ((3, 4), 0), ((3, 4), 1), ((1, 3), 0), ((0, 2), 0)]:
    x = tensor(*shape)
    moves.append(
        {
            "x": flat(x),
            "axis": axis,
            "rolls": [{"shift": s, "result": flat(np.roll(x, s, axis))} for s in (0, 1, -1, 7)],
            "diff": flat(np.diff(x, axis=axis)),
            "cumprod": flat(np.cumprod(x, axis=axis)),
        }
    )

nan, inf = float("nan"), float("inf")
pairs = [(1, 1 + 9e-6), (1, 1 + 1.1e-5), (0, 9e-9), (0, 1.1e-8), (nan, nan), (inf, inf), (inf, -inf), (inf, 1), (1, inf)]
a, b = np.array(pairs).T
close = {
    "pairs": [[str(x), str(y)] for x, y in pairs],
    "close": np.isclose(a, b).tolist(),
    "equalNaN": np.isclose(a, b, equal_nan=True).tolist(),
}
grid = [flat(x) for x in np.meshgrid([1.0, 2, 3], [4.0, 5], indexing="ij")]
path = Path(__file__).with_suffix(".json")
path.write_text(json.dumps({"sums": sums, "writes": writes, "moves": moves, "close": close, "grid": grid}) + "\n")
