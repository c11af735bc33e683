"""What MLflow's own pages say of runs, and of runs that hold others."""

import pytest

from rmsnet import tracking
from rmsnet.params import TrainParams
from rmsnet.tracking.pages import SCORES, TRAINING, VERDICT, compact, sections, with_section
from rmsnet.tracking.store import EXPERIMENT, EXPERIMENT_TAGS, NOTE_TAG, client_of, our_client, tracking_uri
from tests.builders import EXAMPLE, write_model

STUDY = tracking.Group("study", "study key", "a study")


@pytest.fixture
def local_store(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")


def train(variant: str, seed: int, score: float) -> str:
    groups = (STUDY, tracking.Group("variant", variant, variant))
    with tracking.tracked_run(f"{variant}, seed {seed}", groups, {"variant": variant}) as run:
        run.log_data("matches train", "0123", "train", {})
        run.log_data("matches valid", "4567", "valid", {})
        run.log_epoch(1, {"valid_average_map": score})
    return run.run_id


def test_a_section_is_replaced_where_it_stands_and_what_people_wrote_above_stays():
    note = with_section(with_section("Mind the third game.", TRAINING, "went well"), VERDICT, "refused")
    assert note == "Mind the third game.\n\n### Verdict\nrefused\n\n### Training\nwent well"
    again = with_section(note, VERDICT, "promoted: see\n### this")
    assert sections(again)[VERDICT] == "promoted: see\n### this"
    assert sections(again)[TRAINING] == "went well"
    assert again.startswith("Mind the third game.")


def test_the_experiment_says_what_it_holds_also_one_that_was_made_before(local_store):
    train("full", 0, 0.5)
    client = our_client()
    experiment = client.get_experiment_by_name(EXPERIMENT)
    assert experiment.tags == EXPERIMENT_TAGS
    client.delete_experiment_tag(experiment.experiment_id, NOTE_TAG)
    train("full", 1, 0.5)
    assert client.get_experiment_by_name(EXPERIMENT).tags == EXPERIMENT_TAGS


def test_a_variant_shows_the_mean_of_its_seeds_and_a_study_its_best_variant(local_store):
    for variant, seed, score in (("full", 0, 0.5), ("full", 1, 0.7), ("no-masking", 0, 0.4)):
        run_id = train(variant, seed, score)
    client = our_client()
    variant = client.get_run(client.get_run(run_id).data.tags["mlflow.parentRunId"])
    study = client.get_run(variant.data.tags["mlflow.parentRunId"])
    assert variant.data.metrics["valid_average_map"] == pytest.approx(0.4)
    assert study.data.metrics["valid_average_map"] == pytest.approx(0.6)
    assert {item.dataset.name for item in study.inputs.dataset_inputs} == {"matches train", "matches valid"}
    table = sections(study.data.tags[NOTE_TAG])[SCORES].splitlines()
    assert [line.split("]")[0] for line in table[2:]] == ["| [full", "| [no-masking"]
    assert "| 60.0" in table[2]


def test_scores_of_an_evaluation_stand_in_the_note_of_the_run_and_in_the_study(local_store, tmp_path):
    run_id = train("full", 0, 0.5)
    client = client_of(tracking_uri())
    model = client.create_logged_model(client.get_run(run_id).info.experiment_id, "full", source_run_id=run_id)
    (tmp_path / "report").mkdir()
    scores = {"average_map": 0.653, "average_map_low": 0.571, "average_map_high": 0.73, "ap/card": 0.6}
    tracking.log_evaluation(run_id, model.model_id, "test", scores, tmp_path / "report", ("matches test", "89ab"))
    note = sections(client.get_run(run_id).data.tags[NOTE_TAG])[SCORES]
    assert [cell.strip() for cell in note.splitlines()[-1].split("|")] == ["", "test", "65.3 [57.1, 73.0]", "60.0", ""]
    variant = client.get_run(client.get_run(run_id).data.tags["mlflow.parentRunId"])
    assert variant.data.metrics["test_average_map"] == 0.653


def test_parameters_that_a_training_does_not_obey_are_left_out_and_numbers_are_short():
    from dataclasses import asdict

    full = compact("train", asdict(TrainParams()))
    assert full["train.masking_probability"] == "0.3333"
    assert not {"train.backbone", "train.weights", "train.average_decay"} & full.keys()
    less = compact("train", asdict(TrainParams(masking_probability=0.0, regression=False)))
    assert full.keys() - less.keys() == {
        "train.masking_max_offset",
        "train.masking_side",
        "train.regression_weight",
    }
    assert less["train.regression"] == "False"


def test_a_description_that_is_too_long_for_the_registry_ends_with_a_section(local_store, tmp_path):
    with tracking.tracked_run("full, seed 0", (), {}) as run:
        model_id = run.log_model(write_model(tmp_path / "model"), EXAMPLE, {"variant": "full"})
    tracking.create_version("rmsnet", model_id, run.run_id, {})
    tracking.describe_version("rmsnet", 1, "# card\n\n## one\n" + "x" * 3000 + "\n\n## two\n" + "y" * 3000)
    kept = tracking.description("rmsnet", 1)
    assert kept.endswith("x" * 3000 + "\n")
    assert "@champion" in our_client().get_registered_model("rmsnet").description
    assert our_client().get_logged_model(model_id).name == "full"
