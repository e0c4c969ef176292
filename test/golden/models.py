"""What torchvision's networks are made of, and what they compute when filled by a formula (`course/arc-shared.ts` has it too).

    /usr/bin/python3 test/golden/models.py          (torchvision 0.14.1, PyTorch 1.13; about 4 GB of memory, two minutes)
"""
import hashlib

import numpy as np
import torch
import torchvision.models as tv
from torch import nn
from torchvision.models.densenet import DenseNet
from torchvision.models.googlenet import Inception, InceptionAux
from torchvision.models.resnet import BasicBlock, Bottleneck, ResNet
from torchvision.models.vgg import VGG, make_layers

from common import write

torch.set_default_dtype(torch.float64)


def uniform(name, count):
    """Numbers in [0, 1) that look random: a hash of the name and the position (Murmur's finalizer)."""
    seed = 2166136261
    for c in name.encode():
        seed = (seed ^ c) * 16777619 & 0xFFFFFFFF
    h = np.arange(count, dtype=np.uint32) + np.uint32(seed)
    h ^= h >> np.uint32(16)
    h *= np.uint32(0x85EBCA6B)
    h ^= h >> np.uint32(13)
    h *= np.uint32(0xC2B2AE35)
    h ^= h >> np.uint32(16)
    return h / 2.0**32


def filled(name, shape):
    """Weights of variance 2 / fan-in, biases and means in ±0.1, scales and variances in 0.5 … 1.5."""
    u = uniform(name, int(np.prod(shape)))
    field = name.split(".")[-1]
    if len(shape) > 1:
        v = (2 * u - 1) * np.sqrt(6 / np.prod(shape[1:]))
    elif field in ("bias", "running_mean"):
        v = 0.2 * u - 0.1
    else:
        v = 0.5 + u
    return torch.from_numpy(v.reshape(shape))


def tensors(model):
    return {k: v for k, v in model.state_dict().items() if not k.endswith("num_batches_tracked")}


def fill(model):
    for name, t in tensors(model).items():
        t.copy_(filled(name, tuple(t.shape)))
    return model


def names(model):
    """Names and shapes, one a line, sorted: how many, and their SHA-256."""
    lines = sorted(f"{k} {','.join(map(str, t.shape))}" for k, t in tensors(model).items())
    return {"tensors": len(lines), "sha256": hashlib.sha256("\n".join(lines).encode()).hexdigest()}


def picture(n, channels, size):
    return torch.from_numpy(2 * uniform("picture", n * channels * size * size) - 1).reshape(n, channels, size, size)


def floats(t):
    return [float(v) for v in t.detach().numpy().ravel()]


def whole(make, size):
    """A published network: its names, its size, and five of its logits for one picture in evaluation mode."""
    model = make()
    entry = {
        **names(model),
        "parameters": sum(p.numel() for p in model.parameters()),
        "size": size,
    }
    fill(model).eval()
    with torch.no_grad():
        logits = model(picture(1, 3, size))
    return {**entry, "logits": floats(logits[0, ::200])}


def gradients(model, x):
    """In training mode: the output, Σ y·c for cotangent c, and for the input and each parameter Σ gradient · u."""
    fill(model).train()
    x = x.requires_grad_(True)
    y = model(x)
    c = torch.from_numpy(2 * uniform("cotangent", y.numel()) - 1).reshape(y.shape)
    (y * c).sum().backward()

    def digest(name, g):
        # Another direction than the parameter's own, in which normalisation leaves no gradient.
        direction = torch.from_numpy(2 * uniform(f"gradient of {name}", g.numel()) - 1)
        return float((g.flatten() * direction).sum())

    means = {k: digest(k, t) for k, t in tensors(model).items() if "running" in k}
    return {
        "shape": list(x.shape),
        "output": floats(y.flatten()[:8]),
        "gradients": {
            "input": digest("input", x.grad),
            **{k: digest(k, p.grad) for k, p in model.named_parameters()},
        },
        "statistics": means,
    }


class SmallAlexNet(nn.Module):
    """torchvision's AlexNet with all widths scaled."""

    def __init__(self, width, classes):
        super().__init__()
        model = tv.AlexNet(num_classes=classes, dropout=0.0)
        for layers in (model.features, model.classifier):
            for i, layer in enumerate(layers):
                if isinstance(layer, nn.Conv2d):
                    into = 3 if layer.in_channels == 3 else layer.in_channels * width // 64
                    layers[i] = nn.Conv2d(
                        into, layer.out_channels * width // 64, layer.kernel_size, layer.stride, layer.padding
                    )
                elif isinstance(layer, nn.Linear):
                    out = classes if layer.out_features == classes else layer.out_features * width // 64
                    layers[i] = nn.Linear(layer.in_features * width // 64, out)
        self.features, self.avgpool, self.classifier = model.features, model.avgpool, model.classifier

    forward = tv.AlexNet.forward


def small_vgg():
    model = VGG(make_layers([4, "M", 6, 6, "M"], batch_norm=True), num_classes=5, dropout=0.0)
    model.classifier[0] = nn.Linear(6 * 7 * 7, 8)
    model.classifier[3] = nn.Linear(8, 8)
    model.classifier[6] = nn.Linear(8, 5)
    return model


def shortcut(into, out, stride):
    return nn.Sequential(nn.Conv2d(into, out, 1, stride, bias=False), nn.BatchNorm2d(out))


def lenet():
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.Tanh(), nn.AvgPool2d(2), nn.Conv2d(6, 16, 5), nn.Tanh(), nn.AvgPool2d(2),
        nn.Flatten(), nn.Linear(400, 120), nn.Tanh(), nn.Linear(120, 84), nn.Tanh(), nn.Linear(84, 10),
    )  # fmt: skip


def densenet():
    return DenseNet(growth_rate=4, block_config=(2, 3), num_init_features=8, bn_size=2, num_classes=5)


write(
    __file__,
    {
        "whole": {
            "alexnet": whole(tv.alexnet, 67),
            "vgg16": whole(tv.vgg16, 40),
            "vgg19": whole(tv.vgg19, 40),
            "vgg16_bn": whole(tv.vgg16_bn, 40),
            "vgg19_bn": whole(tv.vgg19_bn, 40),
            "googlenet": whole(lambda: tv.googlenet(init_weights=False, aux_logits=True), 75),
            "resnet18": whole(tv.resnet18, 50),
            "resnet34": whole(tv.resnet34, 50),
            "resnet50": whole(tv.resnet50, 50),
            "densenet121": whole(tv.densenet121, 64),
        },
        "small": {
            "lenet": gradients(lenet(), picture(2, 1, 28)),
            "alexnet": gradients(SmallAlexNet(4, 5), picture(2, 3, 70)),
            "vgg": gradients(small_vgg(), picture(2, 3, 17)),
            "inception": gradients(Inception(6, 3, 2, 4, 2, 3, 2), picture(2, 6, 7)),
            "auxiliary": gradients(InceptionAux(6, 5, dropout=0.0), picture(2, 6, 9)),
            "basic": gradients(BasicBlock(4, 6, 2, shortcut(4, 6, 2)), picture(2, 4, 7)),
            "bottleneck": gradients(Bottleneck(4, 2, 2, shortcut(4, 8, 2)), picture(2, 4, 7)),
            "resnet": gradients(ResNet(BasicBlock, [1, 1, 1, 1], num_classes=5), picture(2, 3, 33)),
            "densenet": gradients(densenet(), picture(2, 3, 36)),
        },
    },
)
