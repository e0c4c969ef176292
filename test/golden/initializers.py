"""Initializers: fans, gains, and the mean, deviation and bounds each distribution must have."""
import math

import torch
from torch import nn

from common import write

shapes = [[5], [7, 3], [6, 4, 5], [8, 3, 3, 5], [4, 2, 3, 1, 2]]
fans = [{"shape": s, "fans": list(nn.init._calculate_fan_in_and_fan_out(torch.empty(s)))} for s in shapes[1:]]
gains = [{"name": n, "gain": nn.init.calculate_gain(n)} for n in ["linear", "sigmoid", "tanh", "relu", "selu"]]
gains += [{"name": "leakyRelu", "slope": s, "gain": nn.init.calculate_gain("leaky_relu", s)} for s in [0.01, 0.2, math.sqrt(5)]]

# What PyTorch's layers start with: bounds of the uniform distributions of weight and bias.
def bounds(layer):
    fan_in, _ = nn.init._calculate_fan_in_and_fan_out(layer.weight)
    return {"weight": math.sqrt(3) * nn.init.calculate_gain("leaky_relu", math.sqrt(5)) / math.sqrt(fan_in), "bias": 1 / math.sqrt(fan_in)}

layers = [
    {"layer": "linear", "in": 64, "out": 48, **bounds(nn.Linear(64, 48))},
    {"layer": "conv2d", "in": 6, "out": 8, "kernel": [3, 5], "groups": 2, **bounds(nn.Conv2d(6, 8, (3, 5), groups=2))},
]
# Standard deviations of the distributions by their formulas, for a [200, 300] matrix.
fan_in, fan_out = 300, 200
statistics = [
    {"name": "lecun", "deviation": math.sqrt(1 / fan_in)},
    {"name": "glorot", "deviation": math.sqrt(2 / (fan_in + fan_out))},
    {"name": "he", "deviation": math.sqrt(2 / fan_in)},
]
write(__file__, {"fans": fans, "gains": gains, "layers": layers, "shape": [200, 300], "statistics": statistics})
