import os
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from rmsnet.dataset.class_lists import class_list
from rmsnet.dataset.game_events import game_events
from rmsnet.dataset.soccernet import open_dataset, split_file
from rmsnet.documents import read_json
from rmsnet.errors import UserError
from rmsnet.features.bank import read_bank
from rmsnet.features.stage import extract
from rmsnet.files import write_json
from rmsnet.simulation import simulate

FEATURES = "ResNET_TF2_PCA512"


@pytest.fixture(scope="module")
def simulated(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("extraction") / "data"
    simulate(out, games=3, minutes=5)
    return out


@pytest.fixture
def data(simulated, tmp_path) -> Path:
    """A dataset that a test may damage."""
    return Path(shutil.copytree(simulated, tmp_path / "data"))


def first_game(data: Path) -> Path:
    return data / open_dataset(data).splits["train"][0]


def test_banks_hold_the_features_and_events_of_the_dataset(simulated, tmp_path):
    done = extract(simulated, tmp_path / "features")
    dataset = open_dataset(simulated)
    for split, games in dataset.splits.items():
        bank = read_bank(tmp_path / "features", split)
        assert [(half.game, half.half) for half in bank.halves] == [(game, half) for game in games for half in (1, 2)]
        for number, half in enumerate(bank.halves):
            features = np.load(dataset.features_path(half.game, half.half, FEATURES))
            assert np.array_equal(bank.features[half.first_frame : half.first_frame + half.frames], features)
            expected = [
                event for event in game_events(dataset.labels(), half.game, class_list("v1")) if event.half == half.half
            ]
            mine = bank.truth.half == number
            assert bank.truth.position_ms[mine].tolist() == [event.position_ms for event in expected]
            labels = [bank.classes[label] for label in bank.truth.label[mine]]
            assert labels == [event.label for event in expected]
        assert bank.simulated is True
        assert (done.frames[split], done.events[split]) == (len(bank.features), len(bank.truth.half))
    assert os.listdir(tmp_path) == ["features"]


def test_the_data_hash_is_that_of_features_and_events(data, tmp_path):
    def hashes() -> dict[str, str]:
        extract(data, tmp_path / "features")
        return {split: read_bank(tmp_path / "features", split).info["data_hash"] for split in ("train", "valid")}

    before = hashes()
    assert hashes() == before
    path = first_game(data) / f"1_{FEATURES}.npy"
    features = np.load(path)
    features[7, 7] += 1
    np.save(path, features)
    changed = hashes()
    assert changed["train"] != before["train"]
    assert changed["valid"] == before["valid"]
    labels = first_game(data) / "Labels.json"
    document = read_json(labels)
    document["annotations"][0]["gameTime"] = "1 - 00:07"
    write_json(labels, document)
    assert hashes()["train"] != changed["train"]


@pytest.mark.parametrize("width", [2048, 8])
def test_features_of_any_width_are_taken(data, tmp_path, width):
    for number, path in enumerate(data.rglob(f"*_{FEATURES}.npy")):
        np.save(path, np.full((100, width), number, np.float64))
    extract(data, tmp_path / "features")
    assert read_bank(tmp_path / "features", "train").width == width


def test_an_event_past_the_end_is_kept_and_named(data, tmp_path):
    labels = first_game(data) / "Labels.json"
    document = read_json(labels)
    document["annotations"] = [{"gameTime": "2 - 53:07", "label": "soccer-ball", "team": "home"}]
    write_json(labels, document)
    done = extract(data, tmp_path / "features")
    assert [warning for warning in done.warnings if "soccer at 3187.0 s is past the end" in warning]
    assert read_bank(tmp_path / "features", "train").truth.position_ms.tolist() == [3_187_000]


def remove_features(data: Path) -> None:
    (first_game(data) / f"2_{FEATURES}.npy").unlink()


def truncate_features(data: Path) -> None:
    path = first_game(data) / f"1_{FEATURES}.npy"
    path.write_bytes(path.read_bytes()[:5000])


def pickle_features(data: Path) -> None:
    np.save(first_game(data) / f"1_{FEATURES}.npy", np.array([{"a": 1}], object), allow_pickle=True)


def flatten_features(data: Path) -> None:
    np.save(first_game(data) / f"1_{FEATURES}.npy", np.zeros(512, np.float32))


def narrow_features(data: Path) -> None:
    np.save(first_game(data) / f"2_{FEATURES}.npy", np.zeros((600, 100), np.float32))


def spoil_labels(data: Path) -> None:
    (first_game(data) / "Labels.json").write_text("no JSON {")


def remove_labels(data: Path) -> None:
    (first_game(data) / "Labels.json").unlink()


def unknown_label(data: Path) -> None:
    annotation = {"gameTime": "1 - 00:10", "label": "streaker", "team": "home"}
    write_json(first_game(data) / "Labels.json", {"annotations": [annotation]})


def absent_game(data: Path) -> None:
    write_json(data / split_file("valid"), {"league": {"season": ["a game that is not there"]}})


def empty_lists(data: Path) -> None:
    for split in ("train", "valid", "test", "gate"):
        (data / split_file(split)).write_text("{}")


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (remove_features, r"2_ResNET_TF2_PCA512.npy: the half has no features; download them"),
        (truncate_features, r"1_ResNET_TF2_PCA512.npy: truncated: shorter"),
        (pickle_features, r"1_ResNET_TF2_PCA512.npy: holds pickled objects"),
        (flatten_features, r"no matrix of frames × features"),
        (narrow_features, r"2_ResNET_TF2_PCA512.npy: 100 features a frame, the files before it 512"),
        (spoil_labels, r"Labels.json: not JSON"),
        (remove_labels, r"has no Labels.json"),
        (unknown_label, r"Labels.json: annotation 0: unknown v1 label 'streaker'"),
        (absent_game, r"SoccerNetGamesValid.json: game .* has no folder; add it or take it off the list"),
        (empty_lists, r"the dataset is empty"),
    ],
)
def test_bad_data_are_refused_in_one_line_and_the_banks_of_before_stay(data, tmp_path, damage, says):
    extract(data, tmp_path / "features")
    before = {path.name: path.read_bytes() for path in (tmp_path / "features").iterdir()}
    damage(data)
    with pytest.raises(UserError, match=says) as refused:
        extract(data, tmp_path / "features")
    assert "\n" not in str(refused.value)
    assert {path.name: path.read_bytes() for path in (tmp_path / "features").iterdir()} == before
    assert sorted(os.listdir(tmp_path)) == ["data", "features"]


def test_the_dataset_itself_is_never_replaced_by_its_banks(data):
    before = sorted(data.rglob("*"))
    with pytest.raises(UserError, match="no earlier result"):
        extract(data, data)
    assert sorted(data.rglob("*")) == before


def test_real_annotations_with_late_events_are_extracted(shared, tmp_path):
    """One real event is annotated at "2 - 53:07"; a half of 45 minutes has no frame for it."""
    simulate(tmp_path / "data", labels=shared / "soccernet" / "labels_v1.zip", games=3)
    half = next((tmp_path / "data").rglob(f"2_{FEATURES}.npy"))
    np.save(half, np.load(half)[:100])
    done = extract(tmp_path / "data", tmp_path / "features")
    assert done.warnings
    assert all(re.search(r"is past the end of the features \(50.0 s\)", warning) for warning in done.warnings)
