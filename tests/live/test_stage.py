"""A match while it is played, and what it leaves."""

import csv
import json
from pathlib import Path

import pytest

from rmsnet.live.stage import live_stage
from rmsnet.matches.stage import spot_stage
from tests.live.streams import Playlist, play, serving, write_segments, write_video_model

MATCH_SECONDS = 80


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_video_model(
        tmp_path_factory.mktemp("models") / "tiny",
        spot={"stride": 4, "suppression": "hard", "suppression_seconds": 3.0},
    )


@pytest.fixture(scope="module")
def segments(tmp_path_factory):
    return write_segments(tmp_path_factory.mktemp("segments"), MATCH_SECONDS)


def lines(out: Path) -> list[dict]:
    return [json.loads(line) for line in (out / "events.jsonl").read_text().splitlines()]


def said(out: Path) -> list[tuple]:
    """The events that stand at the end, in the order of time."""
    now = {line["id"]: line for line in lines(out) if line["state"] in ("provisional", "confirmed", "withdrawn")}
    stand = [line for line in now.values() if line["state"] == "confirmed"]
    assert not [line for line in now.values() if line["state"] == "provisional"]
    return sorted((line["half"], line["position_ms"], line["label"]) for line in stand)


def found(out: Path) -> list[tuple]:
    with (out / "events.csv").open() as file:
        return sorted((int(row["half"]), int(row["position_ms"]), row["label"]) for row in csv.DictReader(file))


def test_a_match_at_20_times_its_speed_leaves_what_spotting_its_recording_leaves(model, segments, tmp_path):
    playing = play(Playlist(segments[0].parent), segments)
    with serving(segments[0].parent) as address:
        live_stage(f"{address}/live.m3u8", str(model), tmp_path / "live", confidence=0.0)
    playing.join()
    spot_stage([tmp_path / "live"], str(model), tmp_path / "spot", confidence=0.0)
    assert (tmp_path / "live" / "results_spotting.json").read_bytes() == (
        tmp_path / "spot" / "results_spotting.json"
    ).read_bytes()
    assert (tmp_path / "live" / "events.csv").read_bytes() == (tmp_path / "spot" / "events.csv").read_bytes()
    told, there = said(tmp_path / "live"), found(tmp_path / "live")
    assert len(there) > 5
    assert [(half, label) for half, _, label in told] == [(half, label) for half, _, label in there]
    assert all(abs(one[1] - other[1]) <= 20 for one, other in zip(told, there, strict=True))
