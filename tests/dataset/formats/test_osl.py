"""OSL JSON of all versions."""

import json
from fractions import Fraction
from pathlib import PurePosixPath

import pytest

from rmsnet.dataset.formats.osl import read_osl
from rmsnet.dataset.formats.sources import SourceFile
from rmsnet.dataset.formats.stated import NOTHING
from rmsnet.errors import UserError
from tests.dataset.formats.builders import osl, read, times, written

PASS = {"head": "action", "label": "PASS", "position_ms": 1160}


def test_the_smallest_file_is_read():
    document = read("osl", osl(PASS))
    (timeline,) = document.timelines
    assert (timeline.name, timeline.fps, timeline.video) == ("m1", Fraction(25), "m1.mp4")
    assert (timeline.marks[0].label, timeline.marks[0].position_ms, timeline.marks[0].head) == ("PASS", 1160, "action")
    assert document.classes == ("PASS", "SHOT")
    assert document.notes == ()


@pytest.mark.parametrize(("position", "meant"), [("1160", 1160), (1200.7, 1201), ("1200.5", 1201), (-40, -40), (0, 0)])
def test_a_position_is_never_taken_for_zero(position, meant):
    assert times(read("osl", osl({**PASS, "position_ms": position}))) == [meant]


@pytest.mark.parametrize(
    ("event", "told"),
    [
        ({**PASS, "position_ms": "one_second"}, r"data\[0\].events\[0\].position_ms: 'one_second' is no number"),
        ({**PASS, "position_ms": None}, "no position_ms"),
        ({"position_ms": 1}, r"data\[0\].events\[0\]\.label: is missing"),
        ({**PASS, "label": 3}, r"events\[0\]\.label: expected 'str', got 'int'"),
        ("PASS", r"data\[0\]\.events\[0\]: expected 'object', got 'str'"),
    ],
)
def test_a_bad_event_is_named(event, told):
    with pytest.raises(UserError, match=told):
        read("osl", osl(event))


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ({"version": "2.0"}, "neither 'data', version 2.0, nor 'videos', version 1"),
        ({"version": "3.0", "data": []}, "version 3.0 is not known"),
        ({"data": {}}, "data: expected 'array', got 'object'"),
        ({"data": [3]}, r"data\[0\]: expected 'object', got 'int'"),
        (osl(PASS, inputs=[{"path": "a", "fps": 0}]), r"data\[0\].inputs\[0\].fps: 0 is no frame rate"),
        ([], "expected 'object', got 'array'"),
    ],
)
def test_a_bad_file_is_refused_in_a_line(document, told):
    with pytest.raises(UserError, match=told):
        read("osl", document)


def test_items_of_one_id_are_told_apart():
    item = osl(PASS)["data"][0]
    document = read(
        "osl", {"data": [item, item, {**item, "id": "m1__2"}, {"events": []}, {"inputs": [{"path": "a/b.mp4"}]}]}
    )
    assert [timeline.name for timeline in document.timelines] == ["m1", "m1__2", "m1__2__2", "sample_4", "a/b"]


def test_what_is_not_ours_survives():
    source = osl(
        {**PASS, "timestamp_utc": "2026-01-31 18:30:00.250000", "mood": "good"},
        captions=[{"lang": "en", "text": "x"}],
        metadata={"weather": "rain"},
    )
    source |= {"dataset_name": "demo", "tasks": ["action_spotting"], "date": "2026-01-31"}
    source["labels"]["outcome"] = {"type": "multi_label", "labels": ["good", "bad"]}
    (content,) = written("osl", read("osl", source)).values()
    again = json.loads(content)
    assert {**source, "description": "", "modalities": ["video"], "metadata": {}} == again


def test_confidence_has_three_names_and_is_written_under_two():
    for name in ("confidence", "confidence_score", "score"):
        document = read("osl", osl({**PASS, name: 0.5}))
        assert [mark.confidence for mark in document.marks] == [0.5]
        event = json.loads(written("osl", document)["annotations.json"])["data"][0]["events"][0]
        assert (event["confidence"], event["confidence_score"]) == (0.5, 0.5)


