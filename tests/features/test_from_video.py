"""The extract stage from videos: banks, resuming, shards, and what it refuses."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from rmsnet.errors import UserError
from rmsnet.features import from_video as video_extraction
from rmsnet.features.bank import read_bank
from rmsnet.features.shards import Shard, join
from rmsnet.features.stage import extract
from rmsnet.files import write_json
from rmsnet.network.model_config import CONFIG
from rmsnet.params import ExtractParams
from rmsnet.video.decoding import sampled_pictures
from rmsnet.video.frames import FrameZip, decode_jpeg, frames_path
from rmsnet.video.recipe import copy_recipe_files, recipe_of
from tests.video.datasets import random_weights, small_params, video_dataset
from tests.video.videos import number_of, write_video


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return video_dataset(tmp_path_factory.mktemp("videos") / "data")


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    return random_weights(tmp_path_factory.mktemp("weights") / "resnet18.pth")


@pytest.fixture(scope="module")
def whole(data, weights, tmp_path_factory) -> Path:
    """The banks of one undisturbed extraction."""
    out = tmp_path_factory.mktemp("whole") / "features"
    extract(data, out, small_params(weights))
    return out


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_bank_from_videos_says_how_it_was_made(whole):
    bank = read_bank(whole, "train")
    recipe = recipe_of(bank.info["features"], "bank")
    assert bank.width == recipe.pca_components == 6
    assert (recipe.backbone, recipe.weights, recipe.height, recipe.resize) == ("resnet18", "resnet18.pth", 32, 32)
    assert [(half.half, half.frames) for half in bank.halves] == [(1, 24), (2, 24)] * 2
    assert sorted(os.listdir(whole.parent)) == ["features"]
    assert set(content(whole)) >= {"train.npy", "train.json", "pca.safetensors", "backbone.safetensors"}


@pytest.mark.parametrize(("has_it", "precision"), [(True, "bfloat16"), (False, "float32")])
def test_a_recipe_says_in_which_precision_the_device_computes(
    weights, tmp_path, monkeypatch, capsys, has_it, precision
):
    monkeypatch.setattr(video_extraction, "multiplies_bfloat16", lambda device: has_it)
    params = small_params(weights, precision="bfloat16")
    recipe = video_extraction.new_extractor(params, torch.device("cpu"), tmp_path).recipe
    assert recipe.precision == precision
    assert ("no instructions for bfloat16" in capsys.readouterr().err) is not has_it


def test_its_pca_is_that_of_the_training_split(data, weights, whole, tmp_path):
    """The variances that are left are the largest there are, and training features have mean zero."""
    extract(data, tmp_path / "raw", small_params(weights, pca=0))
    raw = read_bank(tmp_path / "raw", "train").features
    assert raw.shape[1] == 512
    largest = np.linalg.svd(raw - raw.mean(axis=0), compute_uv=False)[:6] ** 2 / len(raw)
    projected = read_bank(whole, "train").features
    np.testing.assert_allclose(projected.var(axis=0), largest, rtol=1e-3)
    np.testing.assert_allclose(projected.mean(axis=0), 0, atol=1e-3)
    assert abs(read_bank(whole, "valid").features.mean(axis=0)).max() > 1e-2


class Stopped(Exception):
    pass


def test_an_interrupted_extraction_continues_with_the_next_half(data, weights, whole, tmp_path, monkeypatch):
    computed = []
    write_half = video_extraction.write_half

    def stop_after_three(path, video, extractor, progress):
        if len(computed) == 3:
            raise Stopped
        computed.append(video)
        write_half(path, video, extractor, progress)

    monkeypatch.setattr(video_extraction, "write_half", stop_after_three)
    with pytest.raises(Stopped):
        extract(data, tmp_path / "features", small_params(weights))
    assert os.listdir(tmp_path) == [".features.halves"]
    first = list(computed)
    computed.clear()
    monkeypatch.setattr(
        video_extraction, "write_half", lambda *arguments: (computed.append(arguments[1]), write_half(*arguments))
    )
    extract(data, tmp_path / "features", small_params(weights))
    assert len(computed) == 5
    assert not set(first) & set(computed)
    assert content(tmp_path / "features") == content(whole)
    assert os.listdir(tmp_path) == ["features"]


def test_a_video_that_fails_on_the_way_does_not_stop_the_others(data, weights, whole, tmp_path, monkeypatch):
    computed = []
    write_half = video_extraction.write_half

    def fail_at_the_second(path, video, extractor, progress):
        if len(computed) == 1 and not computed.append(video):
            raise UserError(f"{video}: broken in the middle")
        computed.append(video)
        write_half(path, video, extractor, progress)

    monkeypatch.setattr(video_extraction, "write_half", fail_at_the_second)
    with pytest.raises(UserError, match=r"1 of 8 videos cannot be used .*broken in the middle"):
        extract(data, tmp_path / "features", small_params(weights))
    assert len(set(computed)) == 8
    again = []
    monkeypatch.setattr(
        video_extraction, "write_half", lambda *arguments: (again.append(arguments[1]), write_half(*arguments))
    )
    extract(data, tmp_path / "features", small_params(weights))
    assert again == [computed[1]]
    assert content(tmp_path / "features") == content(whole)


def test_of_a_match_in_one_video_each_period_is_read_from_its_kick_off_to_the_next(data, tmp_path):
    """Halves of 12 and 14 s in files that begin 3 s before the first, with 4 s between them."""
    filmed = Path(shutil.copytree(data, tmp_path / "data"))
    described = {"name": "Filmed", "simulated": False, "files": "match"}
    write_json(filmed / "dataset.json", described)
    for first in filmed.rglob("1_224p.mkv"):
        first.with_name("2_224p.mkv").unlink()
        first.unlink()
        write_video(first.with_name("camera.mp4"), range(0, 33_000, 100), rate=10)
        write_json(first.with_name("kick_offs.json"), [3, 19])
    params = ExtractParams(source="frames", picture="whole", height=64)
    extract(filmed, tmp_path / "frames", params)
    bank = read_bank(tmp_path / "frames", "test")
    shown = []
    for half in bank.halves:
        frames = FrameZip(tmp_path / "frames" / frames_path(half.game, half.half))
        pictures = [decode_jpeg(jpeg, frames.path) for jpeg in frames.jpegs(0, len(frames))]
        shown.append([number_of(picture) for picture in pictures])
    assert shown[0] == [30 + 5 * sample for sample in range(1, 33)]
    assert shown[1] == [190 + 5 * sample for sample in range(1, 28)] + [329]


def test_a_period_that_begins_behind_the_end_of_its_video_is_refused_before_any_is_read(data, weights, tmp_path):
    late = Path(shutil.copytree(data, tmp_path / "data"))
    video = next(late.rglob("1_224p.mkv"))
    write_json(video.with_name("kick_offs.json"), [3, 40])
    with pytest.raises(UserError, match=r"2_224p\.mkv: is 12 s long, a period begins at 40 s by its kick-offs"):
        extract(late, tmp_path / "features", small_params(weights))
    assert not (tmp_path / "features").exists()


def test_halves_of_another_recipe_or_a_changed_video_are_made_again(data, weights, tmp_path, monkeypatch):
    changing = Path(shutil.copytree(data, tmp_path / "data"))
    computed = []
    write_half = video_extraction.write_half

    def stop_at_the_end(path, video, extractor, progress):
        write_half(path, video, extractor, progress)
        computed.append(video.parent.name)

    monkeypatch.setattr(video_extraction, "write_half", stop_at_the_end)
    monkeypatch.setattr("rmsnet.features.stage.write_banks", lambda *arguments: (_ for _ in ()).throw(Stopped))

    def halves_computed(**changes) -> int:
        computed.clear()
        with pytest.raises(Stopped):
            extract(changing, tmp_path / "features", small_params(weights, **changes))
        return len(computed)

    assert [halves_computed(), halves_computed()] == [8, 0]
    os.utime(changing / "league" / "season" / "game 2" / "1_224p.mkv")
    assert halves_computed() == 1
    assert halves_computed(height=40) == 8


@pytest.mark.parametrize("of", [2, 3])
def test_shards_joined_are_the_whole(data, weights, whole, tmp_path, of):
    """Of three shards the third has no game: no split has more than two."""
    for number in (1, 2):
        extract(data, tmp_path / f"part{number}", small_params(weights), shard=Shard(number, of))
    if of == 3:
        with pytest.raises(UserError, match="no games are left for it"):
            extract(data, tmp_path / "part3", small_params(weights), shard=Shard(3, of))
    join([tmp_path / "part2", tmp_path / "part1"], tmp_path / "joined")
    assert content(tmp_path / "joined") == content(whole)


def test_parts_that_do_not_belong_together_are_refused(data, weights, whole, tmp_path):
    for number in (1, 2):
        extract(data, tmp_path / f"part{number}", small_params(weights), shard=Shard(number, 2))
    extract(data, tmp_path / "other", small_params(weights, height=40), shard=Shard(2, 2))
    one, two = tmp_path / "part1", tmp_path / "part2"
    for parts, says in (
        ([one], "parts 1 of 2: give each part once"),
        ([one, two, two], "parts 1, 2, 2 of 2"),
        ([one, tmp_path / "other"], "other: made from other data or parameters"),
        ([whole], "nothing to join"),
        ([tmp_path / "nowhere"], "no frame banks there"),
    ):
        with pytest.raises(UserError, match=says):
            join(parts, tmp_path / "joined")
    assert not (tmp_path / "joined").exists()


@pytest.mark.parametrize("text", ["", "3", "0/2", "3/2", "a/b", "1/2/3"])
def test_a_shard_is_one_of_so_many(text):
    with pytest.raises(UserError, match="--shard"):
        Shard.parse(text)


def test_with_a_model_its_recipe_is_followed(data, whole, tmp_path):
    """The parameters' own backbone, ResNet-152, is not even looked for."""
    write_json(tmp_path / "model" / CONFIG, {"features": read_bank(whole, "train").info["features"]})
    copy_recipe_files(whole, tmp_path / "model")
    extract(data, tmp_path / "features", model=tmp_path / "model")
    for split in ("train", "valid", "test"):
        ours, theirs = read_bank(tmp_path / "features", split), read_bank(whole, split)
        assert ours.info["features"] == theirs.info["features"]
        np.testing.assert_allclose(ours.features, theirs.features, rtol=0, atol=1e-4)


