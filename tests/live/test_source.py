"""Streams that give nothing."""

import time
from http.server import BaseHTTPRequestHandler

import av
import numpy as np
import pytest

from rmsnet.errors import UserError
from rmsnet.live import source as module
from rmsnet.live.source import Source
from tests.live.cameras import Encoder, free_udp_port, rtsp_camera
from tests.live.streams import listening, write_segments


class Nobody:
    """Takes packets."""

    def __init__(self):
        self.taken = 0

    def connected(self, step):
        pass

    def disconnected(self):
        pass

    def take(self, packet):
        self.taken += packet.size > 0


def watch(address, seconds=0.8):
    told, taker = [], Nobody()
    end = time.monotonic() + seconds
    Source(address, 60, told.append).read(taker, lambda: time.monotonic() > end)
    return told, taker


def test_a_camera_that_sends_only_sound_is_told_of_once_and_asked_again(tmp_path):
    with av.open(str(tmp_path / "sound.ts"), "w") as container:
        sound = container.add_stream("aac", rate=8000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 8000), np.int16), format="s16", layout="mono")
        frame.sample_rate = 8000
        container.mux(sound.encode(frame))
        container.mux(sound.encode(None))
    asked = []

    class Sound(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write((tmp_path / "sound.ts").read_bytes())

        def log_message(self, *_):
            pass

    with listening(Sound) as address:
        told, taker = watch(f"{address}/camera.ts", 1.5)
    assert told == [f"{address}/camera.ts: no pictures (it sends no pictures); it is tried again and again"]
    assert taker.taken == 0
    assert len(asked) > 1


def test_an_address_where_nobody_answers_is_told_of_once():
    told, _ = watch("http://127.0.0.1:9/live.m3u8")
    assert len(told) == 1
    assert "Connection refused" in told[0]


def test_a_protocol_that_this_machine_cannot_speak_is_refused():
    """PyAV's wheels have no SRT; where it was built on an FFmpeg that has it, the address is taken."""
    try:
        av.open("srt://127.0.0.1:9?timeout=1000", timeout=1.0)
    except av.error.ProtocolNotFoundError:
        with pytest.raises(UserError, match=r"^srt://127\.0\.0\.1:9: the FFmpeg in this PyAV speaks no SRT; .*udp://"):
            Source("srt://127.0.0.1:9", 60, print)
    except av.FFmpegError:
        Source("srt://127.0.0.1:9", 60, print)


@pytest.fixture(scope="module")
def segments(tmp_path_factory):
    return write_segments(tmp_path_factory.mktemp("segments"), 8)


def test_an_encoder_that_sends_over_udp_is_watched_and_one_that_falls_silent_told_of_once(segments, monkeypatch):
    monkeypatch.setattr(module, "SILENCE_SECONDS", 1.0)
    told, taker, paused = [], Nobody(), []
    with Encoder(free_udp_port(), segments) as encoder:

        def tell(line):
            told.append(line)
            encoder.resume()

        def stopped():
            if taker.taken > 40 and not paused:
                paused.append(taker.taken)
                encoder.pause()
            return taker.taken > 100 and bool(told) and len(told) % 2 == 0

        Source(encoder.address, 60, tell).read(taker, stopped)
    # A machine that is busy makes an encoder fall silent too.
    assert all(line.startswith(f"{encoder.address}: no pictures (") for line in told[::2])
    assert all(line.startswith(f"{encoder.address}: pictures again after ") for line in told[1::2])


def test_a_camera_that_speaks_rtsp_is_watched_and_asked_again_when_it_hangs_up(segments):
    told, taker = [], Nobody()
    with rtsp_camera(segments) as (address, asked):
        Source(address, 60, told.append).read(taker, lambda: asked.count("PLAY") > 1 and len(told) > 1)
    assert taker.taken > 40
    assert [line.partition(": ")[2][:16] for line in told] == ["no pictures (the", "pictures again a"]


def test_a_file_that_does_not_grow_any_more_is_over(tmp_path):
    (segment,) = write_segments(tmp_path, 2)
    told, taker = [], Nobody()
    Source(str(segment), 0.3, told.append).read(taker, lambda: False)
    assert taker.taken > 20
    assert not told
