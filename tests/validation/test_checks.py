"""Each fault of a dataset is found by the check that is meant for it, and by no other."""

import json
import pickle
from pathlib import Path

import numpy as np
import pytest

from rmsnet.dataset.soccernet import list_dataset
from rmsnet.files import write_json
from rmsnet.params import ExtractParams
from rmsnet.validation.checks import run_checks
from rmsnet.validation.stage import examine
from tests.builders import write_labels
from tests.validation.datasets import (
    ANNOTATIONS,
    FEATURES,
    GAMES,
    PARAMS,
    feature_file,
    make_dataset,
)

GAME, OTHER = GAMES["train"][:2]


@pytest.fixture(scope="module", autouse=True)
def each_table_once():
    """A table that no change has touched is held against its suite once."""
    known = {}

    def run(tables, suites, named_by):
        found = []
        for name, suite in suites.items():
            key = repr((name, tables[name].dtypes.to_dict(), tables[name].to_dict("list"), suite, named_by[name]))
            if key not in known:
                known[key] = run_checks({name: tables[name]}, {name: suite}, named_by)
            found += known[key]
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("rmsnet.validation.checks.run_checks", run)
        yield


def wrong(root: Path, classes: str = "v1", params: ExtractParams = PARAMS) -> dict[str, tuple[str, str, int]]:
    """(severity, status, rows) of every check that did not pass, by what it expects."""
    _, _, checks = examine(list_dataset(root), params, classes)
    return {
        check.expectation: (check.severity, check.status, check.rows_failed)
        for check in checks
        if check.status != "passed"
    }


def spoil(root: Path, change) -> None:
    path = feature_file(root, GAME)
    np.save(path, change(np.load(path)))


def with_nan(root):
    def change(features):
        features[3, 1], features[5, 2] = np.nan, np.inf
        return features

    spoil(root, change)


def with_still_picture(root):
    def change(features):
        features[100:123] = features[99]
        return features

    spoil(root, change)


def with_frozen_half(root):
    def change(features):
        features[100:] = features[99]
        return features

    spoil(root, change)


def with_black_frame(root):
    def change(features):
        features[50] = 0
        return features

    spoil(root, change)


def truncated(root):
    path = feature_file(root, GAME)
    path.write_bytes(path.read_bytes()[:-100])


def cut_header(root):
    path = feature_file(root, GAME)
    path.write_bytes(path.read_bytes()[:40])


class Trap:
    """Unpickling it raises; nothing may."""

    def __reduce__(self):
        return (exec, ("raise SystemExit('unpickled')",))


def pickled(root):
    np.save(feature_file(root, GAME), np.array([Trap()], object), allow_pickle=True)


def plain_pickle(root):
    feature_file(root, GAME).write_bytes(pickle.dumps(Trap()))


def archive(root):
    np.savez(root / "x.npz", np.zeros(3))
    (root / "x.npz").rename(feature_file(root, GAME))


def link_outside(root):
    elsewhere = root.parent / "elsewhere.npy"
    feature_file(root, GAME).rename(elsewhere)
    feature_file(root, GAME).symlink_to(elsewhere)


def links_inside_and_into_a_dvc_cache(root):
    cached = root.parent / "cache/files/md5/ab" / ("c" * 30)
    cached.parent.mkdir(parents=True)
    feature_file(root, GAME).rename(cached)
    feature_file(root, GAME).symlink_to(cached)
    (root / OTHER).rename(root / "moved")
    (root / OTHER).symlink_to(root / "moved")


def game_outside(root):
    (root / GAME).rename(root.parent / "elsewhere")
    (root / GAME).symlink_to(root.parent / "elsewhere")


def same_half_twice(root):
    feature_file(root, GAME, 2).write_bytes(feature_file(root, OTHER, 1).read_bytes())


def games_listed(root, split, games):
    write_json(root / f"SoccerNetGames{split.title()}.json", games)


def labels(root, *annotations):
    write_labels(root / GAME, [*ANNOTATIONS["v1"], *annotations])


def event(time="1 - 00:30", label="y-card"):
    return {"gameTime": time, "label": label, "team": "home"}


READABLE = "both halves have a readable feature file"
LATE = "events are before the end of their half"

