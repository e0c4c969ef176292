"""torchvision's deterministic transforms of tensors: affine, rotate, resized_crop, and colours."""
import torch
import torchvision.transforms.functional as F
from torchvision.transforms import InterpolationMode as Mode
from common import dump, write

cases = []
pixels = lambda *shape: torch.randint(0, 101, shape).double().div(100).float().double()  # two decimals: short to store
modes = {"nearest": Mode.NEAREST, "bilinear": Mode.BILINEAR}


def case(op, options, x, f):
    # One picture of the batch after the other: a number for each becomes a number.
    cases.append({"op": op, "options": options, "x": dump(x), "output": dump(torch.cat([f(x[i:i + 1], i) for i in range(len(x))]))})


x = pixels(2, 2, 5, 6)
for mode in ("nearest", "bilinear"):
    # With a fill torchvision fades bilinear borders twice, so only nearest has one here.
    for fill in (0, 0.5) if mode == "nearest" else (0,):
        angles = [33.0, -101.5]
        case("rotate", {"angle": angles, "interpolation": mode, "fill": fill}, x,
             lambda v, i: F.rotate(v, angles[i], modes[mode], fill=[fill] if fill else None))
    case("rotate", {"angle": [20.0, 70.0], "interpolation": mode, "center": [1, 4]}, x,
         lambda v, i: F.rotate(v, [20.0, 70.0][i], modes[mode], center=[1, 4]))
    a, t, s, sx, sy = [12.0, -40.0], [[1, -2], [0, 1]], [1.3, 0.7], [10.0, -25.0], [0.0, 8.0]
    case("affine", {"angle": a, "translate": t, "scale": s, "shear": [sx, sy], "interpolation": mode}, x,
         lambda v, i: F.affine(v, a[i], t[i], s[i], [sx[i], sy[i]], modes[mode]))
mode = "bilinear"
tops, lefts, heights, widths = [0, 2], [1, 0], [4, 3], [5, 2]
case("resizedCrop", {"top": tops, "left": lefts, "height": heights, "width": widths, "size": [7, 3], "interpolation": mode}, x,
          lambda v, i: F.resized_crop(v, tops[i], lefts[i], heights[i], widths[i], [7, 3], modes[mode]))
for antialias in (False, True):
    for size in (3, [8, 9], [2, 9], [8, 4]):
        case("resize", {"size": size, "interpolation": mode, "antialias": antialias}, x,
             lambda v, i: F.resize(v, size, modes[mode], antialias=antialias))
for mode in ("constant", "edge", "reflect", "symmetric"):
    case("pad", {"padding": [1, 2, 3, 0], "paddingMode": mode}, x, lambda v, i: F.pad(v, [1, 2, 3, 0], 0, mode))
case("centerCrop", {"size": [3, 4]}, x, lambda v, i: F.center_crop(v, [3, 4]))
rgb = pixels(2, 3, 4, 4)
rgb[0, :, 0, 0] = 0.25  # without a hue
for op in ("brightness", "contrast", "saturation"):
    for factors in ([0.0, 0.4], [1.0, 1.9]):
        case(op, {"factor": factors}, rgb, lambda v, i: getattr(F, "adjust_" + op)(v, factors[i]))
for factors in ([0.0, 0.1], [-0.5, 0.37]):
    case("hue", {"factor": factors}, rgb, lambda v, i: F.adjust_hue(v, factors[i]))
case("grayscale", {}, rgb, lambda v, i: F.rgb_to_grayscale(v))
case("normalize", {"mean": [0.1, 0.2, 0.3], "std": [0.5, 0.25, 2.0]}, rgb,
     lambda v, i: F.normalize(v, [0.1, 0.2, 0.3], [0.5, 0.25, 2.0]))
write(__file__, {"cases": cases})
