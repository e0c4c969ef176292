"""affine_grid and grid_sample in every mode, with gradients."""
import itertools

import torch
import torch.nn.functional as F
from common import differentiate, randn, write

cases = []


def case(op, options, f, **inputs):
    cases.append({"op": op, "options": options, **differentiate(f, inputs)})


theta = lambda n: torch.tensor([[0.9, -0.3, 0.2], [0.4, 1.1, -0.1]]).double().repeat(n, 1, 1) + randn(n, 2, 3) * 0.1
for corners in (False, True):
    case("affineGrid", {"size": [2, 1, 3, 4], "alignCorners": corners},
         lambda theta: F.affine_grid(theta, (2, 1, 3, 4), align_corners=corners), theta=theta(2))
# Places off the ties of nearest, some of them far outside.
grid = (torch.rand(2, 3, 3, 2, dtype=torch.float64) * 3.4 - 1.7).mul(50).round().div(50).add(0.003)
x = randn(2, 2, 4, 5)
for mode, padding, corners in itertools.product(
        ("nearest", "bilinear", "bicubic"), ("zeros", "border", "reflection"), (False, True)):
    case("gridSample", {"mode": mode, "paddingMode": padding, "alignCorners": corners},
         lambda x, grid: F.grid_sample(x, grid, mode=mode, padding_mode=padding, align_corners=corners),
         x=x, grid=grid)
write(__file__, {"cases": cases})
