"""Losses: values and gradients under every reduction."""
import torch
import torch.nn.functional as F

from common import differentiate, randn, write

cases = []
reductions = ["mean", "sum", "none"]


def add(op, f, make, **options):
    """`f(reduction=…, **inputs)` under each reduction, on inputs drawn afresh."""
    for reduction in reductions:
        cases.append({"op": op, "options": {**options, "reduction": reduction},
                      **differentiate(lambda **inputs: f(reduction=reduction, **inputs), make())})


def pair(*shape):
    return lambda: {"input": randn(*shape) * 1.5, "target": randn(*shape)}


def probabilities(*shape):
    return torch.sigmoid(randn(*shape))


add("mse", F.mse_loss, pair(3, 4))
add("l1", F.l1_loss, pair(3, 4))
add("huber", lambda input, target, reduction: F.huber_loss(input, target, reduction, 0.8), pair(3, 4), delta=0.8)
add("smoothL1", lambda input, target, reduction: F.smooth_l1_loss(input, target, reduction=reduction, beta=0.6),
    pair(3, 4), beta=0.6)

classes = torch.tensor([2, 0, 3, 1])
ignored = torch.tensor([2, -100, 3, 1])
pixels = torch.tensor([[[0, 2], [1, 1]], [[2, 2], [0, 1]]])


def entropy(**options):
    torch_options = {"labelSmoothing": "label_smoothing", "ignoreIndex": "ignore_index"}
    kwargs = {torch_options.get(k, k): v for k, v in options.items()}
    return lambda input, target, reduction, weight=None: F.cross_entropy(
        input, target, weight.detach() if weight is not None else None, reduction=reduction, **kwargs)


add("crossEntropy", entropy(), lambda: {"input": randn(4, 5) * 2, "target": classes})
add("crossEntropy", entropy(), lambda: {"input": randn(2, 3, 2, 2), "target": pixels})
add("crossEntropy", entropy(), lambda: {"input": randn(4, 5), "target": classes, "weight": probabilities(5)})
add("crossEntropy", entropy(labelSmoothing=0.1), lambda: {"input": randn(4, 5), "target": classes}, labelSmoothing=0.1)
add("crossEntropy", entropy(labelSmoothing=0.2),
    lambda: {"input": randn(4, 5), "target": ignored, "weight": probabilities(5)}, labelSmoothing=0.2)
add("crossEntropy", entropy(), lambda: {"input": randn(4, 5), "target": ignored})
add("crossEntropy", entropy(ignoreIndex=3), lambda: {"input": randn(4, 5), "target": classes, "weight": probabilities(5)},
    ignoreIndex=3)
add("crossEntropy", entropy(), lambda: {"input": randn(4, 5), "target": torch.softmax(randn(4, 5), 1).detach()})
add("crossEntropy", entropy(labelSmoothing=0.1),
    lambda: {"input": randn(4, 5), "target": torch.softmax(randn(4, 5), 1), "weight": probabilities(5)},
    labelSmoothing=0.1)

add("nll", lambda input, target, reduction: F.nll_loss(input, target, reduction=reduction),
    lambda: {"input": F.log_softmax(randn(4, 5), 1), "target": classes})
add("nll", lambda input, target, weight, reduction: F.nll_loss(input, target, weight.detach(), reduction=reduction),
    lambda: {"input": F.log_softmax(randn(4, 5), 1), "target": ignored, "weight": probabilities(5)})

add("binaryCrossEntropy", lambda input, target, reduction: F.binary_cross_entropy(input, target.detach(), reduction=reduction),
    lambda: {"input": probabilities(3, 4), "target": probabilities(3, 4)})
add("binaryCrossEntropy", lambda input, target, weight, reduction: F.binary_cross_entropy(
    input, target.detach(), weight.detach(), reduction=reduction),
    lambda: {"input": probabilities(3, 4), "target": (randn(3, 4) > 0).double(), "weight": probabilities(3, 4)})
add("binaryCrossEntropyWithLogits",
    lambda input, target, reduction: F.binary_cross_entropy_with_logits(input, target.detach(), reduction=reduction),
    lambda: {"input": randn(3, 4) * 4, "target": probabilities(3, 4)})
add("binaryCrossEntropyWithLogits",
    lambda input, target, positiveWeight, reduction: F.binary_cross_entropy_with_logits(
        input, target.detach(), pos_weight=positiveWeight.detach(), reduction=reduction),
    lambda: {"input": randn(3, 4) * 4, "target": (randn(3, 4) > 0).double(), "positiveWeight": probabilities(4) * 3})

# The target of a divergence holds probabilities; "batchmean" is the divergence's own mean.
reductions = ["mean", "sum", "none", "batchmean"]
add("klDivergence", lambda input, target, reduction: F.kl_div(input, target.detach(), reduction=reduction),
    lambda: {"input": F.log_softmax(randn(3, 4), 1), "target": torch.softmax(randn(3, 4), 1)})
add("klDivergence", lambda input, target, reduction: F.kl_div(input, target.detach(), reduction=reduction, log_target=True),
    lambda: {"input": F.log_softmax(randn(3, 4), 1), "target": F.log_softmax(randn(3, 4), 1)}, logTarget=True)
reductions = ["mean", "sum", "none"]

signs = torch.tensor([1.0, -1.0, 1.0, -1.0])
add("hingeEmbedding", lambda input, target, reduction: F.hinge_embedding_loss(input, target.detach(), 1.2, reduction=reduction),
    lambda: {"input": randn(4), "target": signs}, margin=1.2)
add("cosineEmbedding", lambda a, b, target, reduction: F.cosine_embedding_loss(a, b, target.detach(), 0.1, reduction=reduction),
    lambda: {"a": randn(4, 3), "b": randn(4, 3), "target": signs}, margin=0.1)
add("softMargin", lambda input, target, reduction: F.soft_margin_loss(input, target.detach(), reduction=reduction),
    lambda: {"input": randn(4), "target": signs})
add("poissonNll", lambda input, target, reduction: F.poisson_nll_loss(input, target.detach(), reduction=reduction),
    lambda: {"input": randn(4), "target": torch.tensor([0.0, 1.0, 3.0, 2.0])})
add("gaussianNll", lambda input, target, variance, reduction: F.gaussian_nll_loss(input, target, variance, reduction=reduction),
    lambda: {"input": randn(3, 2), "target": randn(3, 2), "variance": probabilities(3, 2) + 0.1})
add("tripletMargin", lambda anchor, positive, negative, reduction: F.triplet_margin_loss(
    anchor, positive, negative, reduction=reduction),
    lambda: {"anchor": randn(4, 3), "positive": randn(4, 3), "negative": randn(4, 3)})

write(__file__, {"cases": cases})
