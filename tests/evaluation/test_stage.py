import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from rmsnet.dataset.class_lists import class_list
from rmsnet.documents import read_json
from rmsnet.errors import UserError
from rmsnet.evaluation import average_map
from rmsnet.evaluation.files import read_predictions
from rmsnet.evaluation.stage import evaluate_stage
from rmsnet.features.bank import read_bank
from rmsnet.files import write_json
from rmsnet.network.model_files import load_model
from rmsnet.params import EvaluateParams, Params, TrainParams
from rmsnet.spotting.inference import spot_bank
from rmsnet.tracking import find_run, predict_with_logged_model, read_run, tracked_run
from rmsnet.tracking.store import client_of
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

    client = MlflowClient(f"sqlite:///{inside / 'mlflow.db'}")
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


def of_the_run(root: Path):
    """The run of the model in the store of this moment."""
    from rmsnet.tracking.store import our_client

    run = read_run(root / "models" / "small")
    place = find_run(run["run_id"], run["model_id"])
    return our_client(), our_client().get_run(place.run_id)


def test_what_a_run_says_of_its_model_is_of_the_best_epoch_and_not_of_the_last(inside):
    evaluate(inside, "evaluation/small")
    client, run = of_the_run(inside)
    best = read_json(inside / "models" / "small" / "metrics.json")
    judged = read_json(inside / "evaluation" / "small" / "valid" / "metrics.json")
    assert run.data.metrics["valid_average_map"] == judged["average_map"]
    assert run.data.metrics["best_epoch"] == best["best_epoch"]
    assert run.data.metrics["train_loss"] == best["train_loss"]
    steps = {metric.step for metric in client.get_metric_history(run.info.run_id, "valid_average_map")}
    assert steps == {best["best_epoch"]}


def test_scores_on_other_data_stand_beside_the_runs_own(inside, tmp_path):
    evaluate(inside, "evaluation/small")
    _, before = of_the_run(inside)
    for number, (split, games) in enumerate({"valid": 2, "test": 2}.items()):
        write_bank(tmp_path / "other", split, learnable_bank(games, seed=10 + number), dataset="other: league")
    evaluate_stage(inside / "models" / "small", tmp_path / "other", tmp_path / "out", QUICK, device="cpu")
    client, run = of_the_run(inside)
    assert {name: run.data.metrics[name] for name in before.data.metrics} == before.data.metrics
    judged = read_json(tmp_path / "out" / "test" / "metrics.json")
    assert run.data.metrics["other- league test hash 11/average_map"] == judged["average_map"]
    folders = {item.path for item in client.list_artifacts(run.info.run_id, "evaluation")}
    assert {"evaluation/test", "evaluation/other- league test hash 11"} <= folders


def test_a_run_that_another_store_does_not_have_is_logged_there_from_the_models_folder(
    inside, monkeypatch, tmp_path, capsys
):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/other.db")
    evaluate(inside, "evaluation/small")
    evaluate(inside, "evaluation/small")
    assert capsys.readouterr().err.count("logged again from the folder as run") == 1
    client, run = of_the_run(inside)
    assert run.info.run_name == "small, seed 0"
    assert run.data.params["train.epochs"] == "3"
    assert run.data.tags["variant"] == "small"
    assert run.data.tags["git.commit"] == read_run(inside / "models" / "small")["tags"]["git.commit"]
    assert len(client.get_metric_history(run.info.run_id, "loss")) == 3
    assert run.data.metrics["test_average_map"] > 0
    assert client.get_run(run.data.tags["mlflow.parentRunId"]).info.run_name == "small"
    assert len(predict_with_logged_model(run.data.tags["rmsnet.model_id"], np.zeros((50, 8), np.float32).copy())) >= 0


def test_a_model_whose_files_the_store_has_lost_is_logged_again(inside, monkeypatch, tmp_path):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/other.db")
    evaluate(inside, "evaluation/small")
    shutil.rmtree(tmp_path / "mlruns" / "models")
    evaluate(inside, "evaluation/small")
    client, run = of_the_run(inside)
    assert len(client.search_logged_models([run.info.experiment_id])) == 2
    assert (tmp_path / "mlruns" / "models" / run.data.tags["rmsnet.model_id"] / "artifacts" / "MLmodel").exists()


def test_a_run_that_was_deleted_stays_deleted_and_the_evaluation_goes_on(inside, monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/other.db")
    with tracked_run("seed 0", (), {}) as run:
        pass
    shutil.copytree(inside / "models" / "small", tmp_path / "small")
    told = read_json(tmp_path / "small" / "run.json")
    write_json(tmp_path / "small" / "run.json", {**told, "run_id": run.run_id})
    client_of(f"sqlite:///{tmp_path}/other.db").delete_run(run.run_id)
    evaluate_stage(tmp_path / "small", inside / "features", tmp_path / "out", QUICK, device="cpu")
    assert f"was deleted; bring it back: mlflow runs restore --run-id {run.run_id}" in capsys.readouterr().err
    assert (tmp_path / "out" / "test" / "metrics.json").exists()
