"""Minimisation: SciPy's results and counts on the functions of the zoo, and the solution of a logistic regression."""
import json
import pathlib

import numpy as np
from scipy.optimize import least_squares, minimize, rosen, rosen_der, rosen_hess

METHODS = {"cg": "CG", "bfgs": "BFGS", "l-bfgs": "L-BFGS-B", "trust-ncg": "trust-ncg"}


def beale(p):
    x, y = p
    a, b, c = 1.5 - x + x * y, 2.25 - x + x * y ** 2, 2.625 - x + x * y ** 3
    value = a ** 2 + b ** 2 + c ** 2
    return value, np.array([2 * (a * (y - 1) + b * (y ** 2 - 1) + c * (y ** 3 - 1)),
                            2 * x * (a + 2 * b * y + 3 * c * y ** 2)])


def run(f, x0, jac, hess=None):
    out = {}
    for ours, name in METHODS.items():
        if name == "trust-ncg" and hess is None:
            continue
        options = {"gtol": 1e-8, **({"ftol": 0} if name == "L-BFGS-B" else {})}
        r = minimize(f, x0, jac=jac, hess=hess if name == "trust-ncg" else None, method=name, options=options)
        out[ours] = {"nit": r.nit, "nfev": r.nfev, "fun": float(r.fun)}
    return out


start = [-1.2, 1.0]
runs = {
    "Rosenbrock": {"dimension": 2, "methods": run(rosen, start, rosen_der, rosen_hess)},
    "Rosenbrock 10": {"dimension": 10, "methods": run(rosen, start * 5, rosen_der, rosen_hess)},
    "Beale": {"dimension": 2, "methods": run(beale, [1, 1], True)},
}

rng = np.random.default_rng(0)
x = rng.normal(size=(20, 3)).round(2)
y = np.where(x @ [1, -2, 0.5] + rng.normal(size=20) > 0, 1, -1)
ridge = 0.1


def logistic(w):
    m = y * (x @ w)
    return np.logaddexp(0, -m).mean() + ridge / 2 * w @ w, -(x * (y / (1 + np.exp(m)))[:, None]).mean(0) + ridge * w


r = minimize(logistic, np.zeros(3), jac=True, method="BFGS", options={"gtol": 1e-13})

# y = a exp(-b t) + c with noise: the curve of SciPy's own example, smaller.
t = np.linspace(0, 4, 15)
z = (2.5 * np.exp(-1.3 * t) + 0.5 + 0.1 * rng.normal(size=15)).round(3)
fit = least_squares(lambda p: p[0] * np.exp(-p[1] * t) + p[2] - z, [1, 1, 0], method="lm", ftol=1e-15, xtol=1e-15, gtol=1e-15)

data = {
    "runs": runs,
    "logistic": {"x": x.ravel().tolist(), "y": y.tolist(), "ridge": ridge, "w": r.x.tolist(), "fun": float(r.fun)},
    "curve": {"t": t.tolist(), "z": z.tolist(), "p": fit.x.tolist(), "cost": float(fit.cost)},
}
path = pathlib.Path(__file__).with_suffix(".json")
path.write_text(json.dumps(data, separators=(",", ":")) + "\n")
