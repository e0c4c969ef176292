"""Networks with a result for every place: values and gradients of small ones, whose weights come from a formula.

A parameter's element number i is `scale * sin(0.37 i + s)`, where s is the sum of the character codes of its name and
scale is 1 / sqrt(elements for one output), or 0.1 for vectors. A gradient g is kept as two numbers: sum(g) and
sum(g_i cos(0.11 i)).
"""
import math

import torch
import torch.nn.functional as F

from common import write

torch.set_default_dtype(torch.float64)


def dump(t):
    t = t.detach()
    data = [int(v) for v in t.ravel()] if not t.is_floating_point() else [float("%.10g" % v) for v in t.ravel()]
    return {"shape": list(t.shape), **({} if t.is_floating_point() else {"dtype": "int32"}), "data": data}


class Weights:
    """Parameters by name, made when they are first asked for."""

    def __init__(self):
        self.known = {}

    def __call__(self, name, *shape):
        if name not in self.known:
            n = math.prod(shape)
            seed = sum(map(ord, name))
            scale = 0.1 if len(shape) == 1 else 1 / math.sqrt(n / shape[0])
            self.known[name] = (scale * torch.sin(0.37 * torch.arange(n) + seed)).reshape(shape).requires_grad_()
        return self.known[name]

    def conv(self, name, x, out, *kernel, **options):
        w = self(f"{name}.weight", out, x.shape[1] // options.get("groups", 1), *kernel)
        f = F.conv1d if len(kernel) == 1 else F.conv2d
        return f(x, w, self(f"{name}.bias", out), **options)


def case(model, run, x, **options):
    weights = Weights()
    x = x.requires_grad_() if x.is_floating_point() else x
    y = run(weights, x)
    cotangent = torch.cos(0.7 * torch.arange(y.numel())).reshape(y.shape)
    (y * cotangent).sum().backward()

    def digest(g):
        g = g.ravel()
        return [float("%.10g" % v) for v in (g.sum(), (g * torch.cos(0.11 * torch.arange(g.numel()))).sum())]

    cases.append({
        "model": model, "options": options, "x": dump(x), "output": dump(y),
        "gradients": {name: digest(w.grad) for name, w in weights.known.items()},
        **({"inputGradient": digest(x.grad)} if x.is_floating_point() else {}),
    })


cases = []


def wave(*shape):
    n = math.prod(shape)
    return torch.sin(1.3 * torch.arange(n) ** 1.1).mul(100).round().div(100).reshape(shape)


def levels(k, *shape):
    return ((wave(*shape) + 1) / 2 * (k - 1e-9)).floor().long()


# TCN: weight normalisation with the lengths 1 + 0.1 cos(i); the direction is the layer's own weight.
def tcn(channels, kernel, normal):
    def causal(w, name, x, out, dilation):
        prefix = f"{name}.layer" if normal else name
        v = w(f"{prefix}.weight", out, x.shape[1], kernel)
        if normal:
            g = w(f"{name}.parametrization.magnitude", out, 1, 1)
            v = torch._weight_norm(v, g, 0)
        return F.conv1d(F.pad(x, ((kernel - 1) * dilation, 0)), v, w(f"{prefix}.bias", out), dilation=dilation)

    def run(w, x):
        for i, out in enumerate(channels):
            h = F.relu(causal(w, f"blocks.{i}.conv1", x, out, 2 ** i))
            h = F.relu(causal(w, f"blocks.{i}.conv2", h, out, 2 ** i))
            x = F.relu(h + (x if x.shape[1] == out else w.conv(f"blocks.{i}.shortcut", x, out, 1)))
        return x

    return run


case("tcn", tcn([3, 3], 2, False), wave(2, 2, 9), channels=[3, 3], kernel=2, weightNorm=False)
case("tcn", tcn([4, 3, 3], 3, True), wave(1, 2, 14), channels=[4, 3, 3], kernel=3, weightNorm=True)


# WaveNet.
def wavenet(k, channels, skips, kernel, dilations):
    def run(w, x):
        h = F.one_hot(x, k).double().matmul(w("embed.weight", k, channels)).transpose(1, 2)
        total = 0
        for i, d in enumerate(dilations):
            both = w.conv(f"layers.{i}.gated", F.pad(h, ((kernel - 1) * d, 0)), 2 * channels, kernel, dilation=d)
            z = torch.tanh(both[:, :channels]) * torch.sigmoid(both[:, channels:])
            total = total + w.conv(f"layers.{i}.skip", z, skips, 1)
            if i < len(dilations) - 1:
                h = h + w.conv(f"layers.{i}.residual", z, channels, 1)
        return w.conv("out", F.relu(w.conv("head", F.relu(total), skips, 1)), k, 1)

    return run


case("wavenet", wavenet(5, 3, 4, 2, [1, 2, 4, 1]), levels(5, 2, 12),
     levels=5, residualChannels=3, skipChannels=4, kernel=2, dilations=[1, 2, 4, 1])
case("wavenet", wavenet(4, 2, 3, 3, [1, 3]), levels(4, 1, 13),
     levels=4, residualChannels=2, skipChannels=3, kernel=3, dilations=[1, 3])


# PixelCNN: masks written out in loops over the weight.
def mask(shape, kind, colours):
    out, into, height, width = shape
    m = torch.zeros(shape)
    for o in range(out):
        for i in range(into):
            to, source = o * colours // out, i * colours // into
            for r in range(height):
                for c in range(width):
                    before = (r, c) < (height // 2, width // 2)
                    middle = (r, c) == (height // 2, width // 2)
                    m[o, i, r, c] = before or (middle and (source < to if kind == "A" else source <= to))
    return m


def masked(w, name, x, out, kernel, kind, colours):
    weight = w(f"{name}.weight", out, x.shape[1], *kernel)
    return F.conv2d(x, weight * mask(weight.shape, kind, colours), w(f"{name}.bias", out),
                    padding=(kernel[0] // 2, kernel[1] // 2))


def split_levels(w, h, colours, k, head):
    y = masked(w, "head", h, head, (1, 1), "B", colours)
    y = masked(w, "out", F.relu(y), colours * k, (1, 1), "B", colours)
    return y.reshape(y.shape[0], colours, k, *y.shape[2:]).transpose(1, 2)


def pixelcnn(k, channels, blocks, first, colours):
    def run(w, x):
        h = masked(w, "stack.first", x.double() * 2 / (k - 1) - 1, channels, (first, first), "A", colours)
        for i in range(blocks):
            y = masked(w, f"stack.blocks.{i}.reduce", F.relu(h), channels // 2, (1, 1), "B", colours)
            y = masked(w, f"stack.blocks.{i}.masked", F.relu(y), channels // 2, (3, 3), "B", colours)
            h = h + masked(w, f"stack.blocks.{i}.expand", F.relu(y), channels, (1, 1), "B", colours)
        return split_levels(w, F.relu(h), colours, k, channels)

    return run


def gated(k, channels, layers, first, colours):
    """The vertical stack as k×k convolutions whose rows below the middle are cut off, as the paper describes them."""
    def gate(both, colours):
        parts = both.chunk(colours, 1)
        return torch.cat([torch.tanh(a) * torch.sigmoid(b) for a, b in (p.chunk(2, 1) for p in parts)], 1)

    def run(w, x):
        v = h = x.double() * 2 / (k - 1) - 1
        for i in range(layers + 1):
            name, size, kind = f"stack.layers.{i}", first if i == 0 else 3, "A" if i == 0 else "B"
            upper = w(f"{name}.vertical.weight", 2 * channels, v.shape[1], size // 2 + 1, size)
            whole = F.pad(upper, (0, 0, 0, size // 2))
            both = F.conv2d(v, whole, w(f"{name}.vertical.bias", 2 * channels), padding=size // 2)
            above = torch.roll(both, 1, 2).clone()
            above[:, :, 0] = 0
            y = masked(w, f"{name}.horizontal", h, 2 * channels, (1, size), kind, colours)
            y = gate(y + w.conv(f"{name}.down", above, 2 * channels, 1, 1), colours)
            y = masked(w, f"{name}.out", y, channels, (1, 1), "B", colours)
            h = y if i == 0 else h + y
            v = gate(both, 1)
        return split_levels(w, F.relu(h), colours, k, channels)

    return run


case("pixelcnn", pixelcnn(2, 4, 1, 5, 1), levels(2, 1, 1, 5, 4), levels=2, width=4, blocks=1, firstKernel=5)
case("pixelcnn", pixelcnn(3, 12, 1, 3, 3), levels(3, 1, 3, 3, 4),
     levels=3, width=12, blocks=1, firstKernel=3, channels=3)
case("pixelcnn", gated(2, 4, 2, 5, 1), levels(2, 1, 1, 5, 4),
     levels=2, width=4, blocks=2, firstKernel=5, gated=True)
case("pixelcnn", gated(3, 6, 1, 3, 3), levels(3, 1, 3, 3, 4),
     levels=3, width=6, blocks=1, firstKernel=3, channels=3, gated=True)


# U-Net.
def unet(width, depth, padding, classes, norm):
    def double(w, name, x, out):
        for i in range(2):
            if norm:
                weight = w(f"{name}.convs.{i}.weight", out, x.shape[1], 3, 3)
                x = F.conv2d(x, weight, padding=padding)
                x = F.batch_norm(x, None, None, w(f"{name}.norms.{i}.weight", out), w(f"{name}.norms.{i}.bias", out),
                                 training=True)
            else:
                x = w.conv(f"{name}.convs.{i}", x, out, 3, 3, padding=padding)
            x = F.relu(x)
        return x

    def run(w, x):
        skips = []
        for i in range(depth):
            x = double(w, f"down.{i}", x, width * 2 ** i)
            skips.append(x)
            x = F.max_pool2d(x, 2)
        x = double(w, "bottom", x, width * 2 ** depth)
        for i in range(depth):
            out = width * 2 ** (depth - 1 - i)
            x = F.conv_transpose2d(x, w(f"up.{i}.up.weight", 2 * out, out, 2, 2), w(f"up.{i}.up.bias", out), stride=2)
            skip = skips.pop()
            top, left = (skip.shape[2] - x.shape[2]) // 2, (skip.shape[3] - x.shape[3]) // 2
            skip = skip[:, :, top:top + x.shape[2], left:left + x.shape[3]]
            x = double(w, f"up.{i}.convs", torch.cat([skip, x], 1), out)
        return w.conv("out", x, classes, 1, 1)

    return run


case("unet", unet(2, 2, 1, 2, False), wave(1, 1, 8, 12), width=2, depth=2, padding="same", classes=2)
case("unet", unet(2, 1, 0, 3, False), wave(1, 2, 20, 18), width=2, depth=1, padding="valid", classes=3, channels=2)
case("unet", unet(2, 1, 1, 2, True), wave(2, 1, 6, 6), width=2, depth=1, padding="same", classes=2, batchNorm=True)

# Soft Dice loss from its formula, and what PyTorch says of cross-entropy with further axes is in losses.py.
logits, target = wave(2, 3, 4, 5).requires_grad_(), levels(3, 2, 4, 5)
p, t = logits.softmax(1), F.one_hot(target, 3).permute(0, 3, 1, 2)
losses = {}
for smooth in (1e-5, 1.0):
    loss = 1 - (2 * (p * t).sum((2, 3)) + smooth) / (p.sum((2, 3)) + t.sum((2, 3)) + smooth)
    gradient, = torch.autograd.grad(loss.mean(), logits, retain_graph=True)
    losses[str(smooth)] = {"losses": dump(loss), "gradient": dump(gradient)}

# The µ-law as torchaudio writes it.
x = torch.cat([torch.linspace(-1, 1, 41), torch.tensor([1e-4, -1e-4, 0.01, -0.003])])
laws = {}
for k in (256, 16):
    mu = k - 1.0
    bent = torch.sign(x) * torch.log1p(mu * x.abs()) / math.log1p(mu)
    code = ((bent + 1) / 2 * mu + 0.5).long()
    y = code.double() / mu * 2 - 1
    laws[str(k)] = {"codes": dump(code), "decoded": dump(torch.sign(y) * (torch.exp(y.abs() * math.log1p(mu)) - 1) / mu)}

write(__file__, {
    "cases": cases,
    "dice": {"logits": dump(logits), "target": dump(target), "bySmooth": losses},
    "muLaw": {"x": dump(x), "byLevels": laws},
})
