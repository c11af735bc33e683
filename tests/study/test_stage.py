import csv
import os
import shutil
from dataclasses import replace
from pkgutil import resolve_name

import pytest

from rmsnet.cli import main
from rmsnet.documents import read_json
from rmsnet.errors import UserError
from rmsnet.evaluation import average_map
from rmsnet.features.bank import read_bank
from rmsnet.network.model_files import load_model
from rmsnet.params import PRESETS, Params, SpotParams, TrainParams, load_params
from rmsnet.spotting.inference import spot_bank
from rmsnet.study.grids import OPTIONS, STUDIES
from rmsnet.study.stage import grid, reproduce
from rmsnet.training.loop import train
from tests.builders import write_bank
from tests.training.test_loop import SMALL, learnable_bank

PARAMS = Params(
    train=replace(SMALL, epochs=2, clip_frames=17, foreground_clips=90, background_clips=30), spot=SpotParams()
)


@pytest.fixture(scope="module")
def features(tmp_path_factory):
    return write_banks(tmp_path_factory.mktemp("features"))


def write_banks(folder):
    for seed, split in enumerate(("train", "valid", "test")):
        write_bank(folder, split, learnable_bank(seed))
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
        "figure.svg",
        "learning_curves.png",
        "learning_curves.svg",
        "learning_curves.csv",
        "report.html",
        "result.json",
        "tracked.json",
    }
    table = (folder / "studies" / "figure5" / "table.md").read_text()
    assert "valid, simulated" in table
    assert "| 55.7" in table, "the paper's number stands beside ours"
    assert "not how well they do on SoccerNet" in table
    assert [len(result.seeds) for result in results] == [2, 2]
    document = read_json(folder / "studies" / "figure5" / "result.json")
    assert document["simulated"] is True
    assert document["rows"][0]["test"]["mean"] == pytest.approx(results[0].estimate("test").mean)


@pytest.fixture(scope="module")
def tracked(done):
    """The runs of the study: (client, rows by name, trainings by (row, name))."""
    folder, _ = done
    import mlflow

    client = mlflow.MlflowClient(f"sqlite:///{folder / 'mlflow.db'}")
    runs = client.search_runs([item.experiment_id for item in client.search_experiments()])
    (study,) = (run for run in runs if "mlflow.parentRunId" not in run.data.tags)

    def below(run):
        return [other for other in runs if other.data.tags.get("mlflow.parentRunId") == run.info.run_id]

    rows = {row.info.run_name: row for row in below(study)}
    trainings = {(name, run.info.run_name): run for name, row in rows.items() for run in below(row)}
    assert len(runs) == 1 + len(rows) + len(trainings), "no run lies elsewhere"
    return client, rows, trainings


def test_each_row_is_a_run_under_the_study_with_mean_interval_and_seeds(done, tracked):
    _, results = done
    client, rows, _ = tracked
    assert set(rows) == {"full", "no-regression"}
    full = rows["full"]
    assert full.data.metrics["test_average_map"] == pytest.approx(results[0].estimate("test").mean)
    assert full.data.metrics["test_average_map_low"] <= full.data.metrics["test_average_map"]
    assert full.data.tags["simulated"] == "true"
    of_seed = client.get_metric_history(full.info.run_id, "test_average_map_of_seed")
    assert [metric.value for metric in of_seed] == pytest.approx(results[0].values("test"))


def test_each_training_is_a_run_under_its_row_with_the_curves_of_the_train_stage(done, tracked):
    _, results = done
    client, _, trainings = tracked
    assert set(trainings) == {(row, f"{row}, seed {seed}") for row in ("full", "no-regression") for seed in (0, 1)}
    run = trainings["no-regression", "no-regression, seed 1"]
    assert run.data.params["train.regression"] == "False"
    assert run.data.params["train.seed"] == "1"
    with (results[1].seeds[1].folder / "history.csv").open(newline="") as file:
        history = list(csv.DictReader(file))
    assert len(history) == 2
    for name in ("loss", "valid_average_map", "learning_rate", "gradient_norm", "clips_per_second", "seconds"):
        logged = "epoch_valid_average_map" if name == "valid_average_map" else name
        curve = client.get_metric_history(run.info.run_id, logged)
        assert [metric.step for metric in curve] == [1, 2]
        assert [metric.value for metric in curve] == pytest.approx([float(row[name]) for row in history])
    assert run.data.metrics["valid_average_map"] == max(float(row["valid_average_map"]) for row in history)
    kept = {item.path for item in client.list_artifacts(run.info.run_id, "training")}
    assert {"training/model.safetensors", "training/config.json", "training/history.csv"} <= kept


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


DEATHS = {
    "at the second training": ("rmsnet.study.scores.train", 1),
    "when a row is tracked": ("rmsnet.study.tracked.write_json", 0),
    "while a training is tracked": ("rmsnet.tracking.TrackedRun.log_folder", 1),
}
"""What a process is killed at, and how many calls of it are done before."""


@pytest.fixture(scope="module", autouse=True)
def unbroken(tracked):
    """The runs of the study, before other tests have others done in the same store."""
    return summary_of(tracked[0])


