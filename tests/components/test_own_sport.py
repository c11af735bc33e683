"""A sport of one's own in the DAG: the description in the data's folder is all that the components are told."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.deployment import Deployment
from rmsnet.documents import read_json
from rmsnet.simulation import simulate
from tests.components.conftest import PARAMS, run_pipeline


@pytest.mark.slow
def test_a_match_in_one_file_of_four_quarters_becomes_a_registered_model(
    once: Callable[[str, Callable[[Path], None]], Path], python_folder: Path, tmp_path: Path
) -> None:
    data = once("basketball", lambda folder: simulate(folder / "data", games=3, minutes=3, sport="basketball")) / "data"
    params = {
        **PARAMS,
        "extract": {"features": "clip_1fps"},
        "train": {**PARAMS["train"], "epochs": 1},
        "variants": {"full": {}},
    }
    run_pipeline("training", tmp_path, tmp_path, python_folder, Deployment(), params, source=str(data))
    (model,) = tmp_path.glob("out/**/train/trained/model/config.json")
    config = read_json(model)
    assert (config["classes"], config["frame_rate"]) == (["basket", "foul", "timeout"], 1.0)
    assert [period["name"] for period in config["periods"]] == ["Q1", "Q2", "Q3", "Q4"]
    (registered,) = tmp_path.glob("out/**/register-model/executor_output.json")
    assert read_json(registered)["artifacts"]["registration"]["artifacts"][0]["metadata"]["promoted"] == "yes"
