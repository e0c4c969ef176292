"""The PyTorch side of the benchmark; `serve.ts` says what is asked and answered, and `values.ts` has the same numbers."""
import ctypes
import json
import re
import resource
import sys
import time

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(int(sys.argv[1]))


def scrambled(count, seed):
    i = np.arange(count, dtype=np.int64)
    return (i * i % 9973 * 31 + i * 7919 + seed * 104729) % 10007


def values(shape, seed, scale=1.0):
    data = (scrambled(int(np.prod(shape)), seed) / 10007 - 0.5) * 12**0.5 * scale
    return torch.from_numpy(data.astype(np.float32).reshape(shape))


def integers(shape, seed, end):
    return torch.from_numpy((scrambled(int(np.prod(shape)), seed) % end).reshape(shape))


def training_step(model, x, y, loss):
    with torch.no_grad():
        for i, (name, p) in enumerate(model.named_parameters()):
            if p.dim() > 1:
                p.copy_(values(p.shape, i, (p.shape[0] / p.numel()) ** 0.5))
            elif "bias" in name:
                p.zero_()
    optimizer = torch.optim.Adam(model.parameters(), 1e-3, foreach=True)

    def step():
        optimizer.zero_grad(set_to_none=True)
        value = loss(model(x), y)
        value.backward()
        optimizer.step()
        return value

    return step


def mlp(task):
    sizes, batch = task["sizes"], task["batch"]
    layers = []
    for a, b in zip(sizes, sizes[1:]):
        layers += [nn.Linear(a, b), {"tanh": nn.Tanh, "relu": nn.ReLU}[task["activation"]]()]
    model, x = nn.Sequential(*layers[:-1]), values([batch, sizes[0]], 100)
    if task["loss"] == "squared":
        return training_step(model, x, values([batch, sizes[-1]], 101), F.mse_loss)
    return training_step(model, x, integers([batch], 101, sizes[-1]), F.cross_entropy)


def lenet(task):
    model = nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.Tanh(), nn.AvgPool2d(2),
        nn.Conv2d(6, 16, 5), nn.Tanh(), nn.AvgPool2d(2), nn.Flatten(),
        nn.Linear(400, 120), nn.Tanh(), nn.Linear(120, 84), nn.Tanh(), nn.Linear(84, 10))
    batch = task["batch"]
    return training_step(model, values([batch, 1, 28, 28], 100), integers([batch], 101, 10), F.cross_entropy)


def cnn(task):
    def block(a, b):
        return [nn.Conv2d(a, b, 3, padding=1), nn.BatchNorm2d(b), nn.ReLU()]

    model = nn.Sequential(
        *block(3, 32), *block(32, 64), nn.MaxPool2d(2), *block(64, 64), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(64 * 64, 10))
    batch = task["batch"]
    return training_step(model, values([batch, 3, 32, 32], 100), integers([batch], 101, 10), F.cross_entropy)


class Lstm(nn.Module):
    def __init__(self, hidden, embedded, vocabulary):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, embedded)
        self.lstm = nn.LSTM(embedded, hidden, batch_first=True)
        self.output = nn.Linear(hidden, vocabulary)

    def forward(self, x):
        return self.output(self.lstm(self.embedding(x))[0]).flatten(0, 1)


