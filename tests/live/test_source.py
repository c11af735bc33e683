"""Streams that give nothing."""

import time
from http.server import BaseHTTPRequestHandler

import av
import numpy as np

from rmsnet.live.source import Source
from tests.live.streams import listening


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


def test_a_protocol_that_this_machine_cannot_speak_is_told_of():
    told, _ = watch("tcp://127.0.0.1:9")
    assert len(told) == 1


def test_a_file_that_does_not_grow_any_more_is_over(tmp_path):
    from tests.live.streams import write_segments

    (segment,) = write_segments(tmp_path, 2)
    told, taker = [], Nobody()
    Source(str(segment), 0.3, told.append).read(taker, lambda: False)
    assert taker.taken > 20
    assert not told
