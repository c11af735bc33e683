import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from rmsnet.dataset.class_lists import class_list
from rmsnet.errors import UserError
from rmsnet.evaluation import average_map
from rmsnet.evaluation.files import read_predictions
from rmsnet.evaluation.stage import evaluate_stage
from rmsnet.features.bank import read_bank
from rmsnet.files import read_json
from rmsnet.network.model_files import load_model
from rmsnet.params import EvaluateParams, Params, TrainParams
from rmsnet.spotting.inference import spot_bank
from rmsnet.tracking import read_run
from rmsnet.training.stage import train_stage
from tests.builders import learnable_bank, write_bank

TRAIN = TrainParams(
    clip_frames=9, foreground_clips=200, background_clips=70, batch_size=16, epochs=3, precision="float32"
)
QUICK = EvaluateParams(bootstrap=50)


@pytest.fixture(scope="module")
def workshop(tmp_path_factory) -> Path:
    """A working directory with frame banks, a trained model and its MLflow store."""
    root = tmp_path_factory.mktemp("workshop")
    for number, (split, games) in enumerate({"train": 4, "valid": 3, "test": 2}.items()):
        write_bank(root / "features", split, learnable_bank(games, seed=number))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        train_stage(root / "features", root / "models" / "small", Params(train=TRAIN), device="cpu", progress=False)
    return root


@pytest.fixture
def inside(workshop, monkeypatch) -> Path:
    monkeypatch.chdir(workshop)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return workshop


def evaluate(root: Path, out: str, params: EvaluateParams = QUICK):
    return evaluate_stage(root / "models" / "small", root / "features", root / out, params, device="cpu")


def test_a_model_is_judged_on_both_splits_and_the_result_is_in_its_run(inside):
    evaluate(inside, "evaluation/small")
    for split in ("valid", "test"):
        folder = inside / "evaluation" / "small" / split
        bank = read_bank(inside / "features", split)
        found = spot_bank(load_model(inside / "models" / "small"), bank)
        expected = average_map(bank.truth, found, halves=len(bank.halves), classes=3, frame_rate=2.0)
        metrics = read_json(folder / "metrics.json")
        assert metrics["average_map"] == expected.average_map
        assert metrics["ci95"][0] <= metrics["average_map"] <= metrics["ci95"][1]
        assert list(metrics["per_class"].values()) == expected.per_class.tolist()
        assert metrics["map_by_tolerance"] == expected.map_by_tolerance.tolist()
        assert metrics["tolerances"] == list(range(5, 61, 5))
        assert (metrics["simulated"], metrics["split"], metrics["protocol"]) == (True, split, "devkit")
        assert (metrics["visible"], metrics["unshown"]) == (None, None)
        assert metrics["games"] == len(bank.halves) // 2

    from mlflow import MlflowClient

    client = MlflowClient("sqlite:///mlflow.db")
    run = client.get_run(read_run(inside / "models" / "small")["run_id"])
    metrics = read_json(inside / "evaluation" / "small" / "test" / "metrics.json")
    assert run.data.metrics["test_average_map"] == metrics["average_map"]
    assert run.data.metrics["test_average_map_low"] == metrics["ci95"][0]
    assert run.data.metrics["valid_ap/card"] > 0
    logged = {item.path for item in client.list_artifacts(run.info.run_id, "evaluation/test")}
    assert {"evaluation/test/metrics.json", "evaluation/test/report.html"} <= logged


def test_a_model_that_names_no_run_is_judged_all_the_same(inside, tmp_path):
    shutil.copytree(inside / "models" / "small", tmp_path / "from-elsewhere")
    (tmp_path / "from-elsewhere" / "run.json").unlink()
    judged = evaluate_stage(tmp_path / "from-elsewhere", inside / "features", tmp_path / "out", QUICK, device="cpu")
    assert judged["test"].metrics() == evaluate(inside, "evaluation/small")["test"].metrics()


def test_the_predictions_it_leaves_are_those_it_has_judged(inside):
    assessment = evaluate(inside, "evaluation/again")["test"]
    folder = inside / "evaluation" / "again" / "test" / "predictions"
    read = read_predictions(folder, assessment.corpus.games, class_list("v1")).predictions
    for column in ("half", "position_ms", "label", "confidence"):
        assert np.array_equal(getattr(read, column), getattr(assessment.predictions, column))


def test_a_second_evaluation_takes_the_place_of_the_first(inside):
    evaluate(inside, "evaluation/twice")
    (inside / "evaluation" / "twice" / "test" / "report.html").unlink()
    evaluate(inside, "evaluation/twice", EvaluateParams(tolerances="tight", bootstrap=0))
    metrics = read_json(inside / "evaluation" / "twice" / "test" / "metrics.json")
    assert (metrics["tolerances"], metrics["ci95"]) == ([1, 2, 3, 4, 5], None)
    assert (inside / "evaluation" / "twice" / "test" / "report.html").exists()


def test_a_folder_with_other_things_in_it_is_not_replaced(inside):
    (inside / "precious").mkdir()
    (inside / "precious" / "thesis.txt").write_text("years of work")
    with pytest.raises(UserError, match=r"precious: holds thesis\.txt"):
        evaluate(inside, "precious")
    assert os.listdir(inside / "precious") == ["thesis.txt"]


def test_a_run_that_is_gone_leaves_the_earlier_evaluation_as_it_was(inside, monkeypatch, tmp_path):
    evaluate(inside, "evaluation/kept")
    before = (inside / "evaluation" / "kept" / "test" / "metrics.json").read_bytes()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/other.db")
    with pytest.raises(UserError, match="has no run"):
        evaluate(inside, "evaluation/kept", EvaluateParams(tolerances="tight", bootstrap=0))
    assert (inside / "evaluation" / "kept" / "test" / "metrics.json").read_bytes() == before
    assert not list((inside / "evaluation").glob(".*"))
