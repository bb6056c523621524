"""Reference models and predictions for the tests under test/ml/trees, from XGBoost.

    python3 test/vectors/xgboost/generate.py

writes reference.json beside itself; the versions used are in the file. Columns have at most 32 different
values, so that every quantile sketch finds the same bins. Missing values are null.
"""

import json
import sys
from pathlib import Path

import numpy as np
import xgboost as xgb

HERE = Path(__file__).resolve().parent
rng = np.random.default_rng(20260412)


def table(n, d, missing):
    # Values in halves, quarters ...: every one a 32-bit float.
    X = np.stack([rng.integers(-6 * (j + 1), 6 * (j + 1), n) / 2.0**j for j in range(d)], axis=1)
    X = np.clip(X, -15, 15) if d < 3 else X
    for j in range(d):
        levels = np.unique(X[:, j])
        if len(levels) > 32:
            X[:, j] = levels[np.searchsorted(levels, X[:, j]) * 32 // len(levels)]
    X[rng.random(X.shape) < missing] = np.nan
    return X


def signal(X):
    Z = np.nan_to_num(X)
    return Z[:, 0] * 0.4 - Z[:, 1] * 0.3 + (Z[:, 2] > 0) * (Z[:, 0] > 1) * 2 + rng.normal(size=len(Z))


def clean(values):
    return [[None if np.isnan(v) else float(v) for v in row] for row in values]


def case(name, X, y, parameters, rounds):
    data = xgb.DMatrix(X, y)
    booster = xgb.train({"tree_method": "hist", "max_bin": 32, **parameters}, data, rounds)
    model = json.loads(bytes(booster.save_raw("json")))
    return {
        "name": name,
        "parameters": parameters,
        "rounds": rounds,
        "X": clean(X),
        "y": [float(v) for v in y],
        "predictions": np.asarray(booster.predict(data), dtype=float).tolist(),
        "importance": {
            kind: booster.get_score(importance_type=kind)
            for kind in ["weight", "gain", "cover", "total_gain", "total_cover"]
        },
        "model": model,
    }


dense, holes = table(400, 4, 0.0), table(400, 4, 0.15)
wide = table(300, 3, 0.1)
s_dense, s_holes, s_wide = signal(dense), signal(holes), signal(wide)
cases = [
    case("binary", dense, s_dense > 0.5, {"objective": "binary:logistic", "max_depth": 3}, 5),
    case(
        "binary with missing values and weights",
        holes,
        s_holes > 1,
        {
            "objective": "binary:logistic",
            "max_depth": 4,
            "eta": 0.5,
            "gamma": 1.5,
            "min_child_weight": 3,
            "lambda": 2,
            "alpha": 0.3,
            "scale_pos_weight": 2.5,
            "base_score": 0.3,
        },
        4,
    ),
    case(
        "regression",
        holes,
        s_holes * 3,
        {"objective": "reg:squarederror", "max_depth": 3, "eta": 0.3, "lambda": 1},
        5,
    ),
    case(
        "three classes",
        wide,
        np.digitize(s_wide, [-0.5, 1.5]),
        {"objective": "multi:softprob", "num_class": 3, "max_depth": 3},
        3,
    ),
]
versions = {"python": sys.version.split()[0], "numpy": np.__version__, "xgboost": xgb.__version__}
(HERE / "reference.json").write_text(json.dumps({"versions": versions, "cases": cases}) + "\n")
