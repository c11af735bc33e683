"""Small videos whose pictures say which they are: a number in black and white bars that survives compression."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import av.stream
import numpy as np

from rmsnet.video.decoding import Picture

BITS = 12
HEIGHT, WIDTH = 64, 96

TIMES = {"frame_rate": 2.0, "first_frame_seconds": 0.5}
"""When the samples of a recipe are taken, as SoccerNet takes them."""


def numbered(number: int, height: int = HEIGHT, width: int = WIDTH) -> Picture:
    """A picture that shows a number."""
    bars = [(number >> bit & 1) * 200 + 28 for bit in range(BITS)]
    row = np.repeat(np.array(bars, np.uint8), width // BITS)
    row = np.pad(row, (0, width - len(row)))
    return np.broadcast_to(row[None, :, None], (height, width, 3)).copy()


def number_of(picture: Picture) -> int:
    """The number that a picture shows, whatever its size."""
    bar = picture.shape[1] / BITS
    centres = [int((bit + 0.5) * bar) for bit in range(BITS)]
    rows = picture[: picture.shape[0] // 2]
    return sum(1 << bit for bit, centre in enumerate(centres) if rows[:, centre - 1 : centre + 2].mean() > 128)


def write_video(
    path: Path,
    times_ms: Sequence[int],
    *,
    sound_ms: int = 0,
    codec: str = "libx264",
    pixels: str = "yuv420p",
    options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
    rotation: int = 0,
    size: tuple[int, int] = (HEIGHT, WIDTH),
    numbers: Sequence[int] | None = None,
    rate: int = 25,
) -> Path:
    """Write a video whose picture k shows the number k at times_ms[k], with silence from 0 to sound_ms."""
    with av.open(str(path), "w", options=container_options or {}) as container:
        stream = container.add_stream(codec, rate=rate, options=options or {})
        stream.height, stream.width = size
        stream.pix_fmt = pixels
        stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
        if rotation:
            stream.set_display_rotation(rotation)
        sound = None
        if sound_ms:
            sound = container.add_stream("pcm_s16le" if path.suffix in (".mkv", ".avi") else "aac", rate=8000)
            sound.layout = "mono"
        for number, time in zip(numbers or range(len(times_ms)), times_ms, strict=True):
            frame = av.VideoFrame.from_ndarray(numbered(number, *size), format="rgb24")
            frame.pts, frame.time_base = time, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if sound is not None:
            for start in range(0, sound_ms * 8, 1024):
                silence = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.int16), format="s16", layout="mono")
                silence.sample_rate, silence.pts, silence.time_base = 8000, start, Fraction(1, 8000)
                container.mux(sound.encode(silence))
            container.mux(sound.encode(None))
    return path


def join(path: Path, *parts: Path) -> Path:
    """What `cat` makes of several recordings."""
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    return path


def write_streams(
    path: Path, sizes: Sequence[tuple[int, int]], *, shown: int | None = None, still: int | None = None
) -> Path:
    """A video of several picture streams, the k-th of which shows the number k for two seconds.

    Args:
        path: the file.
        sizes: (height, width) of each stream.
        shown: which of them the file marks as the default one.
        still: which of them is a single JPEG.
    """
    with av.open(str(path), "w") as container:
        streams = []
        for number, size in enumerate(sizes):
            stream = container.add_stream("mjpeg" if number == still else "libx264", rate=25)
            stream.height, stream.width = size
            stream.pix_fmt = "yuvj420p" if number == still else "yuv420p"
            if number == shown:
                stream.disposition = av.stream.Disposition.default
            streams.append(stream)
        for tick in range(50):
            for number, (stream, size) in enumerate(zip(streams, sizes, strict=True)):
                if number != still or tick == 0:
                    frame = av.VideoFrame.from_ndarray(numbered(number, *size), format="rgb24")
                    frame.pts, frame.time_base = tick, Fraction(1, 25)
                    container.mux(stream.encode(frame))
        for stream in streams:
            container.mux(stream.encode(None))
    return path