FAULTS = {
    "a half without features": (lambda r: feature_file(r, GAME).unlink(), {READABLE: 1}, {}),
    "a truncated file": (truncated, {READABLE: 1}, {}),
    "a file cut within its header": (cut_header, {READABLE: 1}, {}),
    "an empty file": (lambda r: feature_file(r, GAME).write_bytes(b""), {READABLE: 1}, {}),
    "a folder in place of a file": (
        lambda r: (feature_file(r, GAME).unlink(), feature_file(r, GAME).mkdir()),
        {READABLE: 1},
        {},
    ),
    "pickled objects": (pickled, {READABLE: 1}, {}),
    "a pickle": (plain_pickle, {READABLE: 1}, {}),
    "an archive": (archive, {READABLE: 1}, {}),
    "a cube": (lambda r: spoil(r, lambda x: x[None]), {READABLE: 1}, {}),
    "integers": (lambda r: spoil(r, lambda x: x.astype(int)), {READABLE: 1}, {}),
    "no frame": (lambda r: spoil(r, lambda x: x[:0]), {READABLE: 1}, {}),
    "a link out of the dataset": (link_outside, {READABLE: 1}, {}),
    "a game linked from elsewhere": (game_outside, {"every listed game has its folder in the dataset": 1}, {}),
    "links inside and into a DVC cache": (links_inside_and_into_a_dvc_cache, {}, {}),
    "another width": (lambda r: spoil(r, lambda x: x[:, :8]), {"features have the width they should": 1}, {}),
    "doubles": (lambda r: spoil(r, lambda x: x.astype(float)), {}, {"features are float32": 1}),
    "NaN and infinity": (with_nan, {"no NaN, no infinity": 1}, {}),
    "a still picture": (with_still_picture, {}, {"no picture stands still for more than 10 s": 1}),
    "half a half frozen": (
        with_frozen_half,
        {"at most 10% of the frames equal the frame before them": 1},
        {"no picture stands still for more than 10 s": 1},
    ),
    "a black frame": (with_black_frame, {}, {"no frame whose features are all the same number": 1}),
    "the same half under two names": (same_half_twice, {"no two files with the same content": 2}, {}),
    "a short half": (
        lambda r: spoil(r, lambda x: x[:180]),
        {},
        {"halves are about as long as the other halves (0.8 to 1.4 of their median)": 1},
    ),
    "a game in two splits": (
        lambda r: games_listed(r, "test", [*GAMES["test"], GAME]),
        {"a game is in one split, and once": 2},
        {},
    ),
    "a listed game without a folder": (
        lambda r: games_listed(r, "test", [*GAMES["test"], GAME.replace("Guests", "Absent")]),
        {"every listed game has its folder in the dataset": 1},
        {},
    ),
    "a path that leads out": (
        lambda r: games_listed(r, "test", [*GAMES["test"], "../elsewhere"]),
        {"every listed game has its folder in the dataset": 1},
        {"games are named as SoccerNet names them": 1},
    ),
    "a name with a line break": (
        lambda r: games_listed(r, "test", [*GAMES["test"], "a/b/c\nd"]),
        {"every listed game has its folder in the dataset": 1},
        {"games are named as SoccerNet names them": 1},
    ),
    "no labels": (lambda r: (r / GAME / "Labels.json").unlink(), {"every game has one readable label file": 1}, {}),
    "labels that are no JSON": (
        lambda r: (r / GAME / "Labels.json").write_text("{"),
        {"every game has one readable label file": 1},
        {},
    ),
    "two label files": (
        lambda r: (r / GAME / "Labels (1).json").write_text("{}"),
        {"every game has one readable label file": 1},
        {"a game's folder holds known files only": 1},
    ),
    "a file of a third half": (
        lambda r: (r / GAME / f"3_{FEATURES}.npy").write_text(""),
        {},
        {"a game's folder holds known files only": 1},
    ),
    "an unknown label": (lambda r: labels(r, event(label="goal")), {"labels are those of SoccerNet v1": 1}, {}),
    "a third half": (
        lambda r: labels(r, event("3 - 00:10")),
        {"events are in half 1 or 2": 1},
        {"no events of extra time": 1},
    ),
    "a time that is none": (
        lambda r: labels(r, event("soon")),
        {"times can be read: 'half - minutes:seconds'": 1},
        {},
    ),
    "an annotation that is none": (
        lambda r: labels(r, "card", {"label": 3}),
        {"every annotation has a label and a time": 2, "times can be read: 'half - minutes:seconds'": 2},
        {},
    ),
    "an event annotated twice": (
        lambda r: labels(r, event(), event()),
        {},
        {"no event is annotated twice: same second, same label": 1},
    ),
    "a substitution at half-time": (
        lambda r: labels(r, event("2 - 00:00", "substitution-in")),
        {},
        {"no substitution at second 0 of the second half: nothing shows it, training drops it": 1},
    ),
    "one-digit minutes": (lambda r: labels(r, event("2 - 1:00")), {}, {"minutes and seconds have two digits": 1}),
    "an event after the end": (
        lambda r: labels(r, *(event(f"1 - 01:{second}") for second in range(20, 30)), event("1 - 02:01")),
        {},
        {LATE: 1},
    ),
    "labels of a longer game": (
        lambda r: labels(r, *(event(f"1 - 1{minute}:00") for minute in range(3))),
        {"at most 10% of a game's events are after the end of its halves": 1},
        {LATE: 3},
    ),
    "a class that a split lacks": (
        lambda r: write_labels(r / GAMES["test"][0], [event()]),
        {},
        {"every class has events in every split": 2},
    ),
    "an odd name": (
        lambda r: (
            (r / GAME).rename(r / "<b> & |*`"),
            games_listed(r, "train", ["<b> & |*`", *GAMES["train"][1:]]),
        ),
        {},
        {"games are named as SoccerNet names them": 1},
    ),
}


