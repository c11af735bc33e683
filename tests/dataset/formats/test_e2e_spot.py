"""The frame lists of E2E-Spot and T-DEED."""

import gzip
import json
from fractions import Fraction

import pytest

from rmsnet.dataset.formats.stated import Stated
from rmsnet.errors import UserError
from tests.dataset.formats.builders import read, times, written

SERVE = {"frame": 29, "label": "serve", "comment": "far"}
VIDEO = {"video": "v1", "num_frames": 250, "num_events": 1, "fps": 25.0, "width": 398, "height": 224, "events": [SERVE]}


def test_a_list_is_read_with_all_that_it_says():
    (timeline,) = read("e2e-spot", [VIDEO]).timelines
    assert (timeline.name, timeline.fps, timeline.frames) == ("v1", Fraction(25), 250)
    assert timeline.extra == {"width": 398, "height": 224}
    assert [(mark.position_ms, mark.label, mark.extra) for mark in timeline.marks] == [
        (1160, "serve", {"comment": "far"})
    ]


def test_it_comes_back_as_it_was():
    content = written("e2e-spot", read("e2e-spot", [VIDEO]))
    assert json.loads(content["events.json"]) == [VIDEO]
    assert content["class.txt"] == b"serve\n"


def test_scores_make_predictions():
    predicted = {"video": "v1", "fps": 25.0, "events": [{"frame": 0, "label": "serve", "score": 0.5}]}
    document = read("e2e-spot", [predicted])
    assert [(mark.position_ms, mark.confidence) for mark in document.marks] == [(0, 0.5)]
    assert json.loads(written("e2e-spot", document)["events.json"]) == [predicted]


@pytest.mark.parametrize("fps", [25, 29.97, 29.97002997002997, 23.976023976023978])
def test_frames_come_back_at_any_rate(fps):
    source = [{**VIDEO, "fps": fps, "events": [{"frame": frame, "label": "serve"} for frame in range(0, 200_000, 997)]}]
    again = json.loads(written("e2e-spot", read("e2e-spot", source))["events.json"])
    assert again[0]["events"] == source[0]["events"]
    assert again[0]["fps"] == fps


def test_frames_without_a_rate_need_one():
    """FineDiving says -1."""
    source = [{**VIDEO, "fps": -1}]
    with pytest.raises(UserError, match=r"'v1' says no frame rate \(fps -1.0\); name it with --frame-rate"):
        read("e2e-spot", source)
    assert times(read("e2e-spot", source, stated=Stated(fps=Fraction(25)))) == [1160]


def test_odd_things_are_survived_and_told():
    source = [{**VIDEO, "num_events": 7, "events": [{**SERVE, "frame": 250}]}, {"video": "v2", "num_frames": 10}]
    document = read("e2e-spot", source)
    assert len(list(document.marks)) == 1
    assert len(document.timelines) == 2
    assert [note.partition(": ")[2][:24] for note in document.notes] == [
        "num_events is not the nu",
        "an event behind the last",
        "no 'events'; those of So",
    ]


@pytest.mark.parametrize(
    "events", [[{"frame": -1, "label": "x"}], [{"frame": 1.5, "label": "x"}], [{"frame": 10**15, "label": "x"}], [3]]
)
def test_a_bad_frame_is_named(events):
    with pytest.raises(UserError, match=r"\[0\].events\[0\]|\[0\]\.events\[0\]"):
        read("e2e-spot", [{**VIDEO, "fps": 0.001, "events": events}])


def test_halves_end_the_names_of_videos():
    videos = [{**VIDEO, "video": f"league/game/half{half}"} for half in (1, 2)]
    document = read("e2e-spot", videos)
    assert [(timeline.name, timeline.half) for timeline in document.timelines] == [
        ("league/game", 1),
        ("league/game", 2),
    ]
    assert [item["video"] for item in json.loads(written("e2e-spot", document)["events.json"])] == [
        v["video"] for v in videos
    ]


def test_times_become_frames_at_the_stated_rate():
    document = read("e2e-spot", [VIDEO])
    (item,) = json.loads(written("e2e-spot", document, Stated(fps=Fraction(2)))["events.json"])
    assert (item["fps"], item["events"][0]["frame"]) == (2.0, 2)
    assert "num_frames" not in item  # those were frames of 25 a second


def test_times_without_any_rate_are_refused():
    with pytest.raises(UserError, match="no rate is known; name it with --frame-rate"):
        written("e2e-spot", read("csv", "time,label\n0:00:01.000,serve\n"))


def test_a_packed_list_is_read(tmp_path):
    from rmsnet.dataset.formats.reading import read_source

    (tmp_path / "test.json.gz").write_bytes(gzip.compress(json.dumps([VIDEO]).encode(), mtime=0))
    (tmp_path / "class.txt").write_text("serve\nbounce\n")
    document = read_source(tmp_path / "test.json.gz", "e2e-spot")
    assert times(document) == [1160]
    assert document.classes == ("serve", "bounce")
