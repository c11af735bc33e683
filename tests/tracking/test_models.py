"""Models of other versions of this project: they carry their code, and ours reads their folder."""

import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import yaml

from rmsnet import tracking
from rmsnet.dataset.labels import V1_CLASSES
from rmsnet.errors import UserError
from rmsnet.files import write_json
from rmsnet.matches.stage import spot_stage
from rmsnet.spotting.half_spotter import open_half_spotter
from rmsnet.tracking.logged_model import save_pyfunc
from rmsnet.tracking.models import first_files_hash, predict_with_carried_code
from rmsnet.tracking.store import our_client
from tests.builders import EXAMPLE, random_model, write_model

FIRST_LAYOUT = Path(__file__).with_name("model_of_the_first_layout.zip")
"""An MLflow model that version 0.1.0 logged when its modules still lay side by side (`rmsnet.model`, …).

Its network is made by hand: one tap for each of three features, so that a high value is an event of that class.
"""

HALF = np.zeros((200, 8), np.float32)
HALF[30, 0] = HALF[150, 2] = 3

EVENTS = [(10750, "card"), (72250, "soccer")]
"""The middle of the clips that see them: its offsets are all one half."""


@pytest.fixture(scope="module")
def old(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("old")
    with zipfile.ZipFile(FIRST_LAYOUT) as archive:
        archive.extractall(folder)
    return folder


def test_a_model_of_the_first_layout_still_runs_on_the_code_that_it_carries(old):
    ours = sys.modules["rmsnet"], list(sys.path)
    events = predict_with_carried_code(old, HALF)
    assert list(zip(events.position_ms, events.label, strict=True)) == EVENTS
    assert (sys.modules["rmsnet"], sys.path) == ours
    assert sys.modules["rmsnet.tracking"] is tracking


def test_a_model_of_the_first_layout_runs_on_our_code_too(old):
    events = open_half_spotter(tracking.find_model(str(old))).events(HALF)
    assert list(zip(events.position_ms, events.label, strict=True)) == EVENTS


def test_the_folder_of_a_model_of_the_first_layout_spots(old, tmp_path):
    np.save(tmp_path / "half.npy", HALF)
    (match,) = spot_stage([tmp_path / "half.npy"], str(old / "artifacts" / "model"), tmp_path / "out", device="cpu")
    assert [(event["position_ms"], event["label"]) for event in match.events] == EVENTS


@pytest.fixture
def version(tmp_path, monkeypatch):
    """Version 1 of `rmsnet` in a store of its own; its folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with tracking.tracked_run("seed 0", (), {}) as run:
        model_id = run.log_model(write_model(tmp_path / "model"), EXAMPLE, {})
    tracking.create_version("rmsnet", model_id, run.run_id, {})
    return tracking.fetch_model("models:/rmsnet/1")


@pytest.mark.parametrize(
    "name",
    ["pyfunc_model.py", "requirements.txt", "conda.yaml", "python_env.yaml", "sbom.cdx.json", "MLmodel", "new.py"],
)
def test_whatever_is_read_or_executed_at_load_is_what_was_registered(version, name):
    file = version / name
    file.write_text((file.read_text() if file.exists() else "") + "\n# changed: true\nchanged: true\n")
    with pytest.raises(UserError, match="hash mismatch"):
        tracking.fetch_model("models:/rmsnet/1")


def test_a_model_that_lies_here_is_found_without_mlflow_by_number_and_alias(version, monkeypatch):
    tracking.set_alias("rmsnet", "champion", 1)

    def loaded() -> None:
        raise AssertionError("MLflow was loaded")

    monkeypatch.setattr("rmsnet.tracking.models.connect", loaded)
    monkeypatch.setattr("rmsnet.tracking.models.our_client", loaded)
    for uri in ("models:/rmsnet/1", "models:/rmsnet@champion"):
        assert tracking.fetch_model(uri) == version


def test_what_mlflow_writes_beside_a_model_that_is_used_does_not_matter(version):
    (version / "code" / "rmsnet" / "__pycache__").mkdir(exist_ok=True)
    (version / "code" / "rmsnet" / "__pycache__" / "errors.cpython-311.pyc").write_bytes(b"compiled")
    description = yaml.safe_load((version / "MLmodel").read_text())
    (version / "MLmodel").write_text(yaml.safe_dump({**description, "artifact_path": "/elsewhere", "run_id": "0"}))
    tracking.fetch_model("models:/rmsnet/1")


def test_a_version_of_ours_without_its_hash_is_refused_and_somebody_elses_is_told_of(version, capsys):
    client = our_client()
    client.delete_model_version_tag("rmsnet", "1", "files_hash")
    with pytest.raises(UserError, match="the hash of its files was taken off it"):
        tracking.fetch_model("models:/rmsnet/1")
    client.delete_model_version_tag("rmsnet", "1", "rmsnet.registered")
    tracking.fetch_model("models:/rmsnet/1")
    assert "was registered without a hash of its files" in capsys.readouterr().err


def test_versions_with_the_hash_of_before_are_held_to_it(version):
    our_client().set_model_version_tag("rmsnet", "1", "files_hash", first_files_hash(version))
    tracking.fetch_model("models:/rmsnet/1")
    (version / "code" / "rmsnet" / "errors.py").write_text("raise SystemExit")
    with pytest.raises(UserError, match="hash mismatch"):
        tracking.fetch_model("models:/rmsnet/1")


@pytest.mark.parametrize("thresholded", [False, True])
def test_an_answer_keeps_the_signature_however_few_events_are_in_it(tmp_path, thresholded):
    import mlflow
    from mlflow.models.utils import _enforce_schema

    for silent in (False, True):
        model = random_model()
        model.network.fc_cls.bias.data[-1] += 1000 * silent
        folder, saved = write_model(tmp_path / f"model {silent}", model=model), tmp_path / f"saved {silent}"
        write_json(folder / "thresholds.json", {name: {"confidence": 0.1} for name in V1_CLASSES})
        save_pyfunc(folder, EXAMPLE, saved)
        loaded = mlflow.pyfunc.load_model(str(saved))
        events = loaded.predict(EXAMPLE, params={"thresholded": thresholded})
        assert silent == events.empty
        _enforce_schema(events, loaded.metadata.signature.outputs)
        assert events.dtypes.astype(str).tolist() == ["int64", "str", "float64"]
