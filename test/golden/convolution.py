"""Convolutions of every kind over odd combinations of options: forward values and all gradients.

Inputs and cotangents are integers that both sides get from one formula, so results are integers and the file is short.
"""
import itertools
import random

import torch
import torch.nn.functional as F

from common import write

random.seed(5)
cases = []


def integers(shape, seed):
    """Integers from -5 to 5 that repeat after 1111 elements; the tests have the same formula."""
    n = torch.Size(shape).numel()
    i = torch.arange(n)
    return (((i * 7919 + (i * i) % 101 + seed * 31) % 11) - 5).double().reshape(shape)


def plain(t):
    values = t.detach().reshape(-1)
    assert torch.equal(values, values.round()), "not integers"
    return [int(v) for v in values]


def add(op, f, shapes, **options):
    leaves = {k: integers(s, i + 1).requires_grad_(True) for i, (k, s) in enumerate(shapes.items())}
    y = f(**leaves)
    (y * integers(y.shape, 9)).sum().backward()
    cases.append({
        "op": op, "options": options, "shapes": {k: list(s) for k, s in shapes.items()},
        "outputShape": list(y.shape), "output": plain(y), "gradients": {k: plain(v.grad) for k, v in leaves.items()},
    })


def reversed_flat(pairs):
    """Pairs in the order of the axes as F.pad wants them: from the last axis on, flat."""
    return [n for pair in reversed(pairs) for n in pair]


def padded(x, pairs, mode):
    return F.pad(x, reversed_flat(pairs), mode={"zeros": "constant"}.get(mode, mode))


