"""Pooling of every kind, unpooling and up-sampling: forward values and gradients."""
import torch
import torch.nn.functional as F

from common import differentiate, dump, randn, write

cases = []
names = {"count_include_pad": "countIncludePad", "ceil_mode": "ceilMode", "divisor_override": "divisorOverride",
         "kernel_size": "kernel", "align_corners": "alignCorners", "scale_factor": "scaleFactor"}


def add(op, f, inputs, **options):
    """A case whose options are PyTorch's, under our names."""
    cases.append({"op": op, "options": {names.get(k, k): v for k, v in options.items()}, **differentiate(f, inputs)})


def distinct(*shape):
    """Values without ties."""
    n = torch.Size(shape).numel()
    return (torch.randperm(n).double() / 8 - n / 16).reshape(shape)


average = {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}
largest = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}

for shape, options in [
    ((1, 2, 8), dict(kernel_size=3, stride=2, ceil_mode=True)),
    ((1, 1, 9), dict(kernel_size=2, stride=3, padding=1, ceil_mode=True)),
    ((1, 2, 7), dict(kernel_size=3, stride=2, padding=1, ceil_mode=True, count_include_pad=False)),
    ((1, 1, 6, 5), dict(kernel_size=(3, 2), stride=(2, 2), padding=(1, 1), ceil_mode=True)),
    ((1, 1, 6, 5), dict(kernel_size=(3, 2), stride=(2, 3), padding=(1, 0), ceil_mode=True, count_include_pad=False)),
    ((1, 2, 4, 4), dict(kernel_size=2, stride=1, padding=1, divisor_override=3)),
    ((1, 1, 3, 4, 5), dict(kernel_size=2, stride=2, ceil_mode=True)),
]:
    rank = len(shape) - 2
    add(f"avgPool{rank}d", lambda x: average[rank](x, **options), {"x": randn(*shape)}, **options)

for shape, options in [
    ((1, 2, 8), dict(kernel_size=3, stride=2, ceil_mode=True)),
    ((1, 1, 9), dict(kernel_size=2, stride=3, padding=1, ceil_mode=True)),
    ((1, 1, 10), dict(kernel_size=3, stride=2, padding=1, dilation=2, ceil_mode=True)),
    ((1, 2, 6, 5), dict(kernel_size=(3, 2), stride=(2, 3), padding=(1, 1), ceil_mode=True)),
    ((1, 1, 4, 3, 5), dict(kernel_size=(2, 3, 2), stride=2, padding=(0, 1, 1), ceil_mode=True)),
    ((2, 1, 4, 6), dict(kernel_size=2)),
]:
    rank = len(shape) - 2
    add(f"maxPool{rank}d", lambda x: largest[rank](x, **options), {"x": distinct(*shape)}, **options)
    add(f"minPool{rank}d", lambda x: -largest[rank](-x, **options), {"x": distinct(*shape)}, **options)

for shape, options in [((1, 2, 8), dict(kernel_size=3, stride=2)), ((2, 1, 4, 5), dict(kernel_size=2, stride=1)),
                       ((1, 1, 4, 4), dict(kernel_size=(2, 4)))]:
    rank = len(shape) - 2
    f = {1: F.lp_pool1d, 2: F.lp_pool2d}[rank]
    add(f"lpPool{rank}d", lambda x: f(x, 2, **options), {"x": randn(*shape)}, **options)
    add(f"lpPool{rank}d", lambda x: f(x.abs(), 3, **options), {"x": randn(*shape)}, normType=3, **options)


