"""Squeeze and excitation: forward values and gradients, with torchvision's layer."""
import torch
from torchvision.ops import SqueezeExcitation

from common import differentiate, randn, write


def squeeze_excite(x, w1, b1, w2, b2):
    layer = SqueezeExcitation(4, 2).double()
    tensors = {"fc1.weight": w1, "fc1.bias": b1, "fc2.weight": w2, "fc2.bias": b2}
    return torch.nn.utils.stateless.functional_call(layer, tensors, x)


inputs = {"x": randn(2, 4, 3, 2), "w1": randn(2, 4, 1, 1), "b1": randn(2), "w2": randn(4, 2, 1, 1), "b2": randn(4)}
write(__file__, {"cases": [{"op": "squeezeExcite", "options": {}, **differentiate(squeeze_excite, inputs)}]})
