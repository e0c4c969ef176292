"""The PyTorch side of the benchmark: reads one JSON request a line, answers with one JSON line.

{"prepare": task} builds a task, {"run": n} runs it n times and gives the seconds, {"release": true} lets go of it.
"""
import json
import re
import sys
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(int(sys.argv[1]))
torch.manual_seed(0)


def training_step(model, x, y, loss):
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)

    def step():
        optimizer.zero_grad()
        value = loss(model(x), y)
        value.backward()
        optimizer.step()
        return value

    return step


def mlp(task):
    sizes, batch = task["sizes"], task["batch"]
    layers = []
    for i, (a, b) in enumerate(zip(sizes, sizes[1:])):
        layers.append(nn.Linear(a, b))
        if i < len(sizes) - 2:
            layers.append({"tanh": nn.Tanh, "relu": nn.ReLU}[task["activation"]]())
    x = torch.randn(batch, sizes[0])
    if task["loss"] == "squared":
        return training_step(nn.Sequential(*layers), x, torch.randn(batch, sizes[-1]), F.mse_loss)
    return training_step(nn.Sequential(*layers), x, torch.randint(0, sizes[-1], (batch,)), F.cross_entropy)


def lenet(task):
    model = nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.Tanh(), nn.AvgPool2d(2),
        nn.Conv2d(6, 16, 5), nn.Tanh(), nn.AvgPool2d(2), nn.Flatten(),
        nn.Linear(400, 120), nn.Tanh(), nn.Linear(120, 84), nn.Tanh(), nn.Linear(84, 10))
    batch = task["batch"]
    return training_step(model, torch.randn(batch, 1, 28, 28), torch.randint(0, 10, (batch,)), F.cross_entropy)


def cnn(task):
    def block(a, b):
        return [nn.Conv2d(a, b, 3, padding=1), nn.BatchNorm2d(b), nn.ReLU()]

    model = nn.Sequential(
        *block(3, 32), *block(32, 64), nn.MaxPool2d(2), *block(64, 64), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(64 * 64, 10))
    batch = task["batch"]
    return training_step(model, torch.randn(batch, 3, 32, 32), torch.randint(0, 10, (batch,)), F.cross_entropy)


def matmul(task):
    a, b = torch.randn(task["n"], task["n"]), torch.randn(task["n"], task["n"])
    return lambda: a @ b


def tanh_chain(task):
    x = torch.randn(task["n"])
    return lambda: (torch.tanh(x * 2 + 1) * x - 0.5 * x).sum()


tasks = {"mlp": mlp, "lenet": lenet, "cnn": cnn, "matmul": matmul, "tanh-chain": tanh_chain}
prepared = None


def answer(request):
    global prepared
    if "prepare" in request:
        build = tasks.get(request["prepare"]["task"])
        prepared = build(request["prepare"]) if build else None
        return {"prepared": prepared is not None}
    if "release" in request:
        prepared = None
        return {}
    start = time.perf_counter()
    for _ in range(request["run"]):
        result = prepared()
    float(result.flatten()[0])
    return {"seconds": time.perf_counter() - start}


def blas():
    """Which library multiplies matrices: Debian's torch takes whatever is installed, and the reference one is slow."""
    torch.ones(64, 64) @ torch.ones(64, 64)
    with open("/proc/self/maps") as maps:
        found = re.search(r"libopenblasp?-r([0-9.]+)\.so", maps.read())
    return f"OpenBLAS {found[1]}" if found else "the reference BLAS: for a fair comparison install libopenblas0-pthread"


print(json.dumps({"version": f"{torch.__version__} with {blas()}"}), flush=True)
for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=True)
