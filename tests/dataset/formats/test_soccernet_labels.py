"""SoccerNet's label files and predictions."""

import json
import zipfile

import pytest

from rmsnet.dataset.ball_actions import BALL_CLASSES, TEAM_CLASSES
from rmsnet.dataset.formats.document import Annotations
from rmsnet.errors import UserError
from tests.dataset.formats.builders import labels_of, read, times, written

GOAL = {"gameTime": "1 - 06:28", "label": "Goal", "position": "388123", "team": "home", "visibility": "not shown"}
PASS = {"gameTime": "1 - 00:01", "label": "PASS", "position": "1160", "team": "left", "visibility": "visible"}


def test_a_label_file_is_read_with_all_that_it_says():
    document = read("soccernet-v2", labels_of({**GOAL, "note": "x"}, UrlYoutube="y"))
    first, second = document.timelines
    assert (first.name, first.half, second.half, first.video) == (
        "league/season/game",
        1,
        2,
        "league/season/game/1_224p.mkv",
    )
    assert first.extra == {"UrlYoutube": "y"}
    (mark,) = first.marks
    assert (mark.half, mark.position_ms, mark.label, mark.team, mark.visible) == (1, 388_123, "Goal", "home", False)
    assert (mark.confidence, mark.extra) == (None, {"note": "x"})


@pytest.mark.parametrize(
    ("row", "position_ms"),
    [
        ({"gameTime": "1 - 100:05"}, 6_005_000),
        ({"gameTime": "1 - 5:7"}, 307_000),
        ({"gameTime": "1 - 00:01", "position": "1160"}, 1160),
        ({"gameTime": "1 - 00:01", "position": 1160}, 1160),
        ({"gameTime": "1 - 00:01", "position": "1200.5"}, 1201),
    ],
)
def test_times_are_read_as_they_are_meant(row, position_ms):
    assert times(read("soccernet-ball", labels_of({"label": "PASS", **row}))) == [position_ms]


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"gameTime": "1 - 00:01", "position": "one_second"}, r"annotations\[0\].position: 'one_second' is no number"),
        ({"gameTime": "first half"}, r"annotations\[0\].gameTime: 'first half' is not like '1 - 06:28'"),
        ({}, r"annotations\[0\].gameTime"),
        ({"gameTime": "0 - 00:01"}, "halves are numbered from 1"),
        ({"gameTime": 7}, r"annotations\[0\]\.gameTime: expected 'str', got 'int'"),
        ({"label": None, "gameTime": "1 - 00:01"}, r"annotations\[0\]\.label: expected 'str', got 'null'"),
    ],
)
def test_a_bad_row_is_named(row, told):
    with pytest.raises(UserError, match=told):
        read("soccernet-ball", labels_of({"label": "PASS", **row}))


@pytest.mark.parametrize(
    "content", [b"[]", b"{}", b"no json", b'{"annotations": 3}', b'{"annotations": [3]}', b"\xff\xfe"]
)
def test_what_is_no_label_file_is_refused(content):
    with pytest.raises(UserError):
        read("soccernet-v2", content)


def test_version_1_has_seconds_and_its_rows_without_an_event_are_kept_apart():
    nothing = {"gameTime": "2 - 5:00", "label": "no-events", "team": "careless"}
    document = read("soccernet-v1", labels_of({"gameTime": "1 - 00:48", "label": "y-card", "team": "away"}, nothing))
    assert [mark.label for mark in document.marks] == ["y-card"]
    (content,) = written("soccernet-v1", document).values()
    again = read("soccernet-v1", content)
    assert again.timelines == document.timelines
    assert b'"no-events"' in content
    assert b"position" not in content


def test_ball_actions_are_on_frames_at_25_a_second_and_know_sides():
    document = read("soccernet-ball", labels_of(PASS))
    (timeline,) = document.timelines
    assert (timeline.fps, timeline.marks[0].team, document.notes) == (25, "left", ())
    assert len(BALL_CLASSES) == 12
    assert TEAM_CLASSES[:2] == ("PASS-left", "PASS-right")
    assert len(TEAM_CLASSES) == 24


