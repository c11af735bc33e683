"""The page of a match from events that are there already."""

import json
import re

import pytest

from rmsnet.errors import UserError
from rmsnet.matches.events_page import events_page


def data_of(page):
    """What the page's script reads."""
    return json.loads(re.search(r'<script[^>]*type="application/json"[^>]*>(.*?)</script>', page.read_text(), re.S)[1])


def results(folder, *rows):
    predictions = [
        {"gameTime": f"{half} - 00:00", "label": label, "position": str(ms), "half": str(half), "confidence": str(sure)}
        for half, ms, label, sure in rows
    ]
    path = folder / "results_spotting.json"
    path.write_text(json.dumps({"UrlLocal": "league/2020-2021/game", "predictions": predictions}))
    return path


def test_predictions_of_anybody_become_the_page_that_spot_writes(tmp_path):
    source = results(tmp_path, (2, 61_000, "Goal", 0.25), (1, 5_000, "Foul", 0.75))
    data = data_of(events_page(source, tmp_path / "match"))
    named = [entry["label"] for entry in data["classes"]]
    found = [(data["halves"][one["half"]]["number"], one["ms"], named[one["class"]]) for one in data["events"]]
    assert found == [(1, 5_000, "Foul"), (2, 61_000, "Goal")]
    assert [one["confidence"] for one in data["events"]] == [0.75, 0.25]
    assert data["tags"] == []
    assert [half["seconds"] for half in data["halves"]] == [2700, 2700]


def test_labels_are_sure_and_a_later_event_makes_its_period_longer(tmp_path):
    source = tmp_path / "events.csv"
    source.write_text("period,time,label\n1,0:50:00.000,rebound\n4,0:00:10.000,dunk\n")
    data = data_of(events_page(source, tmp_path / "match", source_format="csv"))
    assert [half["name"] for half in data["halves"]] == ["P1", "P2", "P3", "P4"]
    assert {one["confidence"] for one in data["events"]} == {1}
    assert data["halves"][0]["seconds"] > 3000


@pytest.mark.parametrize(
    ("rows", "settings", "says"),
    [
        ((), {}, "holds no event"),
        (((1, 0, "Goal", 1),), {"confidence": 2}, "must lie in"),
    ],
)
def test_what_makes_no_page_is_refused(rows, settings, says, tmp_path):
    with pytest.raises(UserError, match=says):
        events_page(results(tmp_path, *rows), tmp_path / "match", **settings)
    assert not (tmp_path / "match" / "report.html").exists()


def test_a_video_that_is_not_there_and_one_too_many_are_named(tmp_path):
    source = results(tmp_path, (1, 0, "Goal", 1))
    with pytest.raises(UserError, match="no such file"):
        events_page(source, tmp_path / "match", videos=[tmp_path / "1.mkv"])
    with pytest.raises(UserError, match="2 periods"):
        events_page(source, tmp_path / "match", videos=[tmp_path / f"{number}.mkv" for number in range(3)])
