"""Layers: forward values and gradients for inputs and parameters."""
import torch
import torch.nn.functional as F

from common import differentiate, dump, leaf, randn, write

cases = []


def add(op, f, inputs, **options):
    cases.append({"op": op, "options": options, **differentiate(f, inputs)})


def distinct(*shape):
    """Values without ties: equal maxima share the gradient here, where PyTorch gives it all to the first."""
    n = torch.Size(shape).numel()
    return (torch.randperm(n).double() / 8 - n / 16).reshape(shape)


def conv(rank, channels, out, size, kernel, batch=2, bias=True, groups=1, **options):
    f = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}[rank]
    inputs = {"x": randn(batch, channels, *size), "weight": randn(out, channels // groups, *kernel)}
    if bias:
        inputs["bias"] = randn(out)
    add(f"conv{rank}d", lambda x, weight, bias=None: f(x, weight, bias, groups=groups, **options), inputs,
        groups=groups, **options)


add("linear", lambda x, weight, bias: F.linear(x, weight, bias),
    {"x": randn(3, 4), "weight": randn(5, 4), "bias": randn(5)})
add("linear", lambda x, weight: F.linear(x, weight), {"x": randn(2, 3, 4), "weight": randn(2, 4)})

conv(1, 2, 3, (7,), (3,))
conv(1, 2, 4, (9,), (3,), stride=2, padding=2, dilation=2, groups=2)
conv(1, 3, 2, (5,), (4,), batch=1, bias=False, padding=1, stride=3)
conv(2, 1, 2, (5, 6), (3, 2))
conv(2, 2, 3, (6, 5), (3, 3), batch=1, stride=2, padding=1)
conv(2, 4, 4, (5, 5), (2, 3), batch=1, stride=(1, 2), padding=(0, 1), dilation=(2, 1), groups=2)
conv(2, 3, 6, (4, 4), (3, 3), batch=1, padding=1, groups=3, bias=False)
conv(3, 1, 2, (4, 3, 4), (2, 2, 3), batch=1)
conv(3, 2, 2, (4, 3, 5), (2, 1, 3), batch=1, stride=(2, 1, 2), padding=(1, 0, 1), dilation=(1, 1, 2), groups=2)

add("avgPool1d", lambda x: F.avg_pool1d(x, 3), {"x": randn(2, 2, 9)}, kernel=3)
add("avgPool1d", lambda x: F.avg_pool1d(x, 3, 2, 1), {"x": randn(1, 2, 8)}, kernel=3, stride=2, padding=1)
add("avgPool2d", lambda x: F.avg_pool2d(x, 2), {"x": randn(1, 2, 4, 6)}, kernel=2)
add("avgPool2d", lambda x: F.avg_pool2d(x, (3, 2), (2, 1), (1, 0)), {"x": randn(1, 2, 5, 4)},
    kernel=(3, 2), stride=(2, 1), padding=(1, 0))
add("avgPool2d", lambda x: F.avg_pool2d(x, 3, 2, 1, count_include_pad=False), {"x": randn(1, 2, 5, 4)},
    kernel=3, stride=2, padding=1, countIncludePad=False)
add("avgPool3d", lambda x: F.avg_pool3d(x, 2, 1), {"x": randn(1, 1, 3, 3, 4)}, kernel=2, stride=1)
add("maxPool1d", lambda x: F.max_pool1d(x, 2), {"x": distinct(2, 2, 7)}, kernel=2)
add("maxPool1d", lambda x: F.max_pool1d(x, 3, 1, 1, 2), {"x": distinct(1, 2, 8)}, kernel=3, stride=1, padding=1, dilation=2)
add("maxPool2d", lambda x: F.max_pool2d(x, 2), {"x": distinct(1, 2, 4, 6)}, kernel=2)
add("maxPool2d", lambda x: F.max_pool2d(x, (3, 2), (2, 1), (1, 0)), {"x": distinct(1, 2, 5, 4)},
    kernel=(3, 2), stride=(2, 1), padding=(1, 0))
add("maxPool3d", lambda x: F.max_pool3d(x, 2, 2), {"x": distinct(1, 1, 4, 5, 4)}, kernel=2)

add("embedding", lambda indices, weight: F.embedding(indices, weight),
    {"indices": torch.tensor([[0, 2, 2], [4, 1, 2]]), "weight": randn(5, 3)})
add("embedding", lambda indices, weight: F.embedding(indices, weight, padding_idx=2),
    {"indices": torch.tensor([0, 2, 1, 2]), "weight": randn(4, 2)}, paddingIndex=2)

for shape in [(5,), (3, 5), (2, 5)]:
    add("layerNorm", lambda x, weight, bias: F.layer_norm(x, shape, weight, bias),
        {"x": randn(2, 3, 5) if shape != (2, 5) else randn(3, 2, 5), "weight": randn(*shape), "bias": randn(*shape)},
        shape=list(shape))

# Batch norm: two training steps that move the running statistics, then one step in evaluation mode.
norms = []
for rank, shape, momentum in [(1, (4, 3), 0.1), (1, (3, 2, 3), 0.3), (2, (2, 2, 2, 3), 0.1), (3, (2, 2, 2, 1, 2), 0.3)]:
    norm = {1: torch.nn.BatchNorm1d, 2: torch.nn.BatchNorm2d, 3: torch.nn.BatchNorm3d}[rank]
    layer = norm(shape[1], momentum=momentum).double()
    layer.weight.data = randn(shape[1])
    layer.bias.data = randn(shape[1])
    steps = []
    start = {"weight": dump(layer.weight), "bias": dump(layer.bias)}
    for training in [True, True, False]:
        layer.train(training)
        layer.zero_grad()
        x = leaf(randn(*shape))
        y = layer(x)
        cotangent = randn(*shape)
        (y * cotangent).sum().backward()
        steps.append({
            "training": training, "x": dump(x), "output": dump(y), "cotangent": dump(cotangent),
            "gradients": {"x": dump(x.grad), "weight": dump(layer.weight.grad), "bias": dump(layer.bias.grad)},
            "runningMean": dump(layer.running_mean), "runningVariance": dump(layer.running_var),
        })
    norms.append({"features": shape[1], "momentum": momentum, **start, "steps": steps})

write(__file__, {"cases": cases, "batchNorm": norms})