@pytest.mark.parametrize(("change", "critical", "warnings"), FAULTS.values(), ids=FAULTS)
def test_a_fault_is_found_and_nothing_else(dataset, change, critical, warnings):
    change(dataset)
    assert wrong(dataset) == {
        **{name: ("critical", "failed", rows) for name, rows in critical.items()},
        **{name: ("warning", "failed", rows) for name, rows in warnings.items()},
    }


def test_faults_of_v2_labels(tmp_path):
    root = make_dataset(tmp_path / "data", "v2")
    assert wrong(root, "v2") == {}
    foul = {"gameTime": "1 - 00:50", "label": "Foul", "visibility": "visible"}
    spoiled = [
        {**foul, "position": "soon"},
        {**foul, "position": "-5"},
        {**foul, "gameTime": "1 - 00:55", "position": "52000"},
        {**foul, "gameTime": "1 - 00:56", "position": "56000", "visibility": "maybe"},
        {**foul, "gameTime": "1 - 00:57"},
    ]
    write_labels(root / GAME, [*ANNOTATIONS["v2"], *spoiled], "v2")
    assert wrong(root, "v2") == {
        "positions are milliseconds in the half": ("critical", "failed", 2),
        "position and gameTime agree": ("warning", "failed", 1),
        "events are visible or not shown": ("warning", "failed", 1),
        "no event is annotated twice: same second, same label": ("warning", "failed", 1),
    }


def test_features_of_another_kind_drift_from_the_training_halves(dataset):
    for half in (1, 2):
        path = feature_file(dataset, GAMES["test"][0], half)
        np.save(path, 3 + np.load(path))
    (found,) = wrong(dataset).items()
    assert found[0].startswith("features look like those of the training halves: distance at most ")
    assert found[1] == ("warning", "failed", 2)


def test_a_dataset_without_anything_but_lists_fails_without_an_error(tmp_path):
    root = tmp_path / "data"
    root.mkdir()
    for split in ("train", "valid", "test"):
        games_listed(root, split, [f"a/b/{split}"])
    found = wrong(root)
    assert {status for _, status, _ in found.values()} == {"failed"}
    assert "there are halves" in found
    assert "there are events" in found


def test_a_second_feature_file_of_another_length_is_told(dataset):
    np.save(dataset / GAME / "1_ResNET_TF2.npy", np.zeros((200, 4), np.float32))
    assert wrong(dataset) == {"all feature files of a half are equally long, to 2 s": ("warning", "failed", 1)}


def test_no_number_of_a_table_is_lost_on_the_way_to_json(dataset):
    _, _, checks = examine(list_dataset(dataset), PARAMS, "v1")
    assert json.dumps([check.rows for check in checks], allow_nan=False)
