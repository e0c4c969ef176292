"""Optimizers: trajectories of a small regression, learning-rate schedules as tables, and gradient clipping."""
import torch

from common import dump, randn, write

steps = 8
# f(a, b) = mean((x·a + b - y)²) + mean(a⁴)/40: curved, with a matrix and a vector to move.
x, y = randn(6, 3), randn(6, 2)
start = {"a": randn(3, 2), "b": randn(2)}


def loss(a, b):
    return ((x @ a + b - y) ** 2).mean() + (a ** 4).mean() / 40


def trajectory(make, schedule=None, clip=None):
    parameters = {k: v.clone().requires_grad_(True) for k, v in start.items()}
    optimizer = make(list(parameters.values()))
    scheduler = schedule(optimizer) if schedule else None
    points = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss(**parameters).backward()
        if clip:
            clip(list(parameters.values()))
        optimizer.step()
        if scheduler:
            scheduler.step()
        points.append({k: dump(v) for k, v in parameters.items()})
    return points


def averaged(make, average):
    """The parameters and their averages along a run; `average(model)` gives the average kept beside it."""
    model = torch.nn.ParameterDict({k: torch.nn.Parameter(v.clone()) for k, v in start.items()})
    optimizer = make(list(model.values()))
    mean = average(model)
    points = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss(**model).backward()
        optimizer.step()
        mean.update_parameters(model)
        points.append({k: dump(v) for k, v in mean.module.items()})
    return points


cases = []


def add(recipe, options, make, schedule=None, clip=None, scheduleName=None, clipName=None):
    cases.append({"recipe": recipe, "options": options, "schedule": scheduleName, "clip": clipName,
                  "points": trajectory(make, schedule, clip)})


def sgd(**o):
    names = {"learningRate": "lr", "weightDecay": "weight_decay"}
    add("sgd", o, lambda p: torch.optim.SGD(p, **{names.get(k, k): v for k, v in o.items()}))


sgd(learningRate=0.1)
sgd(learningRate=0.1, momentum=0.9)
sgd(learningRate=0.05, momentum=0.9, nesterov=True)
sgd(learningRate=0.1, momentum=0.8, dampening=0.5)
sgd(learningRate=0.1, weightDecay=0.05)
sgd(learningRate=0.1, momentum=0.9, weightDecay=0.05, nesterov=True)


def adam(recipe, **o):
    names = {"learningRate": "lr", "weightDecay": "weight_decay", "epsilon": "eps"}
    make = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[recipe]
    add(recipe, o, lambda p: make(p, **{names.get(k, k): v for k, v in o.items()}))


adam("adam", learningRate=0.1)
adam("adam")
adam("adam", learningRate=0.1, betas=[0.7, 0.9], epsilon=1e-3)
adam("adam", learningRate=0.1, weightDecay=0.1)
adam("adam", learningRate=0.3, amsgrad=True)
adam("adamw", learningRate=0.1)
adam("adamw", learningRate=0.1, weightDecay=0.3)
adam("adamw", learningRate=0.3, amsgrad=True)

rms = {"learningRate": "lr", "epsilon": "eps", "weightDecay": "weight_decay"}
for o in [{"learningRate": 0.05}, {"learningRate": 0.05, "alpha": 0.8, "centered": True, "momentum": 0.5, "weightDecay": 0.1}]:
    add("rmsprop", o, lambda p: torch.optim.RMSprop(p, **{rms.get(k, k): v for k, v in o.items()}))
add("adagrad", {"learningRate": 0.3}, lambda p: torch.optim.Adagrad(p, lr=0.3))

more = {"learningRate": "lr", "epsilon": "eps", "weightDecay": "weight_decay", "momentumDecay": "momentum_decay",
        "learningRateDecay": "lr_decay", "initialAccumulatorValue": "initial_accumulator_value"}


def others(recipe, make, *options):
    for o in options:
        add(recipe, o, lambda p: make(p, **{more.get(k, k): v for k, v in o.items()}))


others("adagrad", torch.optim.Adagrad, {"learningRate": 0.3, "learningRateDecay": 0.2, "initialAccumulatorValue": 0.5, "weightDecay": 0.1})
others("adadelta", torch.optim.Adadelta, {}, {"learningRate": 0.7, "rho": 0.8, "epsilon": 1e-3, "weightDecay": 0.1})
# foreach: the plain loop of PyTorch 1.13 multiplies by mu once too often, which later versions put right.
others("nadam", lambda p, **o: torch.optim.NAdam(p, foreach=True, **o), {}, {"learningRate": 0.1, "betas": [0.8, 0.95], "momentumDecay": 0.1, "weightDecay": 0.1})
others("radam", torch.optim.RAdam, {"learningRate": 0.1}, {"learningRate": 0.1, "betas": [0.8, 0.9], "weightDecay": 0.1})
others("adamax", torch.optim.Adamax, {}, {"learningRate": 0.1, "betas": [0.7, 0.9], "epsilon": 1e-3, "weightDecay": 0.1})
others("sgd", torch.optim.SGD, {"learningRate": 0.01, "maximize": True, "momentum": 0.5})

S = torch.optim.lr_scheduler
add("sgd", {"learningRate": 0.2, "momentum": 0.9}, lambda p: torch.optim.SGD(p, 0.2, 0.9),
    lambda o: S.CosineAnnealingLR(o, T_max=steps, eta_min=0.01),
    scheduleName={"name": "cosine", "start": 0.2, "steps": steps, "end": 0.01})
