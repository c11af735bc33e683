"""Fine-tuning of a backbone in the one trainer: what learns, what is left alone, and that nothing is lost."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from rmsnet.documents import read_json
from rmsnet.errors import UserError
from rmsnet.evaluation import average_map
from rmsnet.features.bank import read_bank
from rmsnet.features.from_frames import features_of_frames
from rmsnet.features.stage import extract
from rmsnet.network.model_config import CONFIG
from rmsnet.network.model_files import load_model
from rmsnet.params import ExtractParams, TrainParams
from rmsnet.spotting.inference import spot_bank
from rmsnet.training.finetuning import clip_inputs
from rmsnet.training.history import Epoch
from rmsnet.training.loop import train
from rmsnet.video.backbones import open_backbone
from rmsnet.video.extractor import open_extractor, video_features
from rmsnet.video.recipe import BACKBONE_FILE, recipe_of
from tests.training.torchrun import torchrun
from tests.video.datasets import random_weights, video_dataset

TINY = TrainParams(
    clip_frames=5,
    foreground_clips=12,
    background_clips=4,
    epochs=2,
    batch_size=7,
    learning_rate=0.01,
    dropout=0.0,
    patience=0,
    precision="float32",
    backbone="resnet18",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Videos, their frames, and weights."""
    made = tmp_path_factory.mktemp("finetuning")
    video_dataset(made / "data", {"train": 2, "valid": 1, "test": 1})
    extract(made / "data", made / "frames", ExtractParams(source="frames", picture="whole", height=32))
    random_weights(made / "resnet18.pth")
    return made


def run(folder: Path, out: Path, params: TrainParams = TINY, **options):
    banks = [read_bank(folder / "frames", split) for split in ("train", "valid")]
    params = replace(params, weights=str(folder / "resnet18.pth"))
    return train(*banks, params, out, device="cpu", inputs=clip_inputs(*banks, folder / "frames", params), **options)


@pytest.fixture(scope="module")
def trained(folder) -> Path:
    run(folder, folder / "trained")
    return folder / "trained"


def same(one: Path, two: Path, **tolerance) -> None:
    for file in ("model.safetensors", BACKBONE_FILE):
        first, second = load_file(one / file), load_file(two / file)
        assert first.keys() == second.keys()
        for name, tensor in first.items():
            torch.testing.assert_close(tensor, second[name], **(tolerance or {"rtol": 0, "atol": 0}), msg=name)


def test_the_last_block_learns_and_nothing_before_it_changes(folder, trained):
    """Running statistics included, those of the last block too."""
    before = open_backbone("resnet18", str(folder / "resnet18.pth"))[0].state_dict()
    after = load_file(trained / BACKBONE_FILE)
    changed = {name for name in after if not torch.equal(after[name], before[name])}
    block = {name for name, _ in open_backbone("resnet18", str(folder / "resnet18.pth"))[0].named_parameters()}
    assert changed == {name for name in block if name.startswith("layer4.1.")}


def test_an_interrupted_fine_tuning_continues_to_the_same_weights(folder, tmp_path, monkeypatch):
    """To those of the last epoch, whichever is the best."""
    monkeypatch.setattr("rmsnet.training.loop.best_epoch", lambda history: history[-1])
    run(folder, tmp_path / "unbroken")

    class Interrupted(Exception):
        pass

    def interrupt(epoch: Epoch) -> None:
        raise Interrupted

    with pytest.raises(Interrupted):
        run(folder, tmp_path / "model", on_epoch=interrupt)
    told: list[Epoch] = []
    run(folder, tmp_path / "model", on_epoch=told.append)
    assert [epoch.epoch for epoch in told] == [1, 2]
    same(tmp_path / "model", tmp_path / "unbroken")


def test_a_batch_computed_in_parts_gives_the_same_weights(folder, trained, tmp_path):
    run(folder, tmp_path / "model", replace(TINY, accumulate=3))
    same(tmp_path / "model", trained, rtol=1e-4, atol=1e-5)


