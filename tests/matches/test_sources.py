from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmsnet.dataset.description import SOCCERNET
from rmsnet.dataset.labels import V1_CLASSES
from rmsnet.dataset.periods import HALVES, Period
from rmsnet.errors import UserError
from rmsnet.files import write_json
from rmsnet.matches.match import clock
from rmsnet.matches.sources import find_matches
from rmsnet.video.files import Part
from tests.builders import write_lists
from tests.matches.builders import FEATURES, write_features, write_game

GAME = "league/season/2030-01-01 - 20-00 A 1 - 0 B"


def find(*sources, split=None):
    return find_matches(sources, FEATURES, V1_CLASSES, split)


def test_two_files_are_two_halves_of_features_or_videos(tmp_path):
    first, second = write_features(tmp_path / "a.npy"), tmp_path / "b.mkv"
    second.touch()
    (match,) = find(first, second)
    assert match.name == "a + b"
    assert [(half.number, half.features, half.video) for half in match.halves] == [(1, first, None), (2, None, second)]
    assert match.events is None


def test_a_game_folder_brings_its_features_labels_and_the_largest_video_for_people(tmp_path):
    game = write_game(tmp_path / GAME, labels=[("1 - 00:10", "soccer-ball"), ("2 - 00:20", "y-card")])
    (game / "1_224p.mkv").write_bytes(b"small")
    (game / "1_720p.mkv").write_bytes(b"much larger")
    (game / "10_224p.mkv").write_bytes(b"not of half 1, though it begins with a 1")
    (match,) = find(game)
    assert match.halves[0].video == game / "1_720p.mkv"
    assert match.halves[0].videos[0] == game / "1_224p.mkv"
    assert match.halves[1].video is None
    assert [(event.half, event.label) for event in match.events] == [(1, "soccer"), (2, "card")]


def test_hq_videos_stand_back_behind_trimmed_ones(tmp_path):
    game = write_game(tmp_path / GAME)
    for name in ("1_224p.mkv", "1_HQ.mkv", "2_HQ.mkv"):
        (game / name).write_bytes(name.encode() * (9 if "HQ" in name else 1))
    first, second = find(game)[0].halves
    assert first.videos == (game / "1_224p.mkv",)
    assert second.videos == (game / "2_HQ.mkv",)


def test_a_match_in_one_file_is_its_periods_from_their_kick_offs(tmp_path):
    """Of no dataset: the periods are the model's, and kick_offs.json says where they begin."""
    folder = tmp_path / "new"
    features = write_features(folder / f"{FEATURES}.npy", seconds=400)
    write_json(folder / "kick_offs.json", [20, 220])
    (folder / "720p.mp4").write_bytes(b"large")
    periods = (Period("", 1, 0), Period("", 2, 1))
    known = replace(SOCCERNET, periods=periods)
    (match,) = find_matches([folder], FEATURES, V1_CLASSES, None, known)
    assert [(half.features, half.rows) for half in match.halves] == [
        (features, slice(40, 239)),
        (features, slice(440, 800)),
    ]
    assert [half.video for half in match.halves] == [
        Part(folder / "720p.mp4", 20, pytest.approx(100)),
        Part(folder / "720p.mp4", 220, pytest.approx(200)),
    ]
    write_json(folder / "kick_offs.json", [20])
    with pytest.raises(UserError, match="1 kick-offs for 2 periods"):
        find_matches([folder], FEATURES, V1_CLASSES, None, known)


def test_a_game_of_ones_own_dataset_is_what_that_says(tmp_path):
    folder = tmp_path / "league/season/game"
    write_features(folder / f"{FEATURES}.npy", seconds=400)
    write_json(folder / "kick_offs.json", [20, 220])
    (folder / "events.csv").write_text("time,label\n0:00:30.000,goal\n0:03:50.000,foul\n")
    described = {
        "name": "Nord",
        "simulated": True,
        "classes": [{"name": "goal"}, {"name": "foul"}],
        "labels": {"file": "events.csv", "clock": "file"},
        "periods": [{"minutes": 3, "first_minute": 0}, {"minutes": 3, "first_minute": 3}],
        "files": "match",
    }
    write_json(tmp_path / "dataset.json", described)
    (match,) = find_matches([folder], FEATURES, ("goal", "foul"), None)
    assert match.simulated
    assert [(event.half, event.position_ms, event.label) for event in match.events] == [
        (1, 10_000, "goal"),
        (2, 10_000, "foul"),
    ]


@pytest.mark.parametrize(
    ("classes", "differ"),
    [(("goal", "foul"), None), (("foul", "goal"), None), (("goal", "card"), "missing: card; new: foul")],
)
def test_labels_of_other_classes_than_the_model_s_are_said_not_to_be_the_truth(tmp_path, classes, differ):
    folder = tmp_path / "league/season/game"
    write_features(folder / f"1_{FEATURES}.npy")
    (folder / "events.csv").write_text("time,label\n0:00:30.000,goal\n")
    listed = [{"name": "goal"}, {"name": "foul"}]
    write_json(
        tmp_path / "dataset.json",
        {"name": "Nord", "simulated": True, "classes": listed, "labels": {"file": "events.csv"}},
    )
    (match,) = find_matches([folder], FEATURES, classes, None)
    assert (match.events is None) == bool(match.notes) == bool(differ)
    if differ:
        assert match.notes == (f"events.csv is not shown as the truth: its classes are not the model's ({differ})",)