def pairs_of(padding, size, kernel, stride, dilation):
    spans = [(k - 1) * d for k, d in zip(kernel, dilation)]
    if padding == "valid":
        return [[0, 0] for _ in spans]
    if padding == "full":
        return [[s, s] for s in spans]
    if padding == "causal":
        return [[s, 0] for s in spans]
    if padding == "same":  # ONNX's SAME_UPPER
        total = [max(0, (-(-n // s) - 1) * s + span + 1 - n) for n, s, span in zip(size, stride, spans)]
        return [[t // 2, t - t // 2] for t in total]
    return [list(p) if isinstance(p, (list, tuple)) else [p, p] for p in padding]


convolutions = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
transposed = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}


def conv(rank, channels, out, size, kernel, stride, dilation, padding, groups=1, bias=True, batch=1, mode="zeros"):
    pairs = pairs_of(padding, size, kernel, stride, dilation)
    native = mode == "zeros" and (padding in ("valid", "same") and all(s == 1 for s in stride) or
                                  all(a == b for a, b in pairs))

    def f(x, weight, bias=None):
        if native:  # PyTorch's own padding wherever it has one
            own = padding if padding in ("valid", "same") and all(s == 1 for s in stride) else [a for a, _ in pairs]
            return convolutions[rank](x, weight, bias, stride, own, dilation, groups)
        return convolutions[rank](padded(x, pairs, mode), weight, bias, stride, 0, dilation, groups)

    shapes = {"x": (batch, channels, *size), "weight": (out, channels // groups, *kernel)}
    if bias:
        shapes["bias"] = (out,)
    options = dict(stride=stride, dilation=dilation, padding=padding, groups=groups)
    if mode != "zeros":
        options["paddingMode"] = mode
    add(f"conv{rank}d", f, shapes, **options)


def transpose(rank, channels, out, size, kernel, stride, dilation, padding, extra, groups=1, bias=True, batch=1):
    shapes = {"x": (batch, channels, *size), "weight": (channels, out // groups, *kernel)}
    if bias:
        shapes["bias"] = (out,)
    add(f"convTranspose{rank}d", lambda x, weight, bias=None: transposed[rank](
        x, weight, bias, stride, padding, extra, groups, dilation), shapes,
        stride=stride, dilation=dilation, padding=padding, outputPadding=extra, groups=groups)


def some(rank, choices):
    return [random.choice(choices) for _ in range(rank)]


counts = {1: 36, 2: 30, 3: 12}
for rank, count in counts.items():
    names = ["numbers", "numbers", "pairs", "pairs", "same", "valid", "full"] + (["causal"] if rank == 1 else [])
    for i in range(count):
        kernel = some(rank, [1, 2, 3] if rank > 1 else [1, 2, 3, 4])
        dilation, stride = some(rank, [1, 1, 2, 3] if rank < 3 else [1, 1, 2]), some(rank, [1, 1, 2, 3])
        spans = [(k - 1) * d + 1 for k, d in zip(kernel, dilation)]
        size = [s + random.randint(0, 3 if rank < 3 else 1) for s in spans]
        kind = names[i % len(names)]
        padding = {"numbers": some(rank, [0, 1, 2, 3] if rank < 3 else [0, 1]),
                   "pairs": [some(2, [0, 1, 2]) for _ in range(rank)]}.get(kind, kind)
        groups, multiple = random.choice([(1, 1), (1, 2), (2, 1), (2, 2), (3, 1)])
        conv(rank, groups * random.choice([1, 2] if rank < 3 else [1]), groups * multiple, size, kernel, stride, dilation,
             padding, groups, bias=i % 4 != 3, batch=1 + (i % 3 == 0))

# Padding modes: each with numbers, pairs and names, in every number of axes.
for rank, mode, kind in itertools.product([1, 2, 3], ["reflect", "replicate", "circular"], ["numbers", "pairs", "same"]):
    kernel, stride = some(rank, [2, 3]), some(rank, [1, 2])
    size = some(rank, [4, 5] if rank < 3 else [3])
    padding = {"numbers": some(rank, [1, 2]), "pairs": [some(2, [0, 1, 2]) for _ in range(rank)]}.get(kind, kind)
    conv(rank, 2, 2, size, kernel, stride, [1] * rank, padding, random.choice([1, 2]), mode=mode)

for rank, count in counts.items():
    for i in range(count):
        kernel = some(rank, [1, 2, 3] if rank > 1 else [1, 2, 3, 4])
        dilation, stride = some(rank, [1, 1, 2, 3] if rank < 3 else [1, 2]), some(rank, [1, 2, 3])
        size = some(rank, [1, 2, 3, 4] if rank < 3 else [1, 2])
        room = [(n - 1) * s + (k - 1) * d for n, s, k, d in zip(size, stride, kernel, dilation)]
        padding = [random.randint(0, min(2, r // 2)) for r in room]
        extra = [random.randint(0, max(s, d) - 1) for s, d in zip(stride, dilation)]
        groups, multiple = random.choice([(1, 1), (1, 2), (2, 1), (2, 2), (3, 1)])
        transpose(rank, groups * random.choice([1, 2]), groups * multiple, size, kernel, stride, dilation, padding, extra,
                  groups, bias=i % 4 != 3, batch=1 + (i % 3 == 0))

for mode, shape, widths in [
    ("reflect", (1, 2, 4), [[2, 3]]), ("reflect", (1, 2, 3, 4), [[2, 0], [1, 3]]),
    ("reflect", (1, 1, 2, 3, 2), [[1, 0], [2, 1], [0, 1]]),
    ("replicate", (1, 2, 2), [[3, 4]]), ("replicate", (1, 1, 3, 2), [[0, 2], [4, 1]]),
    ("replicate", (1, 1, 2, 1, 2), [[1, 0], [2, 1], [0, 3]]),
    ("circular", (1, 2, 4), [[4, 1]]), ("circular", (1, 2, 3, 4), [[3, 0], [1, 2]]),
    ("circular", (1, 1, 2, 3, 2), [[1, 0], [2, 1], [0, 2]]),
    ("constant", (2, 3), [[1, 0], [-1, 2]]), ("constant", (1, 2, 3, 4), [[2, 1], [-2, -1]]),
]:
    value = 7 if mode == "constant" else 0
    add("pad", lambda x: F.pad(x, reversed_flat(widths), mode, value), {"x": shape}, widths=widths, mode=mode, value=value)

for size, kernel, dilation, padding, stride in [
    ((4, 5), (2, 3), (1, 1), (0, 0), (1, 1)), ((5, 4), (3, 2), (1, 2), (1, 0), (2, 1)), ((3, 6), (2, 2), (2, 1), (2, 1), (1, 3)),
]:
    options = dict(kernel=kernel, dilation=dilation, padding=padding, stride=stride)
    add("unfold", lambda x: F.unfold(x, kernel, dilation, padding, stride), {"x": (2, 2, *size)}, **options)
    columns = F.unfold(torch.zeros(2, 2, *size), kernel, dilation, padding, stride).shape
    add("fold", lambda x: F.fold(x, size, kernel, dilation, padding, stride), {"x": tuple(columns)}, lengths=size, **options)

# Locally connected: every window with weights of its own, from PyTorch's unfold.
for size, kernel, stride, padding, dilation in [
    ((5,), (3,), (1,), (0,), (1,)), ((6,), (2,), (2,), (1,), (2,)), ((4, 5), (2, 3), (1, 1), (0, 0), (1, 1)),
    ((5, 4), (3, 2), (2, 1), (1, 1), (1, 2)),
]:
    rank, channels, out = len(size), 2, 3
    places = [(n + 2 * p - d * (k - 1) - 1) // s + 1 for n, p, d, k, s in zip(size, padding, dilation, kernel, stride)]

    def f(x, weight, bias):
        flat = (lambda v: v) if rank == 2 else (lambda v: (1,) + tuple(v))
        columns = F.unfold(x if rank == 2 else x.unsqueeze(2), flat(kernel), flat(dilation), (0,) * (2 - rank) + tuple(padding), flat(stride))
        own = weight.reshape(columns.shape[2], out, -1)  # [places, out, in * kernel]
        return torch.einsum("nkl,lok->nol", columns, own).reshape(-1, out, *places) + bias

    add(f"locallyConnected{rank}d", f,
        {"x": (2, channels, *size), "weight": (*places, out, channels, *kernel), "bias": (out, *places)},
        stride=stride, padding=padding, dilation=dilation)

write(__file__, {"cases": cases})
