"""What XGBoost makes of forests that are released as files in its format.

    npm run build && python3 test/vectors/xgboost/released.py

writes released.json beside itself: the files and rows of test/party/models/sample-forest.ts, and of each what
XGBoost, once it has loaded the file unchanged, predicts of the rows, counts as importance, and saves again.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import xgboost as xgb

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
MODULE = ROOT / "dist/test/party/models/sample-forest.js"
PROGRAM = f"import {{ releasedFiles }} from '{MODULE}'; console.log(JSON.stringify(releasedFiles()))"


def answers(file, X):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.json"
        path.write_text(file, encoding="utf-8")
        booster = xgb.Booster(model_file=str(path))
    table = np.array([[np.nan if v is None else v for v in row] for row in X])
    data = xgb.DMatrix(table, feature_names=booster.feature_names)
    predictions = np.asarray(booster.predict(data), dtype=float)
    return {
        "predictions": (predictions.T if predictions.ndim > 1 else predictions[None]).tolist(),
        "importance": {
            kind: booster.get_score(importance_type=kind)
            for kind in ["weight", "gain", "cover", "total_gain", "total_cover"]
        },
        "saved_again": bytes(booster.save_raw("json")).decode("utf-8"),
    }


node = ["node", "--input-type=module", "-e", PROGRAM]
files = json.loads(subprocess.run(node, check=True, capture_output=True).stdout)
forests = {name: {**each, **answers(**each)} for name, each in files.items()}
versions = {"python": sys.version.split()[0], "xgboost": xgb.__version__, "numpy": np.__version__}
text = json.dumps({"versions": versions, "forests": forests}, ensure_ascii=False)
(HERE / "released.json").write_text(text + "\n", encoding="utf-8")
