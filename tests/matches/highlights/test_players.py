"""Clips of whatever people bring play in a browser, and show their events."""

import json
from pathlib import Path

import av
import pytest

from rmsnet.matches.highlights.clips import Highlight, write_highlights
from tests.chromium import chromium, find_chromium
from tests.video.videos import join, number_of, write_video

RATE = 10
SECONDS = 24
TIMES = range(0, 1000 * SECONDS, 1000 // RATE)
GROUPS = {"g": "20", "bf": "2", "sc_threshold": "0"}

KINDS = {
    "mp4.mp4": {"options": GROUPS, "sound_ms": 1000 * SECONDS},
    "matroska.mkv": {"options": GROUPS, "sound_ms": 1000 * SECONDS},
    "avi.avi": {"options": GROUPS},
    "flv.flv": {"options": GROUPS},
    "camcorder.MTS": {"options": GROUPS},
    "raw.h264": {"options": {**GROUPS, "x264-params": "force-cfr=1"}},
    "list.m3u8": {"options": GROUPS, "container_options": {"hls_time": "6", "hls_list_size": "0"}},
    "apple.mov": {"codec": "libx265"},
    "hevc.ts": {"codec": "libx265"},
    "av1.mkv": {"codec": "libsvtav1"},
    "vp9.webm": {"codec": "libvpx-vp9"},
    "windows.wmv": {"codec": "wmv2"},
    "phone.3gp": {"codec": "mpeg4"},
    "old.avi": {"codec": "mpeg4"},
    "colour.mp4": {"options": GROUPS, "pixels": "yuv444p"},
    "deep.mkv": {"options": GROUPS, "pixels": "yuv420p10le"},
    "wide.mp4": {"options": {**GROUPS, "aspect": "2:1"}},
    "turned.mp4": {"options": GROUPS, "rotation": 90},
}
COPIED = {"mp4.mp4", "flv.flv", "camcorder.MTS", "list.m3u8", "wide.mp4", "turned.mp4"}
"""H.264, 8 bits, 4:2:0, with AAC or silent, and with a time of presentation for each picture."""

EVENTS_MS = (1000, 14_000)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    if find_chromium() is None:
        pytest.skip("no Chromium on this machine")
    with chromium(tmp_path_factory.mktemp("profile")) as page:
        page.open(blank(tmp_path_factory.mktemp("page")))
        yield page


def blank(folder: Path) -> Path:
    (folder / "page.html").write_text('<video id="video" muted></video>')
    return folder / "page.html"


def plays(browser, path: Path) -> bool:
    """Whether time goes on when the browser plays a file."""
    return browser.js(
        "(async () => { const v = document.getElementById('video');"
        "const failed = new Promise((done) => (v.onerror = () => done(false)));"
        "const moved = new Promise((done) => (v.ontimeupdate = () => v.currentTime > 0.05 && done(true)));"
        f"v.src = {json.dumps(path.resolve().as_uri())}; v.play().catch(() => {{}});"
        "return Promise.race([failed, moved]); })()"
    )


def clip_of(path: Path) -> tuple[list[int], str, str, str | None]:
    """Numbers of the pictures, codec and pixels, and codec of the sound."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        sound = container.streams.audio[0].codec_context.name if container.streams.audio else None
        kind = stream.codec_context.name, stream.codec_context.pix_fmt
        turns = [round(frame.rotation / 90) for frame in container.decode(stream)][:1]
        container.seek(0)
        pictures = [frame.to_ndarray(format="rgb24") for frame in container.decode(stream)]
    assert turns in ([0], [1])
    return [number_of(picture) for picture in pictures], *kind, sound


@pytest.mark.parametrize("name", KINDS)
def test_clips_play_in_a_browser_whatever_the_source(browser, tmp_path, name):
    video = write_video(tmp_path / name, TIMES, rate=RATE, **KINDS[name])
    events = [Highlight(1, time, "soccer", "#4ade80") for time in EVENTS_MS]
    done = write_highlights({1: video}, events, tmp_path / "clips")
    assert done.left_out == ()
    assert done.copied == (2 if name in COPIED else 0)
    for clip, time in zip(done.clips, EVENTS_MS, strict=True):
        path = tmp_path / "clips" / clip
        assert plays(browser, path)
        numbers, codec, pixels, sound = clip_of(path)
        assert (codec, pixels) == ("h264", "yuv420p")
        assert sound == ("aac" if KINDS[name].get("sound_ms") else None)
        if name != "turned.mp4":
            first = max(0, time // 100 - 80)
            assert numbers == sorted(numbers)
            assert first - 20 <= numbers[0] <= first
            assert time // 100 in numbers
    assert plays(browser, tmp_path / "clips/reel.mp4")


@pytest.mark.parametrize("suffix", [".ts", ".mkv"])
def test_an_event_in_the_second_of_two_joined_recordings_is_shown(tmp_path, suffix):
    parts = [
        write_video(tmp_path / f"{number}{suffix}", TIMES, rate=RATE, options=GROUPS, numbers=range(first, first + 240))
        for number, first in enumerate((0, 240))
    ]
    video = join(tmp_path / f"joined{suffix}", *parts)
    events = [Highlight(1, time, "soccer", "#4ade80") for time in (25_000, 40_000)]
    done = write_highlights({1: video}, events, tmp_path / "clips")
    over, behind = (clip_of(tmp_path / "clips" / clip)[0] for clip in done.clips)
    assert (over, behind) == (list(range(170, 320)), list(range(320, 470)))


def test_a_clip_that_cannot_be_made_does_not_cost_the_others(tmp_path, monkeypatch):
    from rmsnet.matches.highlights import clips

    video = write_video(tmp_path / "half.mkv", TIMES, rate=RATE, options=GROUPS)
    copy = clips.copy_clip

    def fails_once(video, start, end, out):
        if start == 0:
            raise av.error.PermissionError(1, "Operation not permitted")
        return copy(video, start, end, out)

    monkeypatch.setattr(clips, "copy_clip", fails_once)
    events = [Highlight(1, time, "soccer", "#4ade80") for time in EVENTS_MS]
    done = write_highlights({1: video}, events, tmp_path / "clips")
    assert done.clips == ("02_1-00m14s_goal.mp4",)
    assert done.left_out == (f"Goal 1': {video}: Operation not permitted",)
    assert {path.name for path in (tmp_path / "clips").iterdir()} == {*done.clips, "reel.mp4"}