def test_pictures_are_sampled_at_the_times_of_the_bank(data, whole):
    """Row k shows (k + 1) / 2 s: the numbers of a half's pictures, ten a second, say so."""
    bank = read_bank(whole, "train")
    video = data / bank.halves[0].game / "1_224p.mkv"
    shown = [number_of(picture) for picture in sampled_pictures(video, bank.frame_rate, bank.first_frame_seconds)]
    times = bank.seconds_of(np.arange(bank.halves[0].frames, dtype=float))
    assert shown == [100 + min(int(10 * time), 119) for time in times]


def no_video(data: Path) -> None:
    (data / "league" / "season" / "game 1" / "2_224p.mkv").unlink()


def no_picture(data: Path) -> None:
    path = data / "league" / "season" / "game 3" / "1_224p.mkv"
    path.write_bytes(path.read_bytes()[:300])


@pytest.mark.parametrize(
    ("damage", "changes", "says"),
    [
        (no_video, {}, r"2_224p.mkv: the half has no video; get it"),
        (no_picture, {}, r"game 3/1_224p.mkv: no "),
        (None, {"weights": "nowhere.pth"}, r"nowhere.pth: no such weights file"),
        (None, {"backbone": "resnet50"}, r"not weights of resnet50"),
        (None, {"pca": 200}, r"extract.pca: 200 components cannot come from 96 training frames"),
    ],
)
def test_what_cannot_be_extracted_is_refused_and_leaves_no_bank(data, weights, tmp_path, damage, changes, says):
    shutil.copytree(data, tmp_path / "data")
    if damage is not None:
        damage(tmp_path / "data")
    with pytest.raises(UserError, match=says) as refused:
        extract(tmp_path / "data", tmp_path / "features", replace(small_params(weights), **changes))
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "features").exists()
