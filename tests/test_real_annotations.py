"""Real annotations, official splits and real half lengths through every stage; simulated features under them."""

import numpy as np
import pytest

from rmsnet.dataset.soccernet import read_split
from rmsnet.documents import read_json
from rmsnet.features.bank import read_bank
from rmsnet.params import load_params
from rmsnet.simulation import simulate


@pytest.mark.slow
def test_real_annotations_go_through_every_stage_to_a_champion(shared, repository, no_pictures, tmp_path, monkeypatch):
    from rmsnet import tracking
    from rmsnet.evaluation.stage import evaluate_stage
    from rmsnet.features.stage import extract
    from rmsnet.registry.stage import register_stage
    from rmsnet.training.stage import train_stage
    from rmsnet.validation import validate

    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    short = ["train.foreground_clips=300", "train.background_clips=100", "train.epochs=1", "evaluate.bootstrap=20"]
    params = load_params(repository / "params.yaml", short)
    simulate(tmp_path / "data", labels=shared / "soccernet" / "labels_v1.zip", games=8)
    assert validate(tmp_path / "data", tmp_path / "validation").verdict.startswith("passed")
    extract(tmp_path / "data", tmp_path / "features", params.extract)
    bank = read_bank(tmp_path / "features", "train")
    assert [half.game for half in bank.halves[::2]] == read_split(shared / "soccernet", "train")[:4]
    assert bank.simulated is True

    metrics = train_stage(tmp_path / "features", tmp_path / "models" / "full", params, variant="full", progress=False)
    assert metrics["simulated"] is True
    model, evaluation = tmp_path / "models" / "full", tmp_path / "evaluation"
    evaluate_stage(model, tmp_path / "features", evaluation / "full", params.evaluate)
    scores = read_json(evaluation / "full" / "test" / "metrics.json")
    assert scores["games"] == 2
    assert np.isfinite(scores["average_map"])
    decision = register_stage(
        [model],
        evaluation,
        tmp_path / "features",
        tmp_path / "registration",
        params,
        validation=tmp_path / "validation",
    )
    assert decision.version == 1
    assert decision.simulated is True
    assert tracking.aliases("rmsnet").get("champion") == (1 if decision.promoted else None)
    assert decision.promoted == all(check.passed for check in decision.checks)
