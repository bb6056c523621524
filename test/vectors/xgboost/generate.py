"""Reference models and predictions for the tests under test/ml/trees, from XGBoost.

    python3 test/vectors/xgboost/generate.py

writes three files beside itself; the versions used are in them. Columns in reference.json have at most 32
different values, so that every quantile sketch finds the same bins; missing values are null. Columns of
quantiles.json have many, and are made by arithmetic that both sides do alike. quality.json has the scores of
held-out folds (row number in the order of keys, modulo 5) of the tables in examples/data.
"""

import csv
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


def wide_table(n):
    i = np.arange(n, dtype=float)
    a = (i * i * 7 + i * 1009) % 65521 / 256 - 100  # all different, or nearly
    b = (i * 7919 + 13) % 1201 / 4  # runs of ties
    c = ((i * 31 + 7) % 4099) ** 2 / 4096  # most of it small
    c[(i * 31) % 11 == 0] = np.nan
    d = np.floor(i / 40) / 2  # sorted already, in runs
    y = (i * 37) % 101 / 16 + np.where(a > 13, 3, 0) + b / 64 + np.where(c < 500, b - d, a) / 32
    return np.stack([a, b, c, d], axis=1), y


quantiles = []
for n, bins in [(600, 32), (3000, 32), (20000, 32), (20000, 100), (9000, 3), (3000, 256)]:
    X, y = wide_table(n)
    parameters = {"objective": "reg:squarederror", "max_depth": 6, "eta": 0.5}
    booster = xgb.train({"tree_method": "hist", "max_bin": bins, **parameters}, xgb.DMatrix(X, y), 2)
    model = json.loads(bytes(booster.save_raw("json")))
    kept = ["left_children", "split_indices", "default_left", "split_conditions"]
    trees = model["learner"]["gradient_booster"]["model"]["trees"]
    trees = [{key: tree[key] for key in kept} for tree in trees]
    quantiles.append({"rows": n, "max_bin": bins, "parameters": parameters, "trees": trees})
text = json.dumps({"versions": versions, "cases": quantiles})
(HERE / "quantiles.json").write_text(text + "\n")


def read(name, key):
    with open(HERE.parents[2] / "examples" / "data" / f"{name}.csv") as file:
        header, *rows = csv.reader(file)
    at = header.index(key)
    columns = [column for column in header if column != key]
    table = {int(row[at]): [float(v) for k, v in enumerate(row) if k != at] for row in rows}
    return columns, table


def joined(name, key, label, hosts):
    columns, guest = read(f"{name}_hetero_guest", key)
    keys = sorted(guest)
    y = np.array([guest[k][columns.index(label)] for k in keys])
    kept = [j for j, column in enumerate(columns) if column != label]
    blocks = [np.array([[guest[k][j] for j in kept] for k in keys])]
    for host in hosts:
        table = read(f"{name}_hetero_{host}", key)[1]
        blocks.append(np.array([table[k] for k in keys]))
    return np.hstack(blocks), y


def ranks(scores):
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[inverse]


def auc(y, scores):
    positive = y.sum()
    wins = ranks(scores)[y == 1].sum() - positive * (positive + 1) / 2
    return wins / (positive * (len(y) - positive))


def ks(y, scores):
    inverse = np.unique(scores, return_inverse=True)[1]
    ones, zeros = np.bincount(inverse, y), np.bincount(inverse, 1 - y)
    return np.abs(np.cumsum(ones) / ones.sum() - np.cumsum(zeros) / zeros.sum()).max()


def rmse(y, values):
    return np.sqrt(np.mean((y - values) ** 2))


def folds(X, y, parameters, rounds, metrics):
    scores = []
    for fold in range(5):
        train = np.arange(len(y)) % 5 != fold
        data = xgb.DMatrix(X[train], y[train])
        booster = xgb.train({"tree_method": "hist", **parameters}, data, rounds)
        predictions = booster.predict(xgb.DMatrix(X[~train])).astype(float)
        scores.append([metric(y[~train], predictions) for metric in metrics])
    means = np.mean(scores, axis=0)
    named = {metric.__name__: float(mean) for metric, mean in zip(metrics, means)}
    return {"parameters": parameters, "rounds": rounds, **named}


credit = joined("default_credit", "id", "y", ["host"])
motor = joined("motor", "idx", "motor_speed", ["host_1", "host_2"])
binary = {"objective": "binary:logistic", "max_bin": 32, "max_depth": 3, "eta": 0.3}
values = {"objective": "reg:squarederror", "max_bin": 32, "max_depth": 3, "eta": 0.3}
quality = {
    "versions": versions,
    "default_credit": folds(*credit, binary, 30, [auc, ks]),
    "motor": folds(*motor, values, 50, [rmse]),
}
(HERE / "quality.json").write_text(json.dumps(quality) + "\n")