def test_two_processes_give_the_weights_of_one(folder, trained, tmp_path, python_folder):
    """Batches of 7, 7 and 2 clips: the second process has fewer."""
    body = [
        "from pathlib import Path",
        "from rmsnet.training.finetuning import FineTuning",
        "from tests.training.test_finetuning import run",
        "computed, clips = [], FineTuning.clips",
        "def counted(self, rows):",
        "    computed.append(rows.shape[1])",
        "    return clips(self, rows)",
        "FineTuning.clips = counted",
        f"run(Path({str(folder)!r}), Path({str(tmp_path / 'model')!r}))",
        "print(sum(computed))",
    ]
    done = torchrun("\n".join(body), tmp_path / "run", python_folder)
    assert done.returncode == 0, done.errors
    assert [int(text) for text in done.printed] == [2 * (4 + 4 + 1), 2 * (3 + 3 + 1)]
    same(tmp_path / "model", trained, rtol=1e-4, atol=1e-5)
    one, two = (read_json(path / "metrics.json") for path in (trained, tmp_path / "model"))
    assert one["valid_average_map"] == pytest.approx(two["valid_average_map"])


def test_bfloat16_and_an_average_of_the_weights_train_too(folder, tmp_path):
    run(folder, tmp_path / "model", replace(TINY, precision="bfloat16", average_decay=0.9))
    assert all(tensor.isfinite().all() for tensor in load_file(tmp_path / "model" / BACKBONE_FILE).values())


def test_a_fine_tuned_model_goes_from_a_video_to_events(folder, trained, tmp_path):
    """Its recipe leads to its own backbone beside it: extract with it, then spot as with any model."""
    recipe = recipe_of(read_json(trained / CONFIG)["features"], "model")
    assert (recipe.weights, recipe.height, recipe.width, recipe.resize) == ("fine-tuned.safetensors", 32, 57, None)
    video = folder / "data" / "league" / "season" / "game 2" / "1_224p.mkv"
    features = video_features(video, open_extractor(recipe, trained, "cpu")).features
    extract(folder / "data", tmp_path / "features", model=trained)
    bank = read_bank(tmp_path / "features", "valid")
    np.testing.assert_allclose(bank.features[: len(features)], features, rtol=0, atol=1e-3)
    spot_bank(load_model(trained), bank)
    with pytest.raises(UserError, match="the model was trained on"):
        spot_bank(load_model(trained), read_bank(folder / "frames", "valid"))


def test_frames_become_the_features_that_the_model_reads(folder, trained):
    """The trainer judged the model on the same frames: the score is the same."""
    bank = features_of_frames(trained, read_bank(folder / "frames", "valid"), folder / "frames", "cpu")
    found = spot_bank(load_model(trained), bank)
    score = average_map(bank.truth, found, halves=len(bank.halves), classes=3, frame_rate=2.0).average_map
    assert score == pytest.approx(read_json(trained / "metrics.json")["valid_average_map"])


@pytest.mark.parametrize(
    ("backbone", "says"),
    [("mobilenet_v3_small", "not weights of mobilenet_v3_small"), ("resnet50", "not weights of resnet50")],
)
def test_what_cannot_be_fine_tuned_is_refused(folder, tmp_path, backbone, says):
    with pytest.raises(UserError, match=says):
        run(folder, tmp_path / "model", replace(TINY, backbone=backbone))
    assert not list(tmp_path.iterdir())


def test_only_resnets_are_fine_tuned(folder):
    banks = [read_bank(folder / "frames", split) for split in ("train", "valid")]
    params = replace(TINY, backbone="shufflenet_v2_x0_5", weights=str(folder / "shufflenet.pth"))
    random_weights(folder / "shufflenet.pth", "shufflenet_v2_x0_5")
    with pytest.raises(UserError, match="shufflenet_v2_x0_5 is no ResNet; fine-tune resnet18"):
        clip_inputs(*banks, folder / "frames", params)


def test_features_are_no_frames_and_frames_no_features(folder):
    bank = read_bank(folder / "frames", "train")
    features = replace(bank, info={**bank.info, "features": {"name": "ResNET_TF2_PCA512"}})
    with pytest.raises(UserError, match="holds the features 'ResNET_TF2_PCA512', not frames"):
        clip_inputs(features, features, folder, TINY)
    with pytest.raises(UserError, match="say which backbone learns from them"):
        clip_inputs(bank, bank, folder, replace(TINY, backbone=""))
    assert clip_inputs(features, features, folder, replace(TINY, backbone="")) is None
