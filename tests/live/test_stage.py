"""A match while it is played, and what it leaves."""

import csv
import json
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import av
import pytest

from rmsnet.errors import UserError
from rmsnet.live.stage import live_stage
from rmsnet.matches.stage import spot_stage
from tests.live.streams import Hook, Playlist, listening, play, serving, write_segments, write_video_model

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


def test_a_killed_process_and_a_clock_that_jumps_lose_no_picture_and_tell_nothing_twice(model, tmp_path):
    """An advertisement break: the second half of the stream is on another clock. The first process is killed in it."""
    (tmp_path / "served").mkdir()
    segments = write_segments(tmp_path / "served", 30) + write_segments(tmp_path / "served", 40, first=30, clock=900)
    out, playlist = tmp_path / "live", Playlist(tmp_path / "served")
    with serving(tmp_path / "served") as address:
        for number, segment in enumerate(segments[:20]):
            playlist.add(segment, jump=number == 15)
        command = [sys.executable, "-m", "rmsnet.cli", "live", f"{address}/live.m3u8", "--model", str(model)]
        with subprocess.Popen([*command, "--out", str(out), "--confidence", "0"], stdout=subprocess.DEVNULL) as killed:
            while not (out / "events.jsonl").exists() or not [line for line in lines(out) if line["half"] == 1][3:]:
                assert killed.poll() is None
                time.sleep(0.05)
            killed.kill()
        before = lines(out)
        playing = play(playlist, segments[20:])
        live_stage(f"{address}/live.m3u8", str(model), out, confidence=0.0)
        playing.join()
    assert lines(out)[: len(before)] == before
    confirmed = [line["id"] for line in lines(out) if line["state"] == "confirmed"]
    assert len(confirmed) == len(set(confirmed)) > 5
    assert [one[::2] for one in said(out)] == [one[::2] for one in found(out)]
    with av.open(str(out / "1_HQ.ts")) as recording:
        times = sorted(packet.pts for packet in recording.demux(video=0) if packet.size)
    assert {later - earlier for earlier, later in pairwise(times)} == {9000}
    assert len(times) == 700
    spot_stage([out], str(model), tmp_path / "spot", confidence=0.0)
    assert (out / "events.csv").read_bytes() == (tmp_path / "spot" / "events.csv").read_bytes()


def test_segments_that_vanish_and_a_webhook_that_fails_are_told_of_once_and_stop_nothing(model, tmp_path, capsys):
    (tmp_path / "served").mkdir()
    segments = write_segments(tmp_path / "served", 40)
    for gone in segments[6:10]:
        gone.unlink()
    received: list[bytes] = []
    hook = type("Failing", (Hook,), {"received": received, "failures": 2, "slow": 0.05})
    with serving(tmp_path / "served") as address, listening(hook) as url:
        playing = play(Playlist(tmp_path / "served"), segments)
        live_stage(f"{address}/live.m3u8", str(model), tmp_path / "live", confidence=0.0, webhook=url, clips=False)
        playing.join()
    told = capsys.readouterr().err.splitlines()
    assert [json.loads(line) for line in received] == lines(tmp_path / "live")
    assert len([line for line in told if "--webhook" in line and "500" in line]) == 1
    assert [line for line in told if "no pictures" in line] == [
        "live: no pictures for 8.1 s; what was shown there is missing"
    ]
    assert said(tmp_path / "live")


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({"source": "gopher://match"}, r"gopher:// is no stream"),
        ({"source": "nothing.ts"}, r"nothing\.ts: no such file"),
        ({"webhook": "mailto:me"}, r"--webhook mailto:me: no http"),
        ({"port": 1 << 17}, r"--port 131072: cannot be listened to"),
        ({"end_after": 0}, r"--period-gap and --end-after"),
    ],
)
def test_what_cannot_be_is_one_line_and_leaves_no_match(given, line, model, tmp_path):
    source = given.pop("source", __file__)
    with pytest.raises(UserError, match=line):
        live_stage(source, str(model), tmp_path / "live", **given)
    assert not (tmp_path / "live" / "1_HQ.ts").exists()
