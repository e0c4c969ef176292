"""Fits with and without labels as scikit-learn 1.2 has them: mixtures of normal distributions, and logistic regression."""
import json
import pathlib

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.mixture import GaussianMixture

random = np.random.RandomState(0)
a = np.round(random.randn(30, 2) @ [[1, 0.6], [0, 0.5]] + [1.5, 0], 2)
b = np.round(random.randn(40, 2) * 0.8 - [1, 1], 2)
x = np.concatenate([a, b])
start = {"weights": [0.5, 0.5], "means": [[1.0, 1.0], [-1.0, -0.5]]}
mixtures = {}
for kind, identity in {"full": np.stack([np.eye(2)] * 2), "tied": np.eye(2), "diagonal": np.ones((2, 2)), "spherical": np.ones(2)}.items():
    m = GaussianMixture(2, covariance_type={"diagonal": "diag"}.get(kind, kind), tol=0, max_iter=8, weights_init=start["weights"],
                        means_init=start["means"], precisions_init=identity, reg_covar=1e-6)
    import warnings
    warnings.simplefilter("ignore")
    m.fit(x)
    c = m.covariances_
    full = {"full": lambda: c, "tied": lambda: np.stack([c] * 2), "diagonal": lambda: np.stack([np.diag(v) for v in c]),
            "spherical": lambda: np.stack([v * np.eye(2) for v in c])}[kind]()
    mixtures[kind] = {"weights": m.weights_.tolist(), "means": m.means_.tolist(), "covariances": full.tolist(), "score": m.score(x)}

classes = np.where(x[:, 0] + 0.3 * random.randn(70) > 0.8, 2, np.where(x[:, 1] > -0.5, 1, 0))
model = LogisticRegression(C=0.5, tol=1e-12, max_iter=10000).fit(x, classes)
data = {"x": x.tolist(), "start": start, "mixtures": mixtures,
        "logistic": {"classes": classes.tolist(), "C": 0.5, "weight": model.coef_.tolist(), "bias": model.intercept_.tolist()}}
path = pathlib.Path(__file__).with_suffix(".json")
path.write_text(json.dumps(data, separators=(",", ":")) + "\n")
print(path.name, path.stat().st_size)
