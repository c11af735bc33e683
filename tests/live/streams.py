"""A match that is served as live streams are: segments by FFmpeg, a playlist that grows, a server that fails."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import av
import numpy as np
import torch
from safetensors.torch import save_file

from rmsnet.video.backbones import open_backbone
from rmsnet.video.decoding import Picture
from rmsnet.video.recipe import BACKBONE_FILE, Recipe
from tests.matches.builders import write_sure_model

SEGMENT_SECONDS = 2
RATE = 10


def write_video_model(folder: Path, **config: object) -> Path:
    """A model of random weights that reads small pictures through a small random network."""
    from torchvision import models

    torch.manual_seed(0)
    folder.mkdir(parents=True)
    save_file(models.resnet18().state_dict(), folder / "random.safetensors")
    network, described = open_backbone("resnet18", str(folder / "random.safetensors"))
    recipe = Recipe(**described, **{"height": 32, "width": 32, "resize": 32}, frame_rate=2.0, first_frame_seconds=0.5)
    write_sure_model(folder, width=512, features=recipe.features_info(), **config)
    save_file(network.state_dict(), folder / BACKBONE_FILE)
    return folder


def scene(number: int) -> Picture:
    """Something that changes every three seconds, and moves."""
    random = np.random.default_rng(number // (3 * RATE))
    picture = np.repeat(np.repeat(random.integers(0, 255, (4, 6, 3), np.uint8), 16, axis=0), 16, axis=1)
    return np.roll(picture, 3 * (number % (3 * RATE)), axis=1)


def write_segments(folder: Path, seconds: int, first: int = 0, clock: int = 0) -> list[Path]:
    """Segments of two seconds, MPEG-TS with H.264 that has B-frames, whose clock begins at so many seconds."""
    paths = []
    options = {"bf": "2", "g": str(SEGMENT_SECONDS * RATE), "sc_threshold": "0"}
    with av.open(str(folder / "whole.ts"), "w") as container:
        stream = container.add_stream("libx264", rate=RATE, options=options)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        sound = container.add_stream("aac", rate=8000, layout="mono")
        for number in range(seconds * RATE):
            frame = av.VideoFrame.from_ndarray(scene(first * RATE + number), format="rgb24")
            frame.pts, frame.time_base = clock * RATE + number, Fraction(1, RATE)
            container.mux(stream.encode(frame))
            silence = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), format="s16", layout="mono")
            silence.sample_rate, silence.time_base = 8000, Fraction(1, 8000)
            silence.pts = 8000 * clock + 800 * number
            container.mux(sound.encode(silence))
        container.mux(stream.encode(None))
        container.mux(sound.encode(None))
    with av.open(str(folder / "whole.ts")) as whole:
        out, streams = None, {}
        for packet in whole.demux(whole.streams.video[0], whole.streams.audio[0]):
            if packet.size == 0:
                continue
            if packet.stream.type == "video" and packet.is_keyframe:
                if out is not None:
                    out.close()
                paths.append(folder / f"{first:04d}-{len(paths):03d}.ts")
                out = av.open(str(paths[-1]), "w", options={"mpegts_copyts": "1"})
                streams = {
                    one.index: out.add_stream_from_template(one) for one in (packet.stream, whole.streams.audio[0])
                }
            if out is not None:
                packet.stream = streams[packet.stream.index]
                out.mux(packet)
        out.close()
    (folder / "whole.ts").unlink()
    return paths


class Playlist:
    """A playlist that holds the last segments of a match.

    Args:
        folder: where it and its segments lie.
        window: segments that it holds at most.
    """

    def __init__(self, folder: Path, window: int = 1000) -> None:
        self.path = folder / "live.m3u8"
        self._window = window
        self._lines: list[str] = []

    def add(self, segment: Path, jump: bool = False) -> None:
        self._lines.append(
            f"{'#EXT-X-DISCONTINUITY' + chr(10) if jump else ''}#EXTINF:{SEGMENT_SECONDS},\n{segment.name}"
        )
        self._write()

    def end(self) -> None:
        self._write("#EXT-X-ENDLIST")

    def _write(self, end: str = "") -> None:
        first = max(0, len(self._lines) - self._window)
        head = f"#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:{SEGMENT_SECONDS}\n#EXT-X-MEDIA-SEQUENCE:{first}"
        text = "\n".join([head, *self._lines[first:], end])
        partial = self.path.with_suffix(".new")
        partial.write_text(text)
        partial.replace(self.path)


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The address of a folder."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    with listening(partial(Quiet, directory=str(folder))) as address:
        yield address


@contextmanager
def listening(handler: object) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def play(
    playlist: Playlist, segments: Sequence[Path], speed: float = 20, jumps: Sequence[int] = ()
) -> threading.Thread:
    """Add the segments one after the other at so many times their speed, then end the playlist."""

    def work() -> None:
        for number, segment in enumerate(segments):
            playlist.add(segment, jump=number in jumps)
            time.sleep(SEGMENT_SECONDS / speed)
        playlist.end()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


class Hook(BaseHTTPRequestHandler):
    """A webhook that keeps what it is sent, and fails as it is told."""

    received: list[bytes]
    failures = 0
    slow = 0.0

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        time.sleep(type(self).slow)
        failing = type(self).failures > 0
        type(self).failures -= failing
        if not failing:
            type(self).received.append(body)
        self.send_response(500 if failing else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass
