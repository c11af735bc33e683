"""A registered ensemble, from three trainings to @champion."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from rmsnet import tracking
from rmsnet.cli import main
from rmsnet.documents import read_json
from rmsnet.errors import UserError
from rmsnet.evaluation.stage import evaluate_stage
from rmsnet.files import write_json
from rmsnet.network.model_files import load_model
from rmsnet.params import Params, TrainParams
from rmsnet.registry.stage import register_stage
from rmsnet.training.ensemble import ensemble_stage
from rmsnet.training.stage import train_stage
from tests.builders import learnable_bank, write_bank

PARAMS = Params(
    train=TrainParams(
        clip_frames=9, foreground_clips=100, background_clips=35, batch_size=16, epochs=2, precision="float32"
    )
)


CONTENT = {split: split for split in ("train", "valid", "test")}


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """Three seeds of one variant and what they were trained on."""
    root = tmp_path_factory.mktemp("ensemble")
    for number, split in enumerate(CONTENT):
        write_bank(root / "features", split, learnable_bank(2, seed=number), content=split)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        for seed in range(3):
            params = replace(PARAMS, train=replace(PARAMS.train, seed=seed))
            train_stage(Path("features"), Path(f"models/{seed}"), params, device="cpu", progress=False)
        yield root


MODELS = [Path(f"models/{seed}") for seed in range(3)]


def test_an_ensemble_is_evaluated_registered_and_becomes_champion(shop):
    metrics = ensemble_stage(MODELS, Path("features"), Path("models/together"), PARAMS)
    assert (metrics["name"], metrics["members"], metrics["simulated"]) == ("together", 3, True)
    assessed = evaluate_stage(
        Path("models/together"), Path("features"), Path("evaluation/together"), replace(PARAMS.evaluate, bootstrap=0)
    )
    assert assessed["valid"].scores.average_map == pytest.approx(metrics["valid_average_map"])
    write_json(
        Path("validation/validation.json"),
        {"verdict": "passed", "summary": "passed", "dataset": "test", "dvc_md5": None, "content": CONTENT},
    )
    params = replace(PARAMS, register=replace(PARAMS.register, floor=0.0))
    decision = register_stage(
        [Path("models/together")],
        Path("evaluation"),
        Path("features"),
        Path("registration"),
        params,
        validation=Path("validation"),
    )
    assert decision.promoted
    champion = load_model(tracking.find_model("models:/rmsnet@champion"))
    assert len(champion.network.members) == 3
    assert champion.config["made_of"] == [load_model(model).config["weights_hash"] for model in MODELS]


def test_it_lies_in_the_study_of_its_members(shop):
    ensemble_stage(MODELS[:2], Path("features"), Path("models/pair"), PARAMS)
    tags = [tracking.run_tags(read_json(model / "run.json")["run_id"]) for model in (Path("models/pair"), *MODELS[:2])]
    assert len({of_run["rmsnet.study.of"] for of_run in tags}) == 1


@pytest.mark.parametrize(
    ("models", "features", "says"),
    [
        (["models/0"], "features", "an ensemble needs at least two models"),
        (["models/0", "models/0"], "features", "models/0: the same weights as models/0; name each model once"),
        (["models/0", "models/7"], "features", "models/7: no tracked model there"),
        (["models/0", "models/1"], "nowhere", "no such frame bank"),
        (["models/0", "models/1"], "others", "models/0: was not trained on others"),
        (["models/0", "models/short"], "features", "models/short: differs from models/0 in clip_frames"),
    ],
)
def test_what_makes_no_ensemble_is_one_line_and_nothing_is_written(models, features, says, shop, capsys):
    if not Path("others").exists():
        for number, split in enumerate(("train", "valid")):
            write_bank(Path("others"), split, learnable_bank(2, seed=7 + number))
        shutil.copytree("models/1", "models/short")
        config = read_json(Path("models/short/config.json"))
        write_json(Path("models/short/config.json"), {**config, "clip_frames": 11})
    assert main(["combine", *models, "--features", features, "--out", "models/refused"]) == 2
    told = capsys.readouterr().err
    assert says in told
    assert told.count("\n") == 1
    assert not Path("models/refused").exists()


def test_a_folder_of_something_else_is_not_replaced(shop):
    with pytest.raises(UserError, match=r"holds .* and no earlier result"):
        ensemble_stage(MODELS, Path("features"), Path("features"), PARAMS)
