import json
import zipfile
from collections import Counter
from pathlib import Path

import pytest

from rmsnet.dataset.class_lists import class_list
from rmsnet.dataset.game_events import game_events
from rmsnet.dataset.game_files import GameFiles
from rmsnet.dataset.labels import V1_CLASSES, V2_CLASSES, Event, parse_game_time, read_events, truth_of
from rmsnet.dataset.soccernet import SPLITS, open_dataset, read_split
from rmsnet.errors import UserError
from tests.builders import write_lists


def labels(*annotations: dict) -> bytes:
    return json.dumps({"UrlLocal": "x", "annotations": list(annotations)}).encode()


def real_games(shared: Path, version: str) -> dict[str, list[list[Event]]]:
    files = GameFiles(shared / "soccernet" / f"labels_{version}.zip")
    return {
        split: [game_events(files, game, class_list(version)) for game in read_split(shared / "soccernet", split)]
        for split in SPLITS
    }


@pytest.mark.parametrize(
    ("text", "half", "seconds"),
    [("1 - 06:28", 1, 388), ("2 - 5:00", 2, 300), ("2 - 53:07", 2, 3187), ("1 - 100:00", 1, 6000), (" 1-0:0 ", 1, 0)],
)
def test_game_times_of_every_real_form_are_read(text, half, seconds):
    assert parse_game_time(text) == (half, seconds)


@pytest.mark.parametrize("text", ["3 - 06:28", "0 - 06:28", "1 - 06.28", "06:28", "", None, "1 - aa:bb"])
def test_anything_else_is_no_game_time(text):
    with pytest.raises(ValueError, match="gameTime"):
        parse_game_time(text)


def test_v1_labels_become_the_three_classes_and_non_events_are_left_out():
    names = ["y-card", "r-card", "yr-card", "substitution-in", "soccer-ball", "soccer-ball-own", "no-events"]
    content = labels(*({"gameTime": "1 - 00:01", "label": name, "team": "home"} for name in names))
    found = [event.label for event in read_events(content, "v1", "file")]
    assert found == ["card", "card", "card", "subs", "soccer", "soccer"]


def test_v2_takes_the_position_in_milliseconds_and_falls_back_to_the_game_time():
    one = {"gameTime": "1 - 00:41", "label": "Foul", "position": "41892", "visibility": "not shown", "team": "away"}
    two = {"gameTime": "2 - 00:41", "label": "Foul"}
    assert read_events(labels(one, two), "v2", "file") == [
        Event(1, 41892, "Foul", "away", visible=False),
        Event(2, 41000, "Foul", "", visible=True),
    ]


@pytest.mark.parametrize(
    ("content", "version", "message"),
    [
        (b"{", "v1", "file: not JSON"),
        (b"\xff\xfe", "v1", "file: not JSON"),
        (b"[]", "v1", "no list 'annotations'"),
        (labels({"gameTime": "1 - 00:01", "label": "goal"}), "v1", "annotation 0: unknown v1 label 'goal'"),
        (labels({"gameTime": "1 - 00:01", "label": "goal"}), "v2", "annotation 0: unknown v2 label 'goal'"),
        (labels({"gameTime": "1 - 00:01"}), "v2", "annotation 0: no 'label'"),
        (labels({"label": "Goal"}), "v2", "annotation 0: no 'gameTime'"),
        (labels({"gameTime": "5 - 00:01", "label": "Goal"}), "v2", "annotation 0: gameTime '5 - 00:01' names half 5"),
        (labels({"gameTime": "1 - 00:01", "label": "Goal", "position": "-1"}), "v2", "before the start"),
        (labels({"gameTime": "1 - 00:01", "label": "Goal", "position": "soon"}), "v2", "annotation 0"),
        (labels("Goal"), "v2", "annotation 0"),  # type: ignore[arg-type]  # a bad file on purpose
    ],
)
def test_a_bad_label_file_is_named_with_its_fault(content, version, message):
    with pytest.raises(UserError, match=message):
        read_events(content, version, "file")


def test_the_500_real_games_hold_the_known_numbers_of_events(shared):
    """6,637 v1 and 110,458 v2 events in the published splits (Giancola et al. 2018, Deliege et al. 2021)."""
    v1, v2 = real_games(shared, "v1"), real_games(shared, "v2")
    assert [sum(map(len, v1[split])) for split in SPLITS] == [3965, 1314, 1358]
    assert [sum(map(len, v2[split])) for split in SPLITS] == [66460, 21447, 22551]
    assert [len(v1[split]) for split in SPLITS] == [300, 100, 100]