add("adam", {"learningRate": 0.2}, lambda p: torch.optim.Adam(p, 0.2), lambda o: S.StepLR(o, 3, 0.5),
    scheduleName={"name": "step", "start": 0.2, "every": 3, "factor": 0.5})

add("sgd", {"learningRate": 0.5}, lambda p: torch.optim.SGD(p, 0.5),
    clip=lambda p: torch.nn.utils.clip_grad_norm_(p, 0.4), clipName={"name": "norm", "limit": 0.4})
add("sgd", {"learningRate": 0.5}, lambda p: torch.optim.SGD(p, 0.5),
    clip=lambda p: torch.nn.utils.clip_grad_value_(p, 0.15), clipName={"name": "value", "limit": 0.15})

tables = []


def table(name, options, schedule, length=12, rate=0.5):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], rate, momentum=0.9)
    scheduler = schedule(optimizer)
    rates = []
    for i in range(length):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if i < length - 1:
            scheduler.step()
    tables.append({"name": name, "options": options, "rates": rates})


table("constant", {"value": 0.5}, lambda o: S.LambdaLR(o, lambda _: 1.0))
table("step", {"start": 0.5, "every": 3, "factor": 0.1}, lambda o: S.StepLR(o, 3))
table("multiStep", {"start": 0.5, "at": [2, 5, 9], "factor": 0.5}, lambda o: S.MultiStepLR(o, [2, 5, 9], 0.5))
table("exponential", {"start": 0.5, "factor": 0.8}, lambda o: S.ExponentialLR(o, 0.8))
table("cosine", {"start": 0.5, "steps": 11, "end": 0.05}, lambda o: S.CosineAnnealingLR(o, 11, 0.05))
table("linear", {"start": 0.125, "end": 0.5, "steps": 5}, lambda o: S.LinearLR(o, 0.25, 1.0, 5))
table("linear", {"start": 0.5, "end": 0.05, "steps": 10}, lambda o: S.LinearLR(o, 1.0, 0.1, 10))
table("polynomial", {"start": 0.5, "steps": 8, "power": 2}, lambda o: S.LambdaLR(o, lambda t: (1 - min(t, 8) / 8) ** 2))
table("oneCycle", {"peak": 0.5, "steps": 12}, lambda o: S.OneCycleLR(o, 0.5, total_steps=12))
table("oneCycle", {"peak": 0.5, "steps": 12, "warmup": 0.4, "startFactor": 10, "endFactor": 100, "anneal": "linear"},
      lambda o: S.OneCycleLR(o, 0.5, total_steps=12, pct_start=0.4, anneal_strategy="linear", div_factor=10, final_div_factor=100))
table("oneCycle", {"peak": 0.5, "steps": 12, "threePhase": True}, lambda o: S.OneCycleLR(o, 0.5, total_steps=12, three_phase=True))
table("warmupCosine", {"peak": 0.5, "warmup": 4, "steps": 11, "start": 0.05, "end": 0.01},
      lambda o: S.SequentialLR(o, [S.LinearLR(o, 0.1, 1.0, 4), S.CosineAnnealingLR(o, 7, 0.01)], [4]))
table("cosineRestarts", {"start": 0.5, "period": 3, "factor": 2, "end": 0.05},
      lambda o: S.CosineAnnealingWarmRestarts(o, 3, 2, 0.05))

def asgd():
    parameters = {k: v.clone().requires_grad_(True) for k, v in start.items()}
    optimizer = torch.optim.ASGD(list(parameters.values()), lr=0.1, lambd=0.02, alpha=0.75, t0=3)
    points = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss(**parameters).backward()
        optimizer.step()
        points.append({k: {"point": dump(v), "average": dump(optimizer.state[v]["ax"])} for k, v in parameters.items()})
    return points


def lbfgs(**options):
    """The loss that each step returns and the points after it."""
    parameters = {k: v.clone().requires_grad_(True) for k, v in start.items()}
    optimizer = torch.optim.LBFGS(list(parameters.values()), **options)

    def closure():
        optimizer.zero_grad()
        value = loss(**parameters)
        value.backward()
        return value

    steps = []
    for _ in range(4):
        value = optimizer.step(closure).item()
        steps.append({"loss": value, "point": {k: dump(v) for k, v in parameters.items()}})
    return steps


runs = {
    "short": lbfgs(lr=0.5, max_iter=3, history_size=2),
    "bounded": lbfgs(lr=0.8, max_iter=20, max_eval=5, history_size=4),
    "searched": lbfgs(max_iter=30, line_search_fn="strong_wolfe"),
}

swa = torch.optim.swa_utils.AveragedModel
averages = {
    "uniform": averaged(lambda p: torch.optim.SGD(p, 0.2), swa),
    "exponential": averaged(lambda p: torch.optim.SGD(p, 0.2),
                            lambda m: swa(m, avg_fn=lambda a, p, n: 0.8 * a + 0.2 * p)),
    "asgd": asgd(),
}

write(__file__, {"lbfgs": runs, "averages": averages, "x": dump(x), "y": dump(y), "start": {k: dump(v) for k, v in start.items()}, "cases": cases, "schedules": tables})