def test_what_lies_in_a_game_and_is_not_used_is_said(tmp_path):
    game = write_game(tmp_path / GAME)
    for name in ("1_224p.mkv", "1_tribune.mkv", "3_224p.mkv", f"4_{FEATURES}.npy"):
        (game / name).write_bytes(b"")
    (match,) = find(game)
    assert [half.number for half in match.halves] == [1, 2]
    assert [note.partition(": ")[2] for note in match.notes] == [
        "not used; its name says no size (224p, 720p), as that of the other videos does",
        f"3_224p.mkv, 4_{FEATURES}.npy: not used; events are spotted in halves 1 and 2, not in extra time",
    ]


def test_files_are_the_halves_that_their_names_say(tmp_path):
    first, second, unnamed = (write_features(tmp_path / name) for name in ("1_test.npy", "2_test.npy", "final.npy"))
    assert [half.number for half in find(second)[0].halves] == [2]
    assert [half.number for half in find(unnamed)[0].halves] == [1]
    (swapped,) = find(second, first)
    assert [(half.number, half.features) for half in swapped.halves] == [(1, first), (2, second)]
    assert "given in the order 2, 1" in swapped.notes[0]
    assert find(first, second)[0].notes == find(first, unnamed)[0].notes == ()


def test_pieces_and_wrong_halves_are_refused(tmp_path):
    names = ("1_a.MTS", "1_b.MTS", "2_a.MTS", "GX010007.MP4", "GX020007.MP4", "00000.MTS", "00001.MTS", "00002.MTS")
    files = {name: tmp_path / name for name in names}
    for file in files.values():
        file.write_bytes(b"")
    for sources, says in (
        (("1_a.MTS", "1_b.MTS"), "are of one half, 1; .*ffmpeg -f concat"),
        (("GX010007.MP4", "GX020007.MP4"), "next chapter .*ffmpeg -f concat"),
        (("00000.MTS", "00001.MTS", "00002.MTS"), "two halves; .*ffmpeg -f concat"),
        (("2_a.MTS", "00001.MTS"), "given as half 1 and is half 2 by its name"),
        (("00000.MTS", "1_a.MTS"), "given as half 2 and is half 1 by its name"),
    ):
        with pytest.raises(UserError, match=says) as refused:
            find(*(files[name] for name in sources))
        assert "\n" not in str(refused.value)


def test_a_half_in_pieces_in_a_game_folder_is_refused(tmp_path):
    game = tmp_path / "cup/final"
    game.mkdir(parents=True)
    for name in ("1_a.MTS", "1_b.MTS", "2_a.MTS"):
        (game / name).write_bytes(b"")
    with pytest.raises(UserError, match="are of one half"):
        find(game)
    (found,) = find(tmp_path)
    assert "are of one half" in found.fault


def test_a_game_of_a_simulated_dataset_is_simulated(tmp_path):
    game = write_game(tmp_path / GAME)
    assert not find(game)[0].simulated
    write_json(tmp_path / "dataset.json", {"name": "x", "simulated": True})
    assert find(game)[0].simulated


def test_a_dataset_is_all_its_games_or_those_of_a_split(tmp_path):
    games = [write_game(tmp_path / f"league/season/{name}") for name in "abc"]
    train, valid, test = ([game.relative_to(tmp_path).as_posix()] for game in games)
    write_lists(tmp_path, train=train, valid=valid, test=test)
    assert [match.name[-1] for match in find(tmp_path)] == ["a", "b", "c"]
    assert [match.name[-1] for match in find(tmp_path, split="test")] == ["c"]


def test_a_folder_of_games_needs_no_lists(tmp_path):
    write_game(tmp_path / "cup/final", labels=[("1 - 00:10", "soccer-ball")])
    write_game(tmp_path / "friendly")
    (tmp_path / "notes").mkdir()
    assert [(match.name, len(match.halves)) for match in find(tmp_path)] == [("cup/final", 2), ("friendly", 2)]
    assert find(tmp_path)[0].events is not None
    with pytest.raises(UserError, match="has no split lists"):
        find(tmp_path, split="test")


def test_what_is_no_match_is_refused(tmp_path):
    file, game, empty = write_features(tmp_path / "a.npy"), write_game(tmp_path / "game"), tmp_path / "empty"
    empty.mkdir()
    for sources, split, says in (
        ([tmp_path / "nowhere.mp4"], None, "nowhere.mp4: no such"),
        ([file, file, file], None, "two halves"),
        ([game, file], None, "a folder comes alone"),
        ([empty], None, "neither a game"),
        ([file], "test", "only a dataset has splits"),
        ([game], "test", "only a dataset has splits"),
    ):
        with pytest.raises(UserError, match=says):
            find(*sources, split=split)


@pytest.mark.parametrize(
    ("half", "position_ms", "minute"),
    [
        (1, 0, "1'"),
        (1, 44 * 60_000 + 59_999, "45'"),
        (1, 46 * 60_000, "45+2'"),
        (2, 0, "46'"),
        (2, 47 * 60_000, "90+3'"),
    ],
)
def test_minutes_are_said_as_on_television(half, position_ms, minute):
    assert HALVES[half - 1].said(position_ms) == minute


@given(st.integers(0, 7_200_000))
def test_the_clock_is_the_game_time_of_soccernet(position_ms):
    minutes, seconds = clock(position_ms).split(":")
    assert 60 * int(minutes) + int(seconds) == position_ms // 1000
