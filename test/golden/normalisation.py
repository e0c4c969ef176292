"""Normalisation: forward values and gradients, running moments, and parametrised weights."""
import torch
import torch.nn.functional as F
from torch.nn.utils import parametrizations

from common import differentiate, dump, leaf, randn, write

cases = []


def add(op, f, inputs, **options):
    cases.append({"op": op, "options": options, **differentiate(f, inputs)})


for groups, shape in [(1, (2, 4, 3)), (2, (3, 4)), (2, (2, 6, 2, 2)), (4, (1, 4, 5)), (3, (1, 6, 2, 1, 3))]:
    add("groupNorm", lambda x, weight, bias: F.group_norm(x, groups, weight, bias),
        {"x": randn(*shape), "weight": randn(shape[1]), "bias": randn(shape[1])}, groups=groups)
add("groupNorm", lambda x: F.group_norm(x, 2), {"x": randn(2, 4, 3)}, groups=2)

for shape in [(2, 3, 5), (2, 2, 3, 2), (1, 2, 2, 1, 3)]:
    add("instanceNorm", lambda x, weight, bias: F.instance_norm(x, weight=weight, bias=bias),
        {"x": randn(*shape), "weight": randn(shape[1]), "bias": randn(shape[1])})
add("instanceNorm", lambda x: F.instance_norm(x), {"x": randn(2, 3, 4)})


def rms(x, shape, weight=None, epsilon=2.0**-23):
    """torch.nn.functional.rms_norm of PyTorch 2.4 for float32, whose default epsilon is the dtype's."""
    axes = tuple(range(-len(shape), 0))
    y = x * torch.rsqrt(x.square().mean(axes, keepdim=True) + epsilon)
    return y if weight is None else y * weight


add("rmsNorm", lambda x, weight: rms(x, (5,), weight), {"x": randn(2, 3, 5), "weight": randn(5)}, shape=[5])
add("rmsNorm", lambda x, weight: rms(x, (3, 4), weight, 1e-2), {"x": randn(2, 3, 4), "weight": randn(3, 4)},
    shape=[3, 4], epsilon=1e-2)
add("rmsNorm", lambda x: rms(x, (4,)), {"x": randn(3, 4)}, shape=[4])

# The values are large, so that the denominators differ from 1.
add("localResponseNorm", lambda x: F.local_response_norm(x, 5), {"x": randn(1, 7, 2, 2) * 50}, size=5)
add("localResponseNorm", lambda x: F.local_response_norm(x, 4, alpha=0.5, beta=0.5, k=2.0), {"x": randn(2, 5, 3)},
    size=4, alpha=0.5, beta=0.5, k=2)
add("localResponseNorm", lambda x: F.local_response_norm(x, 3, alpha=0.1), {"x": randn(1, 2, 2, 1, 2)}, size=3, alpha=0.1)

add("normalize", lambda x: F.normalize(x), {"x": randn(2, 3, 2)}, axis=1)
add("normalize", lambda x: F.normalize(x, dim=-1, eps=2.0), {"x": randn(3, 4)}, axis=-1, epsilon=2)

for shape, axis in [((3, 4), 0), ((3, 4), 1), ((2, 3, 2, 2), 0), ((2, 3, 2, 2), 1), ((2, 3, 2), -1)]:
    lengths = [n if i == axis % len(shape) else 1 for i, n in enumerate(shape)]
    add("weightNorm", lambda v, magnitude: torch._weight_norm(v, magnitude, axis % len(shape)),
        {"v": randn(*shape), "magnitude": randn(*lengths)}, axis=axis)
add("weightNorm", lambda v, magnitude: v * magnitude / v.norm(), {"v": randn(2, 3), "magnitude": randn(1, 1)}, axis=None)
add("weightNormConv",
    lambda x, v, magnitude, bias: F.conv2d(x, torch._weight_norm(v, magnitude, 0), bias, padding=1),
    {"x": randn(1, 2, 3, 3), "v": randn(3, 2, 2, 2), "magnitude": randn(3, 1, 1, 1), "bias": randn(3)})


def step(layer, training, shape, tensors):
    """A forward and backward pass; what `tensors` names afterwards."""
    layer.train(training)
    layer.zero_grad()
    x = leaf(randn(*shape))
    y = layer(x)
    cotangent = randn(*y.shape)
    (y * cotangent).sum().backward()
    return {"training": training, "x": dump(x), "output": dump(y), "cotangent": dump(cotangent),
            "gradient": dump(x.grad), **{k: dump(f(layer)) for k, f in tensors.items()}}


# Running moments: training steps that move them, then one in evaluation mode.
moments = {"runningMean": lambda l: l.running_mean, "runningVariance": lambda l: l.running_var}
running = []
for kind, norm, shape, options in [
    ("BatchNorm", torch.nn.BatchNorm1d, (4, 3), {"momentum": None}),
    ("BatchNorm", torch.nn.BatchNorm2d, (2, 2, 2, 3), {"track_running_stats": False}),
    ("BatchNorm", torch.nn.BatchNorm1d, (3, 2, 2), {"affine": False, "momentum": None}),
    ("InstanceNorm", torch.nn.InstanceNorm1d, (3, 2, 4), {}),
    ("InstanceNorm", torch.nn.InstanceNorm2d, (2, 3, 2, 2), {"affine": True, "track_running_stats": True}),
    ("InstanceNorm", torch.nn.InstanceNorm1d, (2, 2, 3), {"track_running_stats": True, "momentum": 0.3}),
]:
    layer = norm(shape[1], **options).double()
    start = {}
    if layer.affine:
        layer.weight.data, layer.bias.data = randn(shape[1]), randn(shape[1])
        start = {"weight": dump(layer.weight), "bias": dump(layer.bias)}
    steps = [step(layer, training, shape, moments if layer.track_running_stats else {})
             for training in [True, True, True, False]]
    names = {"track_running_stats": "trackRunningStats"}
    running.append({"kind": kind, "features": shape[1], "options": {names.get(k, k): v for k, v in options.items()},
                    **start, "steps": steps})

# Spectral normalisation: power iteration in training, none in evaluation.
spectral = []
for layer, shape, axis, iterations in [
    (torch.nn.Linear(4, 3), (2, 4), 0, 1),
    (torch.nn.Conv2d(2, 4, (2, 1)), (1, 2, 3, 2), 0, 2),
    (torch.nn.Conv1d(3, 2, 2), (1, 3, 4), 1, 1),
]:
    layer = layer.double()
    layer.weight.data, layer.bias.data = randn(*layer.weight.shape), randn(*layer.bias.shape)
    start = {"weight": dump(layer.weight), "bias": dump(layer.bias)}
    layer = parametrizations.spectral_norm(layer, n_power_iterations=iterations, dim=axis)
    p = layer.parametrizations.weight[0]
    start |= {"u": dump(p._u), "v": dump(p._v)}
    tensors = {"u": lambda l: l.parametrizations.weight[0]._u, "v": lambda l: l.parametrizations.weight[0]._v,
               "weightGradient": lambda l: l.parametrizations.weight.original.grad}
    spectral.append({"axis": axis, "powerIterations": iterations, **start,
                     "steps": [step(layer, training, shape, tensors) for training in [True, True, False]]})

write(__file__, {"cases": cases, "running": running, "spectral": spectral})