def soft(x, temperature, kernel_size, stride=None, padding=0):
    """Sum of x softmax(x / T) over the windows of a plane, through unfold."""
    n, c = x.shape[:2]
    side = [(s + 2 * padding - kernel_size) // (stride or kernel_size) + 1 for s in x.shape[2:]]
    unfold = lambda t, value: F.unfold(F.pad(t, [padding] * 4, value=value), kernel_size, stride=stride or kernel_size)
    values, logits = (unfold(x, v).reshape(n, c, kernel_size**2, *side) for v in (0.0, -1e300))
    return (values * torch.softmax(logits / temperature, 2)).sum(2)


for shape, options in [((1, 2, 4, 4), dict(temperature=0.5, kernel_size=2)),
                       ((1, 1, 5, 5), dict(temperature=2.0, kernel_size=3, stride=2, padding=1))]:
    add("softmaxPool2d", lambda x: soft(x, **options), {"x": randn(*shape)}, **options)

for shape, size in [((1, 2, 7), 3), ((1, 1, 5), 8), ((2, 1, 6), 3), ((1, 2, 5, 6), (3, 4)), ((1, 1, 6, 4), (None, 3)),
                    ((1, 1, 6, 4), (2, 2)), ((1, 1, 5, 4, 3), (2, 3, 2)), ((1, 2, 3, 3), 1)]:
    rank = len(shape) - 2
    avg = {1: F.adaptive_avg_pool1d, 2: F.adaptive_avg_pool2d, 3: F.adaptive_avg_pool3d}[rank]
    top = {1: F.adaptive_max_pool1d, 2: F.adaptive_max_pool2d, 3: F.adaptive_max_pool3d}[rank]
    add(f"adaptiveAvgPool{rank}d", lambda x: avg(x, size), {"x": randn(*shape)}, outputSize=size)
    add(f"adaptiveMaxPool{rank}d", lambda x: top(x, size), {"x": distinct(*shape)}, outputSize=size)

# Indices of maxima, and unpooling.
indexed = []
for shape, options in [
    ((1, 2, 7), dict(kernel_size=2)),
    ((2, 2, 4, 5), dict(kernel_size=(2, 2), stride=(2, 2))),
    ((1, 2, 5, 5), dict(kernel_size=3, stride=2, padding=1)),
    ((1, 1, 6, 6), dict(kernel_size=2, dilation=2, ceil_mode=True)),
    ((1, 1, 4, 4, 2), dict(kernel_size=2)),
]:
    x = distinct(*shape)
    values, indices = largest[len(shape) - 2](x, return_indices=True, **options)
    indexed.append({"x": dump(x), "options": {names.get(k, k): v for k, v in options.items()},
                    "values": dump(values), "indices": dump(indices)})
    if "dilation" not in options:
        unpool = {1: F.max_unpool1d, 2: F.max_unpool2d, 3: F.max_unpool3d}[len(shape) - 2]
        # Overlapping windows name some places twice: equal values then, as a pooling gives them.
        back = unpool(values, indices, output_size=shape[2:], **options)
        indexed[-1]["unpooled"] = dump(back)
add("maxUnpool2d", lambda x, indices: F.max_unpool2d(x, indices, 2),
    {"x": randn(1, 2, 2, 2), "indices": torch.tensor([0, 3, 8, 15, 5, 2, 13, 10]).reshape(1, 2, 2, 2)}, kernel_size=2)

for mode, shape, options in [
    ("nearest", (1, 2, 4), dict(size=7)),
    ("nearest", (1, 1, 5), dict(scale_factor=2)),
    ("nearest", (1, 1, 3, 4), dict(size=(5, 2))),
    ("nearest", (1, 1, 3, 4), dict(scale_factor=(1.5, 2.7))),
    ("nearest", (1, 1, 2, 3, 2), dict(scale_factor=2)),
    ("nearest-exact", (1, 2, 4), dict(size=7)),
    ("nearest-exact", (1, 1, 3, 4), dict(scale_factor=(0.6, 2.7))),
    ("linear", (1, 2, 5), dict(size=8)),
    ("linear", (1, 2, 5), dict(size=8, align_corners=True)),
    ("linear", (1, 1, 6), dict(scale_factor=0.7)),
    ("bilinear", (1, 2, 3, 4), dict(scale_factor=2)),
    ("bilinear", (1, 2, 3, 4), dict(scale_factor=2, align_corners=True)),
    ("bilinear", (1, 1, 5, 6), dict(size=(3, 9))),
    ("bilinear", (1, 1, 5, 4), dict(scale_factor=(1.7, 0.6))),
    ("bilinear", (1, 1, 3, 3), dict(size=(1, 4), align_corners=True)),
    ("bicubic", (1, 1, 4, 5), dict(scale_factor=2)),
    ("bicubic", (1, 1, 4, 5), dict(size=(7, 3), align_corners=True)),
    ("bicubic", (1, 1, 5, 3), dict(scale_factor=(1.3, 2.2))),
    ("trilinear", (1, 1, 2, 3, 2), dict(size=(3, 4, 5))),
    ("trilinear", (1, 1, 2, 3, 2), dict(scale_factor=2, align_corners=True)),
    ("area", (1, 1, 5, 6), dict(size=(2, 4))),
]:
    add("interpolate", lambda x: F.interpolate(x, mode=mode, **options), {"x": randn(*shape)}, mode=mode, **options)

add("pixelShuffle", lambda x: F.pixel_shuffle(x, 2), {"x": randn(1, 8, 2, 3)}, factor=2)
add("pixelUnshuffle", lambda x: F.pixel_unshuffle(x, 3), {"x": randn(1, 1, 6, 3)}, factor=3)

write(__file__, {"cases": cases, "indexed": indexed})