def test_the_real_irregularities_are_read_on_purpose(shared):
    v1, v2 = real_games(shared, "v1"), real_games(shared, "v2")
    of_class = Counter(event.label for split in SPLITS for game in v1[split] for event in game)
    assert of_class == {"soccer": 1603 + 40, "card": 2045 + 54 + 46, "subs": 2849}
    halftime = [
        event
        for game in v1["train"]
        for event in game
        if (event.half, event.position_ms, event.label) == (2, 0, "subs")
    ]
    assert len(halftime) == 114
    latest = max(event.position_ms for split in SPLITS for game in v1[split] for event in game)
    assert latest == 1000 * (53 * 60 + 7)
    for games, repeats in ((v1, 65), (v2, 154)):
        same = 0
        for split in SPLITS:
            for game in games[split]:
                times = Counter((event.half, event.position_ms // 1000, event.label) for event in game)
                same += sum(count - 1 for count in times.values())
        assert same == repeats, "an event that is annotated twice stays twice"
    goals = {
        name: sum(event.label == label for game in games["test"] for event in game)
        for name, games, label in (("v1", v1, "soccer"), ("v2", v2, "Goal"))
    }
    assert goals == {"v1": 326, "v2": 337}
    disagreeing = "italy_serie-a/2015-2016/2015-08-29 - 21-45 AC Milan 2 - 1 Empoli"
    milan = game_events(GameFiles(shared / "soccernet" / "labels_v2.zip"), disagreeing, class_list("v2"))
    assert Event(1, 373576, "Ball out of play", "not applicable") in milan, "position wins over gameTime 06:45"


def test_a_real_file_with_one_digit_minutes_is_read(shared):
    game = "europe_uefa-champions-league/2014-2015/2015-05-05 - 21-45 Juventus 2 - 1 Real Madrid"
    files = GameFiles(shared / "soccernet" / "labels_v1.zip")
    assert b'"2 - 5:00"' in (files.read(game, "Labels.json") or b"")
    assert game_events(files, game, class_list("v1"))


def test_the_official_splits_are_those_of_the_soccernet_package(shared, tmp_path):
    for split in SPLITS:
        assert read_split(tmp_path, split) == read_split(shared / "soccernet", split)


def test_a_flat_list_of_games_is_a_split_too(tmp_path):
    (tmp_path / "SoccerNetGamesTest.json").write_text('["a/b/c"]')
    assert read_split(tmp_path, "test") == ["a/b/c"]
    (tmp_path / "SoccerNetGamesTest.json").write_text('{"a": ["b"]}')
    with pytest.raises(UserError, match="not a split list"):
        read_split(tmp_path, "test")


def make_dataset(root: Path, **splits: list[str]) -> Path:
    for game in (game for games in splits.values() for game in games):
        (root / game).mkdir(parents=True, exist_ok=True)
    return write_lists(root, **splits)


def test_a_dataset_is_real_unless_it_says_otherwise(tmp_path):
    root = make_dataset(tmp_path / "data", train=["l/s/a"], test=["l/s/b"])
    dataset = open_dataset(root)
    assert (dataset.name, dataset.simulated) == ("SoccerNet", False)
    assert dataset.splits == {"train": ("l/s/a",), "valid": (), "test": ("l/s/b",)}
    (root / "dataset.json").write_text('{"name": "made up", "simulated": true}')
    assert open_dataset(root).simulated


def test_datasets_that_contradict_themselves_are_refused(tmp_path):
    with pytest.raises(UserError, match="no such dataset"):
        open_dataset(tmp_path / "nowhere")
    with pytest.raises(UserError, match="empty"):
        open_dataset(make_dataset(tmp_path / "empty"))
    with pytest.raises(UserError, match="in train and in test"):
        open_dataset(make_dataset(tmp_path / "twice", train=["l/s/a"], test=["l/s/a"]))
    absent = make_dataset(tmp_path / "absent", train=["l/s/a"])
    (absent / "l/s/a").rmdir()
    with pytest.raises(UserError, match="'l/s/a' has no folder"):
        open_dataset(absent)
    outside = make_dataset(tmp_path / "outside")
    (outside / "SoccerNetGamesTest.json").write_text('["../elsewhere"]')
    with pytest.raises(UserError, match="leads out of the dataset"):
        open_dataset(outside)
    unclear = make_dataset(tmp_path / "unclear", train=["l/s/a"])
    (unclear / "dataset.json").write_text('{"name": "x"}')
    with pytest.raises(UserError, match="'simulated'"):
        open_dataset(unclear)


def test_a_folder_and_a_zip_of_it_read_the_same(tmp_path):
    (tmp_path / "labels/l/s/g").mkdir(parents=True)
    (tmp_path / "labels/l/s/g/Labels.json").write_bytes(labels())
    with zipfile.ZipFile(tmp_path / "labels.zip", "w") as archive:
        archive.write(tmp_path / "labels/l/s/g/Labels.json", "l/s/g/Labels.json")
    for source in (GameFiles(tmp_path / "labels"), GameFiles(tmp_path / "labels.zip")):
        assert source.games("Labels.json") == ["l/s/g"]
        assert source.read("l/s/g", "Labels.json") == labels()
        assert source.read("l/s/g", "Labels-v2.json") is None
        with pytest.raises(UserError, match=r"no Labels-v2\.json"):
            game_events(source, "l/s/g", class_list("v2"))


def test_a_zip_that_leads_out_of_itself_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as archive:
        archive.writestr("../../evil/Labels.json", "{}")
    with pytest.raises(UserError, match="leads out of it"):
        GameFiles(tmp_path / "bad.zip")
    (tmp_path / "no.zip").write_text("no zip")
    with pytest.raises(UserError, match="neither a folder nor a readable zip"):
        GameFiles(tmp_path / "no.zip")


def test_events_become_columns_and_other_classes_are_left_out():
    events = [[Event(1, 1000, "Goal")], [], [Event(2, 2000, "Foul"), Event(2, 3000, "Corner", visible=False)]]
    truth = truth_of(events, ["Corner", "Goal"])
    assert truth.half.tolist() == [0, 2]
    assert truth.position_ms.tolist() == [1000, 3000]
    assert truth.label.tolist() == [1, 0]
    assert truth.visible.tolist() == [True, False]
    assert len(truth_of([[], []], V1_CLASSES).half) == 0
    assert len(V2_CLASSES) == 17