@pytest.mark.parametrize("death", DEATHS)
def test_a_study_that_was_killed_is_continued_without_a_second_run_or_row(
    done, unbroken, features, monkeypatch, tmp_path, death
):
    folder, results = done
    store = f"sqlite:///{tmp_path / 'mlflow.db'}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)

    def trained(*arguments, **options):
        """What the unbroken study has trained."""
        made = folder / "studies" / "runs" / arguments[3].name
        shutil.copytree(made, arguments[3], ignore=shutil.ignore_patterns("tracked.json"))

    monkeypatch.setattr("rmsnet.study.scores.train", trained)
    place, calls = DEATHS[death]
    work, left = resolve_name(place), iter(range(calls))

    def killed(*arguments, **options):
        if next(left, None) is None:
            raise KeyboardInterrupt
        return work(*arguments, **options)

    studies = tmp_path / "studies"
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(place, killed)
        reproduce("figure5", features, studies, PARAMS, seeds=2, device="cpu", progress=False)
    again = reproduce("figure5", features, studies, PARAMS, seeds=2, device="cpu", progress=False)
    assert [row.values("test") for row in again] == [row.values("test") for row in results]
    for table in ("table.md", "table.csv"):
        assert (studies / "figure5" / table).read_text() == (folder / "studies" / "figure5" / table).read_text()
    assert summary_of(mlflow_client(store)) == unbroken


def mlflow_client(uri):
    import mlflow

    return mlflow.MlflowClient(uri)


def summary_of(client):
    """The runs of a store: name, name of the run above, whether it is finished, steps of each curve, names of data."""
    runs = client.search_runs([item.experiment_id for item in client.search_experiments()])
    names = {run.info.run_id: run.info.run_name for run in runs}
    return sorted(
        (
            names.get(run.data.tags.get("mlflow.parentRunId"), ""),
            run.info.run_name,
            run.info.status,
            [
                (key, [metric.step for metric in client.get_metric_history(run.info.run_id, key)])
                for key in sorted(run.data.metrics)
                if not key.startswith("system/")
            ],
            sorted(used.dataset.name for used in run.inputs.dataset_inputs),
        )
        for run in runs
    )


def test_options_decode_one_training_in_several_ways_and_let_several_answer_together(
    done, features, monkeypatch, tmp_path
):
    """Three rows of the study: one adds only a decoding, one only the other members of an ensemble."""
    folder, results = done
    studies = shutil.copytree(folder / "studies", tmp_path / "studies")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    rows = {row.name: row for row in OPTIONS}
    chosen = (rows["paper"], rows["stride 1, votes"], rows["3 models"])
    monkeypatch.setitem(STUDIES, "options", replace(STUDIES["options"], rows=chosen))
    asked: list[int] = []

    def trained(*arguments, **options):
        asked.append(arguments[2].seed)
        return train(*arguments, **options)

    monkeypatch.setattr("rmsnet.study.scores.train", trained)
    paper, votes, ensemble = reproduce("options", features, studies, PARAMS, seeds=2, device="cpu", progress=False)
    assert asked == [2, 4, 3, 5], "seeds 0 and 1 are there; no two ensembles share a member"
    assert paper.values("test") == results[0].values("test")
    model = load_model(votes.seeds[1].folder)
    test = read_bank(features, "test")
    found = spot_bank(model, test, SpotParams(stride=1, votes=True))
    score = average_map(test.truth, found, halves=3, classes=3, frame_rate=2.0).average_map
    assert votes.values("test")[1] == pytest.approx(score)
    assert len(load_model(ensemble.seeds[0].folder).network.members) == 3
    table = (studies / "options" / "table.md").read_text()
    assert "valid, gain" in table
    assert "paper, SoccerNet" not in table, "there is nothing of the paper to stand beside"
    gains = [one - other for one, other in zip(votes.values("test"), paper.values("test"), strict=True)]
    assert f"{100 * sum(gains) / 2:+.1f} [" in table

    again = reproduce("options", features, studies, PARAMS, seeds=2, device="cpu", progress=False)
    assert (len(asked), again) == (4, [paper, votes, ensemble])


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


def test_a_grid_changes_the_decoding_too_and_leaves_ensembles_out():
    rows = {row["name"]: row["set"] for row in grid("options")}
    assert rows["stride 1, votes"] == ["spot.stride=1", "spot.votes=true"]
    assert not any("models" in name for name in rows)


def test_every_row_of_every_study_is_a_valid_train_section():
    for study in STUDIES.values():
        for row in study.rows:
            replace(TrainParams(), **row.changes)
            replace(SpotParams(), **row.spot)


def test_the_strong_preset_is_what_the_study_of_options_measures(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (row,) = (row for row in STUDIES["options"].rows if row.name == "preset strong")
    strong = load_params(None, PRESETS["strong"])
    assert strong.train == replace(TrainParams(), **row.changes)
    assert strong.spot == replace(SpotParams(), **row.spot)


def test_the_command_prints_the_grid_for_dvc(capsys):
    assert main(["reproduce", "figure6", "--grid", "dvc"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == (
        "dvc exp run --queue --name figure6-lambda-1 --set-param ++train.regression_weight=1.0 evaluate@full"
    )
    assert len(lines) == 7


def test_dvc_can_apply_every_row_to_the_projects_parameters(repository, tmp_path):
    """With what `dvc exp run --set-param` itself uses."""
    from dvc.utils.hydra import apply_overrides

    for study in ("table3", "options"):
        for row in grid(study):
            path = shutil.copy(repository / "params.yaml", tmp_path / "params.yaml")
            apply_overrides(path, [f"++{change}" for change in row["set"]])
            assert load_params(path) == load_params(repository / "params.yaml", row["set"])