def test_what_evaluators_of_ball_actions_would_drop_is_kept_and_told():
    without_team = {key: value for key, value in PASS.items() if key != "team"}
    document = read("soccernet-ball", labels_of({**PASS, "gameTime": "2 - 00:01"}, without_team))
    assert len(list(document.marks)) == 2
    assert [mark.team for mark in document.marks] == ["", "left"]
    assert len(document.notes) == 2
    assert "1 of 2 events: not in half 1" in document.notes[0]
    assert "1 of 2 events: no team" in document.notes[1]


def test_a_time_that_contradicts_itself_is_told():
    document = read("soccernet-v2", labels_of({**GOAL, "gameTime": "1 - 07:28"}))
    assert times(document) == [388_123]
    assert "gameTime and position differ" in document.notes[0]


def test_a_file_of_another_game_is_told():
    document = read("soccernet-v2", labels_of(GOAL), "league/season/other game/Labels-v2.json")
    assert document.timelines[0].name == "league/season/other game"
    assert "says that it is of 'league/season/game'" in document.notes[0]
    assert read("soccernet-v2", labels_of(GOAL), "game/Labels-v2.json").notes == ()


def test_kick_offs_that_are_there_twice_make_no_more_halves():
    kick_offs = [{"gameTime": f"{half} - 00:00", "label": "Kick-off", "position": "0"} for half in (1, 1, 2, 2, 2)]
    document = read("soccernet-v2", labels_of(*kick_offs))
    assert [(timeline.half, len(timeline.marks)) for timeline in document.timelines] == [(1, 2), (2, 3)]


def test_an_event_at_the_start_of_a_half_stays_in_it():
    document = read("soccernet-v2", labels_of({"gameTime": "2 - 00:00", "label": "Kick-off", "position": "0"}))
    for name in ("osl", "csv"):
        again = read(name, next(iter(written(name, document).values())))
        assert [(mark.half, mark.position_ms) for mark in again.marks] == [(2, 0)]


def test_an_event_before_the_start_is_written_at_the_start():
    document = read("osl", {"data": [{"id": "m", "events": [{"label": "PASS", "position_ms": -1104}]}]})
    (content,) = written("soccernet-ball", document).values()
    assert b'"1 - 00:00"' in content
    assert times(read("soccernet-ball", content)) == [0]


PREDICTION = {"gameTime": "1 - 06:28", "label": "Goal", "position": "388123", "half": "1", "confidence": "0.98"}


def test_predictions_are_read_with_numbers_as_texts():
    document = read(
        "soccernet-results", {"UrlLocal": "g", "predictions": [PREDICTION, {**PREDICTION, "half": 2, "team": "left"}]}
    )
    assert [(mark.half, mark.position_ms, mark.confidence, mark.team) for mark in document.marks] == [
        (1, 388_123, 0.98, ""),
        (2, 388_123, 0.98, "left"),
    ]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"confidence": "high"}, r"predictions\[0\]\.confidence"),
        ({"confidence": "nan"}, "not finite"),
        ({"position": None}, r"predictions\[0\]\.position"),
        ({"half": None, "gameTime": "06:28"}, "no half"),
        ({"half": "0"}, "no half"),
    ],
)
def test_a_bad_prediction_is_named(change, told):
    with pytest.raises(UserError, match=told):
        read("soccernet-results", {"predictions": [{**PREDICTION, **change}]})


def test_annotations_as_predictions_are_certain():
    (content,) = written("soccernet-results", read("soccernet-v2", labels_of(GOAL))).values()
    assert [mark.confidence for mark in read("soccernet-results", content).marks] == [1.0]


def test_a_game_without_any_event_is_a_file_all_the_same():
    document = read("soccernet-v2", labels_of())
    assert isinstance(document, Annotations)
    assert list(written("soccernet-v2", document)) == ["league/season/game/Labels-v2.json"]


@pytest.mark.parametrize(
    ("name", "archive", "file"),
    [("soccernet-v1", "labels_v1.zip", "Labels.json"), ("soccernet-v2", "labels_v2.zip", "Labels-v2.json")],
)
def test_real_label_files_come_back_as_they_were(name, archive, file, shared):
    with zipfile.ZipFile(shared / "soccernet" / archive) as real:
        for path in [path for path in real.namelist() if path.endswith(file)][1::25]:
            (content,) = written(name, read(name, real.read(path), path)).values()
            assert json.loads(content) == json.loads(real.read(path))