class Block(nn.Module):
    def __init__(self, width, heads, mask):
        super().__init__()
        self.heads, self.mask = heads, mask
        self.norm1 = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.projection = nn.Linear(width, width)
        self.norm2 = nn.LayerNorm(width)
        self.feed = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x):
        n, t, d = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(n, t, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        scores = (q * (d // self.heads) ** -0.5) @ k.transpose(-1, -2)
        mixed = scores.masked_fill(self.mask, -1e9).softmax(-1) @ v
        x = x + self.projection(mixed.transpose(1, 2).reshape(n, t, d))
        return x + self.feed(self.norm2(x))


class Gpt(nn.Module):
    def __init__(self, layers, width, heads, length, vocabulary):
        super().__init__()
        mask = torch.triu(torch.ones(length, length, dtype=torch.bool), 1)
        self.embedding = nn.Embedding(vocabulary, width)
        self.positions = nn.Embedding(length, width)
        self.blocks = nn.Sequential(*[Block(width, heads, mask) for _ in range(layers)])
        self.norm = nn.LayerNorm(width)
        self.output = nn.Linear(width, vocabulary)

    def forward(self, x):
        return self.output(self.norm(self.blocks(self.embedding(x) + self.positions.weight))).flatten(0, 1)


def language_model(task, model):
    n, t, vocabulary = task["batch"], task["length"], task["vocabulary"]
    return training_step(model, integers([n, t], 100, vocabulary), integers([n * t], 101, vocabulary), F.cross_entropy)


def lstm(task):
    return language_model(task, Lstm(task["hidden"], task["embedded"], task["vocabulary"]))


def gpt(task):
    return language_model(task, Gpt(task["layers"], task["width"], task["heads"], task["length"], task["vocabulary"]))


def matmul(task):
    a, b = values([task["m"], task["k"]], 0), values([task["k"], task["n"]], 1)
    return lambda: a @ b


def convolution(task):
    n, a, b, size = task["batch"], task["from"], task["to"], task["size"]
    x, w = values([n, a, size, size], 0), values([b, a, 3, 3], 1, (9 * a) ** -0.5)
    g = values([n, b, size, size], 2)
    if task["pass"] == "forward":
        return lambda: F.conv2d(x, w, padding=1)
    wanted = task["pass"] == "input"
    mask = [wanted, not wanted, False]
    one = [1, 1]
    backward = torch.ops.aten.convolution_backward
    return lambda: backward(g, x, w, None, one, one, one, False, [0, 0], 1, mask)[0 if wanted else 1]


def softmax(task):
    x = values([task["rows"], task["columns"]], 0)
    return lambda: torch.softmax(x, -1)


def layer_norm(task):
    columns = [task["columns"]]
    x, w, b = values([task["rows"], task["columns"]], 0), values(columns, 1), values(columns, 2)
    return lambda: F.layer_norm(x, columns, w, b)


def tanh_chain(task):
    x = values([task["n"]], 0)
    return lambda: (torch.tanh(x * 2 + 1) * x - 0.5 * x).sum()


def cheap_chain(task):
    x = values([task["n"]], 0)
    return lambda: torch.relu(x * 2 + 1) * x


def total(task):
    x = values([task["rows"], task["columns"]], 0)
    return lambda: x.sum()


def gather(task):
    table, rows = values([task["rows"], task["columns"]], 0), integers([task["count"]], 1, task["rows"])
    return lambda: torch.index_select(table, 0, rows)


def eager(task):
    x = values([8], 0)

    def chain():
        y = x
        for i in range(task["operations"]):
            y = y * 0.99 if i % 2 == 0 else y + 0.01
        return y

    return chain


tasks = {
    "mlp": mlp, "lenet": lenet, "cnn": cnn, "lstm": lstm, "gpt": gpt, "matmul": matmul, "convolution": convolution,
    "softmax": softmax, "layer-norm": layer_norm, "tanh-chain": tanh_chain, "cheap-chain": cheap_chain, "sum": total,
    "gather": gather, "eager": eager}
trains = {"mlp", "lenet", "cnn", "lstm", "gpt"}
prepared, kind = None, ""


def run(times):
    """Kernels need no gradients; a training step does."""
    start = time.perf_counter()
    with torch.set_grad_enabled(kind in trains):
        for _ in range(times):
            result = prepared()
    float(result.flatten()[0])
    return time.perf_counter() - start


def check():
    if kind in trains:
        return [float(prepared()) for _ in range(3)]
    data = prepared().flatten().double()
    return [float(data.mean()), float((data * data).mean()), float(data.max())]


def answer(request):
    global prepared, kind
    if "prepare" in request:
        kind = request["prepare"]["task"]
        prepared = None
        prepared = tasks[kind](request["prepare"])
        return {"ready": True}
    if "check" in request:
        return {"numbers": check()}
    if "memory" in request:
        return {"bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}
    return {"seconds": run(request["run"])}


def blas():
    """Which library multiplies matrices, and with which kernels: Debian's torch takes whatever is installed, and the
    reference one is slow. OpenBLAS picks its kernels by the processor; where OPENBLAS_CORETYPE names others, the benchmark
    starts this without it."""
    torch.ones(64, 64) @ torch.ones(64, 64)
    with open("/proc/self/maps") as maps:
        found = re.search(r"(/\S*libopenblasp?-r([0-9.]+)\.so)", maps.read())
    if not found:
        return "the reference BLAS: for a fair comparison install libopenblas0-pthread"
    core = ctypes.CDLL(found[1]).openblas_get_corename
    core.restype = ctypes.c_char_p
    return f"OpenBLAS {found[2]} ({core().decode()} kernels)"


print(json.dumps({"version": f"{torch.__version__} with {blas()}"}), flush=True)
for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=True)
