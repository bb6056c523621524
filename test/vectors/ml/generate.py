"""Reference numbers for the tests under test/ml, from scikit-learn.

    python3 test/vectors/ml/generate.py

writes reference.json beside itself. Run from the repository's root; the versions used are in the file.
"""

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import scipy
import sklearn
from sklearn import metrics as m
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.preprocessing import StandardScaler

ROOT = Path(__file__).resolve().parents[3]
rng = np.random.default_rng(20240917)


def binary_case(n, digits):
    y = (rng.random(n) < 0.4).astype(int)
    p = np.round(np.clip(0.5 + 0.25 * (y - 0.5) + 0.25 * rng.standard_normal(n), 0, 1), digits)
    guess = (p >= 0.5).astype(int)
    fpr, tpr, _ = m.roc_curve(y, p, drop_intermediate=False)
    return {
        "y": y.tolist(),
        "outputs": p.tolist(),
        "metrics": {
            "auc": m.roc_auc_score(y, p),
            "ks": float(np.max(np.abs(tpr - fpr))),
            "logloss": m.log_loss(y, p),
            "loss": m.log_loss(y, p),
            "accuracy": m.accuracy_score(y, guess),
            "precision": m.precision_score(y, guess),
            "recall": m.recall_score(y, guess),
            "f1": m.f1_score(y, guess),
            "mse": m.mean_squared_error(y, p),
            "rmse": m.root_mean_squared_error(y, p),
            "mae": m.mean_absolute_error(y, p),
            "r2": m.r2_score(y, p),
        },
    }


def regression_case(n):
    y = 100 + 20 * rng.standard_normal(n)
    p = y + 5 * rng.standard_normal(n)
    return {
        "y": y.tolist(),
        "outputs": p.tolist(),
        "metrics": {
            "loss": m.mean_squared_error(y, p),
            "mse": m.mean_squared_error(y, p),
            "rmse": m.root_mean_squared_error(y, p),
            "mae": m.mean_absolute_error(y, p),
            "r2": m.r2_score(y, p),
        },
    }


def macro_case(n):
    y = rng.integers(0, 4, n)
    p = np.where(rng.random(n) < 0.6, y, rng.integers(0, 3, n))
    return {
        "y": y.tolist(),
        "outputs": p.tolist(),
        "metrics": {
            "precision": m.precision_score(y, p, average="macro", zero_division=0),
            "recall": m.recall_score(y, p, average="macro", zero_division=0),
            "f1": m.f1_score(y, p, average="macro", zero_division=0),
        },
    }


def scaler_case():
    X = np.column_stack([rng.standard_normal(7) * 3 + 1e6, np.full(7, 0.1), rng.integers(0, 9, 7)])
    scaler = StandardScaler().fit(X)
    return {"X": X.tolist(), "mean": scaler.mean_.tolist(), "scale": scaler.scale_.tolist()}


def load(name, key, label, hosts=("host",)):
    """Inner join on the key, sorted by it."""
    table = pd.read_csv(ROOT / f"examples/data/{name}_hetero_guest.csv")
    for host in hosts:
        other = pd.read_csv(ROOT / f"examples/data/{name}_hetero_{host}.csv")
        table = table.merge(other, on=key, suffixes=("", f"_{host}"))
    table = table.sort_values(key)
    return table.drop(columns=[key, label]).to_numpy(float), table[label].to_numpy(float)


def folds(y):
    fold = np.arange(len(y)) % 5
    return [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(5)]


def raw_model(scaler, coefficients, intercept):
    """The model of standardised features as one of raw features."""
    weights = coefficients / scaler.scale_
    return {"weights": weights.tolist(), "intercept": float(intercept - weights @ scaler.mean_)}


def logistic_fit(X, y, train, **options):
    scaler = StandardScaler().fit(X[train])
    model = LogisticRegression(solver="newton-cholesky", tol=1e-12, max_iter=1000, **options)
    model.fit(scaler.transform(X[train]), y[train])
    return scaler, model


def logistic_scores(X, y, **options):
    """Mean AUC and KS over the five folds."""
    scores = []
    for train, test in folds(y):
        scaler, model = logistic_fit(X, y, train, **options)
        z = model.decision_function(scaler.transform(X[test]))
        fpr, tpr, _ = m.roc_curve(y[test], z)
        scores.append([m.roc_auc_score(y[test], z), np.max(tpr - fpr)])
    auc, ks = np.mean(scores, axis=0)
    return {"auc": auc, "ks": ks}


def logistic_case(X, y, **options):
    scaler, model = logistic_fit(X, y, folds(y)[0][0], **options)
    return raw_model(scaler, model.coef_[0], model.intercept_[0])


def linear_case(X, y, l2):
    rmse, models = [], []
    for train, test in folds(y):
        scaler = StandardScaler().fit(X[train])
        model = Ridge(alpha=l2, solver="svd") if l2 else LinearRegression()
        model.fit(scaler.transform(X[train]), y[train])
        rmse.append(m.root_mean_squared_error(y[test], model.predict(scaler.transform(X[test]))))
        models.append(raw_model(scaler, model.coef_, model.intercept_))
    return {**models[0], "rmse": float(np.mean(rmse))}


breast = load("breast", "id", "y")
credit = load("default_credit", "id", "y")
motor = load("motor", "idx", "motor_speed")

reference = {
    "versions": {
        "python": sys.version.split()[0],
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "pandas": pd.__version__,
        "scikit-learn": sklearn.__version__,
    },
    # Two digits force ties; six leave almost none.
    "binary": [binary_case(60, 1), binary_case(80, 2), binary_case(80, 6)],
    "regression": [regression_case(40)],
    "macro": [macro_case(50)],
    "scaler": scaler_case(),
    # Trained on fold 0's training rows: index % 5 != 0.
    "breast": {
        "l2 = 1": logistic_case(*breast, C=1.0),
        "l2 = 0.001": logistic_case(*breast, C=1000.0),
        "l2 = 1, balanced": logistic_case(*breast, C=1.0, class_weight="balanced"),
        "l2 = 1, no intercept": logistic_case(*breast, C=1.0, fit_intercept=False),
        "folds": logistic_scores(*breast, C=1.0),
    },
    "default_credit": {"folds": logistic_scores(*credit, C=1.0)},
    "motor": {"l2 = 0": linear_case(*motor, 0), "l2 = 1": linear_case(*motor, 1.0)},
}

path = Path(__file__).with_name("reference.json")
path.write_text(json.dumps(reference, indent=1) + "\n")