def test_the_timestamp_counts_more_than_the_position_where_the_footage_says_when_it_began():
    began = [{"type": "video", "path": "m1.mp4", "UTC_time_start": "2026-01-31 18:30:00.000000"}]
    event = {**PASS, "timestamp_utc": "2026-01-31 18:30:07.250000"}
    document = read("osl", osl(event, inputs=began))
    assert times(document) == [7250]
    assert "timestamp_utc and position_ms differ" in document.notes[0]
    assert times(read("osl", osl({**event, "timestamp_utc": "soon"}, inputs=began))) == [1160]
    assert times(read("osl", osl(event))) == [1160]


def test_a_label_that_no_list_has_is_kept_and_told_with_the_nearest():
    document = read("osl", osl({**PASS, "label": "PAS"}, {**PASS, "head": "other"}))
    assert len(list(document.marks)) == 2
    assert "'PAS' (1 time, nearest 'PASS')" in document.notes[0]


def test_media_that_are_not_there_are_told(tmp_path):
    (tmp_path / "m1.mp4").touch()
    source = osl(PASS)
    source["data"].append({"id": "m2", "inputs": [{"path": "clips/m2.mp4"}], "events": []})
    file = SourceFile(json.dumps(source).encode(), PurePosixPath("a.json"), "a.json", tmp_path)
    assert read_osl(file, NOTHING).notes == (
        "a.json: 1 of 2 media are not there (first: clips/m2.mp4); events are read without",
    )


def test_the_flat_version_1_is_read_though_others_take_it_for_empty():
    rows = [{"gameTime": "1 - 00:01", "label": "PASS", "position": 1160, "team": "left", "visibility": "visible"}]
    second = [{**rows[0], "gameTime": "2 - 00:02", "position": "2000"}]
    videos = [
        {"path": "league/game/1_224p.mkv", "annotations": rows},
        {"path_video": "league/game/2_224p.mkv", "path_features": "x.npy", "annotations": second},
        {"path": "clip.mp4", "annotations": [{"label": "SHOT", "position": 40, "metadata": {"a": 1}}]},
        {"path": "unannotated.mp4"},
    ]
    document = read("osl", {"version": 1, "date": "2023.08.31", "labels": ["PASS", "SHOT"], "videos": videos})
    assert [
        (piece.name, piece.half, times_of)
        for piece in document.timelines
        for times_of in [[m.position_ms for m in piece.marks]]
    ] == [
        ("league/game", 1, [1160]),
        ("league/game", 2, [2000]),
        ("clip", 1, [40]),
        ("unannotated", 1, []),
    ]
    assert document.classes == ("PASS", "SHOT")


def test_version_1_0_has_the_form_of_2_0_and_says_so():
    document = read("osl", {**osl(PASS), "version": "1.0"})
    assert times(document) == [1160]
    assert "version 1.0 is read as 2.0" in document.notes[0]


def test_halves_of_a_game_are_items_and_come_back_as_halves():
    source = {
        "data": [{"id": f"g/half{half}", "events": [PASS]} for half in (1, 2)] + [{"id": "h/half1", "events": [PASS]}]
    }
    document = read("osl", source)
    assert [(timeline.name, timeline.half, timeline.marks[0].half) for timeline in document.timelines] == [
        ("g", 1, 1),
        ("g", 2, 2),
        ("h/half1", 1, 1),
    ]
    (content,) = written("osl", document).values()
    assert [item["id"] for item in json.loads(content)["data"]] == ["g/half1", "g/half2", "h/half1"]


def test_predictions_say_what_opensportslib_reads():
    document = read("osl", osl({**PASS, "confidence": 0.5}))
    combined = json.loads(written("osl-predictions", document)["predictions.json"])
    assert (combined["task"], combined["metadata"]["type"]) == ("localization", "predictions")
    assert combined["data"][0]["events"] == [
        {
            "gameTime": "1 - 00:01",
            "frame": 29,
            "head": "action",
            "label": "PASS",
            "position_ms": 1160,
            "confidence": 0.5,
            "confidence_score": 0.5,
        }
    ]
    ((path, content),) = written("osl-results", document).items()
    assert path == "m1/results_spotting.json"
    assert json.loads(content)["task"] == "action_spotting"
    assert read("osl-results", content).timelines == document.timelines


def test_predictions_without_ids_are_called_after_their_videos():
    source = {"version": "2.0", "data": [{"inputs": [{"path": "test/g1.mp4"}], "events": [{**PASS, "confidence": 1}]}]}
    assert [timeline.name for timeline in read("osl", source).timelines] == ["test/g1"]
