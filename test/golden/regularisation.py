"""Regularisation: decay of chosen parameters, norms of rows, and losses that learn from other models and from no labels."""
import torch
import torch.nn.functional as F

from common import differentiate, dump, randn, write

# f(weight, bias) = mean((x·weightᵀ + bias - y)²); the weight decays and the bias does not, in PyTorch's groups.
x, y = randn(6, 3), randn(6, 2)
start = {"weight": randn(2, 3), "bias": randn(2)}


def trajectory(make, decay, steps=6):
    p = {k: v.clone().requires_grad_(True) for k, v in start.items()}
    optimizer = make([{"params": [p["weight"]], "weight_decay": decay}, {"params": [p["bias"]], "weight_decay": 0.0}])
    points = []
    for _ in range(steps):
        optimizer.zero_grad()
        ((x @ p["weight"].T + p["bias"] - y) ** 2).mean().backward()
        optimizer.step()
        points.append({k: dump(v) for k, v in p.items()})
    return points


groups = {
    "sgd": trajectory(lambda g: torch.optim.SGD(g, lr=0.1, momentum=0.9), 0.3),
    "adam": trajectory(lambda g: torch.optim.Adam(g, lr=0.1), 0.3),
    "adamw": trajectory(lambda g: torch.optim.AdamW(g, lr=0.1), 0.3),
}

rows = [{"input": dump(w), "radius": r, "output": dump(torch.renorm(w.double(), 2, 0, r))}
        for w, r in [(randn(4, 3), 1.0), (randn(3, 2, 2, 2), 2.0)]]

cases = []


def add(op, f, make, reductions=("mean", "sum", "none"), **options):
    for reduction in reductions:
        cases.append({"op": op, "options": {**options, "reduction": reduction},
                      **differentiate(lambda **inputs: f(reduction=reduction, **inputs), make())})


def distillation(temperature):
    def f(student, teacher, reduction):
        terms = F.kl_div(F.log_softmax(student / temperature, 1), F.softmax(teacher.detach() / temperature, 1),
                         reduction="none").sum(1) * temperature ** 2
        return {"mean": terms.mean, "sum": terms.sum, "none": lambda: terms}[reduction]()
    return f


for t in [1.0, 4.0]:
    add("distillation", distillation(t), lambda: {"student": randn(4, 5) * 2, "teacher": randn(4, 5) * 2}, temperature=t)


def entropy(input, reduction):
    e = torch.distributions.Categorical(logits=input).entropy()
    return {"mean": e.mean, "sum": e.sum, "none": lambda: e}[reduction]()


add("entropy", entropy, lambda: {"input": randn(4, 5) * 2})


def pseudo(input, guide, reduction):
    p, labels = F.softmax(guide.detach(), 1).max(1)
    terms = F.cross_entropy(input, labels, reduction="none") * (p >= 0.5)
    return {"mean": terms.mean, "sum": terms.sum, "none": lambda: terms}[reduction]()


add("pseudoLabel", pseudo, lambda: {"input": randn(6, 4), "guide": randn(6, 4) * 2}, threshold=0.5)

add("infoNce", lambda scores, reduction: F.cross_entropy(scores, torch.arange(scores.shape[0]), reduction=reduction),
    lambda: {"scores": randn(5, 5) * 2})


def cosines(a, b, reduction):
    return F.cross_entropy(F.cosine_similarity(a[:, None], b[None], dim=-1, eps=1e-12) / 0.2, torch.arange(a.shape[0]), reduction=reduction)


add("infoNceOfCosines", cosines, lambda: {"a": randn(4, 3), "b": randn(4, 3)})

write(__file__, {"data": {"x": dump(x), "y": dump(y), "start": {k: dump(v) for k, v in start.items()}},
                 "groups": groups, "rows": rows, "cases": cases})
