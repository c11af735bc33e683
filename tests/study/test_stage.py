import json
import os
from dataclasses import replace

import pytest

from rmsnet.bank import bank_index
from rmsnet.cli import main
from rmsnet.errors import UserError
from rmsnet.files import write_json
from rmsnet.params import Params, SpotParams, TrainParams
from rmsnet.study import STUDIES, reproduce
from rmsnet.study.stage import grid
from tests.test_training import SMALL, learnable_bank

PARAMS = Params(
    train=replace(SMALL, epochs=2, clip_frames=17, foreground_clips=90, background_clips=30), spot=SpotParams()
)


@pytest.fixture(scope="module")
def features(tmp_path_factory):
    import numpy as np

    folder = tmp_path_factory.mktemp("features")
    for seed, split in enumerate(("train", "valid", "test")):
        made = learnable_bank(seed)
        np.save(folder / f"{split}.npy", made.features)
        write_json(folder / f"{split}.json", bank_index(made))
    return folder


@pytest.fixture(scope="module")
def done(features, tmp_path_factory):
    """Fig. 5, two seeds: the rows full and no-regression."""
    folder = tmp_path_factory.mktemp("work")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder / 'mlflow.db'}")
        results = reproduce("figure5", features, folder / "studies", PARAMS, seeds=2, device="cpu", progress=False)
        yield folder, results


def test_a_study_leaves_table_picture_page_and_result(done):
    folder, results = done
    assert {path.name for path in (folder / "studies" / "figure5").iterdir()} == {
        "table.md",
        "table.csv",
        "figure.png",
        "report.html",
        "result.json",
        "tracked.json",
    }
    table = (folder / "studies" / "figure5" / "table.md").read_text()
    assert "valid, simulated" in table
    assert "| 55.7" in table, "the paper's number stands beside ours"
    assert "not how well they do on SoccerNet" in table
    assert [len(result.seeds) for result in results] == [2, 2]
    document = json.loads((folder / "studies" / "figure5" / "result.json").read_text())
    assert document["simulated"] is True
    assert document["rows"][0]["test"]["mean"] == pytest.approx(results[0].estimate("test").mean)


def test_each_row_is_a_run_under_the_study_with_mean_interval_and_seeds(done):
    folder, results = done
    import mlflow

    client = mlflow.MlflowClient(f"sqlite:///{folder / 'mlflow.db'}")
    runs = client.search_runs([item.experiment_id for item in client.search_experiments()])
    rows = {run.info.run_name: run for run in runs if "mlflow.parentRunId" in run.data.tags}
    assert set(rows) == {"full", "no-regression"}
    assert len({run.data.tags["mlflow.parentRunId"] for run in rows.values()}) == 1
    full = rows["full"]
    assert full.data.metrics["test_average_map"] == pytest.approx(results[0].estimate("test").mean)
    assert full.data.metrics["test_average_map_low"] <= full.data.metrics["test_average_map"]
    assert full.data.tags["simulated"] == "true"
    of_seed = client.get_metric_history(full.info.run_id, "test_average_map_of_seed")
    assert [metric.value for metric in of_seed] == pytest.approx(results[0].values("test"))


def test_finished_rows_are_not_run_again_not_even_for_another_study(done, features, monkeypatch):
    folder, results = done
    monkeypatch.setattr("rmsnet.study.scores.train", lambda *arguments, **options: pytest.fail("trained again"))
    again = reproduce("figure5", features, folder / "studies", PARAMS, seeds=2, progress=False)
    assert again == results
    reproduce("table2", features, folder / "studies", PARAMS, seeds=2, progress=False)
    reproduce("figure4", features, folder / "studies", PARAMS, seeds=2, progress=False)
    reproduce("figure7", features, folder / "studies", PARAMS, seeds=2, progress=False)
    assert "SoccerNet baseline, 20 s" in (folder / "studies" / "table2" / "table.md").read_text()
    assert "frames from the event" in (folder / "studies" / "figure7" / "table.md").read_text()


def test_a_row_that_cannot_be_trained_is_refused_before_the_first_training(features, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="no background"):
        reproduce("clip-length", features, tmp_path / "studies", PARAMS, seeds=1, progress=False)
    with pytest.raises(UserError, match="at least one training"):
        reproduce("table3", features, tmp_path / "studies", PARAMS, seeds=0, progress=False)
    with pytest.raises(UserError, match="no such frame bank"):
        reproduce("table3", tmp_path / "nowhere", tmp_path / "studies", PARAMS, progress=False)
    assert os.listdir(tmp_path) == []


def test_the_grid_is_the_rows_as_overrides():
    assert grid("table4")[0] == {
        "name": "p = 1/5, q = 0.5",
        "set": ["train.masking_probability=0.2", "train.masking_max_offset=0.5", 'train.masking_side="before"'],
    }


def test_every_row_of_every_study_is_a_valid_train_section():
    for study in STUDIES.values():
        for row in study.rows:
            replace(TrainParams(), **row.changes)


def test_the_command_prints_the_grid_for_dvc(capsys):
    assert main(["reproduce", "figure6", "--grid", "dvc"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == (
        "dvc exp run --queue --name figure6-lambda-1 --set-param ++train.regression_weight=1.0 evaluate@full"
    )
    assert len(lines) == 7
