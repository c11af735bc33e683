"""What a command loads is what it uses: people wait for the rest at every prompt."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from rmsnet.dataset.formats.converting import convert
from rmsnet.dataset.soccernet import read_split
from rmsnet.network.model_files import load_model
from rmsnet.network.onnx_model import save_onnx
from rmsnet.simulation import simulate
from rmsnet.tracking import sqlite
from rmsnet.tracking.store import EXPERIMENT
from tests.builders import write_model

HEAVY = (
    *("torch", "torchvision", "mlflow", "pandas", "matplotlib", "matplotlib.pyplot", "great_expectations"),
    *("dvc", "kfp", "av", "scipy", "sqlalchemy", "alembic", "pydantic", "yaml", "numpy"),
    *("onnx", "onnxruntime"),
)
READS_PARAMS = {"yaml", "pydantic"}

LOADED = f"""
import sys
from rmsnet import cli
try:
    status = cli.main()
except SystemExit as end:
    status = end.code
print(*sorted(name for name in {HEAVY!r} if name in sys.modules), file=sys.stderr)
sys.exit(status)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset, predictions for a game, a model, the features of a half, a store of models."""
    root = tmp_path_factory.mktemp("prompt")
    simulate(root / "data", games=3, minutes=5, labels=None, seed=3)
    (root / "exported").mkdir()
    save_onnx(root / "exported", load_model(write_model(root / "model")))
    np.save(root / "half.npy", np.random.default_rng(0).normal(size=(200, 8)).astype(np.float32))
    sqlite.prepare(root / "mlflow.db", EXPERIMENT)
    (game,) = read_split(root / "data", "test")
    convert(root / "data" / game, root / "predictions", "soccernet-results", source_format="soccernet-v2")
    return root


@pytest.mark.parametrize(
    ("command", "loads"),
    [
        ("--help", set()),
        ("train --help", set()),
        ("completion bash", set()),
        ("registry list", {*READS_PARAMS, "numpy"}),
        ("registry history", {*READS_PARAMS, "numpy"}),
        ("data inspect data", {*READS_PARAMS, "numpy"}),
        ("data inspect data --page data.html", {*READS_PARAMS, "numpy", "matplotlib"}),
        ("data convert data --from soccernet-v2 --to csv --out csv", {"numpy"}),
        ("evaluate --labels data --predictions predictions --out evaluation", {"numpy", "matplotlib"}),
        ("evaluate --labels data --predictions predictions --out numbers --no-plots", {"numpy"}),
        ("page predictions --out match", {"numpy"}),
        ("data simulate --games 3 --minutes 5 --out made", {"numpy"}),
        ("spot half.npy --model model --out spotted", {"numpy", "torch"}),
        ("spot half.npy --model exported --out spotted", {"numpy", "onnxruntime"}),
    ],
)
def test_a_command_loads_what_it_uses_and_nothing_else(command, loads, folder, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    done = subprocess.run(
        [sys.executable, "-c", LOADED, *command.split()], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert set(done.stderr.splitlines()[-1].split()) <= loads
