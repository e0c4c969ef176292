"""Activations: forward values and gradients."""
import torch
import torch.nn.functional as F

from common import differentiate, randn, write

points = torch.tensor([-30.0, -6.5, -3.1, -2.0, -1.25, -0.75, -0.5, -0.1, -1e-4, 1e-4, 0.1, 0.3, 0.5, 0.9, 1.25, 2.0, 2.9, 4.0, 8.0, 25.0])
cases = []


def add(op, f, x=points, inputs=None, **options):
    cases.append({"op": op, "options": options, **differentiate(lambda x, **rest: f(x, **rest), {"x": x, **(inputs or {})})})


add("relu", F.relu)
add("relu6", F.relu6)
add("leakyRelu", F.leaky_relu)
add("leakyRelu", lambda x: F.leaky_relu(x, 0.2), slope=0.2)
add("elu", F.elu)
add("elu", lambda x: F.elu(x, 1.5), alpha=1.5)
add("celu", lambda x: F.celu(x, 0.7), alpha=0.7)
add("selu", F.selu)
add("gelu", F.gelu)
add("gelu", lambda x: F.gelu(x, approximate="tanh"), approximate="tanh")
add("silu", F.silu)
add("mish", F.mish)
add("softplus", F.softplus)
add("softplus", lambda x: F.softplus(x, beta=2.0), beta=2.0)
add("softsign", F.softsign)
add("softshrink", F.softshrink)
add("hardshrink", lambda x: F.hardshrink(x, 0.4), threshold=0.4)
add("tanhshrink", F.tanhshrink)
add("hardtanh", F.hardtanh)
add("hardtanh", lambda x: F.hardtanh(x, -2.5, 0.6), min=-2.5, max=0.6)
add("hardswish", F.hardswish)
add("hardsigmoid", F.hardsigmoid)
add("sigmoid", torch.sigmoid)
add("tanh", torch.tanh)
add("logSigmoid", F.logsigmoid)
add("softmax", lambda x: F.softmax(x, -1), randn(3, 5) * 3)
add("softmax", lambda x: F.softmax(x, 1), randn(2, 3, 4), axis=1)
add("softmin", lambda x: F.softmin(x, -1), randn(3, 4))
add("logSoftmax", lambda x: F.log_softmax(x, -1), randn(3, 5) * 3)
add("logSoftmax", lambda x: F.log_softmax(x, 0), randn(4, 3), axis=0)
add("glu", lambda x: F.glu(x), randn(3, 6))
add("glu", lambda x: F.glu(x, 0), randn(4, 3), axis=0)
add("prelu", lambda x, weight: F.prelu(x, weight), inputs={"weight": torch.tensor([0.25])})
add("prelu", lambda x, weight: F.prelu(x, weight), randn(2, 3, 4), {"weight": randn(3)})

write(__file__, {"cases": cases})
