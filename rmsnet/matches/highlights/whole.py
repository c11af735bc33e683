"""A whole half encoded for browsers: H.264 and AAC in MP4, every picture at its own time."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

from rmsnet.files import atomic_file
from rmsnet.matches.highlights.cutting import copy_half
from rmsnet.matches.highlights.reel import SAMPLE_RATE, Segment, _fitted, _write_sound
from rmsnet.video.decoding import rgb_picture
from rmsnet.video.files import half_video
from rmsnet.video.opening import open_video
from rmsnet.video.packets import Tally, frames_from

TICKS = 90_000
"""Of a second: fine enough for every rate."""

STRETCH_SECONDS = 20
"""Pictures and sound lie so near to each other in the file."""

LARGEST_HEIGHT = 720

OPTIONS = {"preset": "veryfast", "crf": "23", "g": "25", "bf": "0"}
"""A key frame a second: going a picture back is quick."""


def copy_for_browsers(video: Path, out: Path, advance: Callable[[float], object]) -> None:
    """Make an MP4 file of a whole video that every browser plays; its clock starts where the recording does.

    Args:
        video: any file that FFmpeg reads.
        out: the new file; appears when it is whole.
        advance: told how many seconds are done.

    Raises:
        UserError: no usable video.
    """
    if not copy_half(video, out):
        _encode(video, out, advance)


def _encode(video: Path, out: Path, advance: Callable[[float], object]) -> None:
    import av
    from PIL import Image

    recording = half_video(video).recording
    offset = half_video(video).start_seconds  # segments count from the half's start
    container, _ = open_video(video)
    with container:
        has_sound = bool(container.streams.audio)
    out.parent.mkdir(parents=True, exist_ok=True)
    with (
        atomic_file(out) as partial,
        av.open(str(partial.absolute()), "w", format="mp4", options={"movflags": "+faststart"}) as output,
    ):
        pictures = output.add_stream("libx264", rate=round(1 / recording.step) or 25, options=OPTIONS)
        pictures.pix_fmt = "yuv420p"
        pictures.time_base = pictures.codec_context.time_base = Fraction(1, TICKS)
        sound = output.add_stream("aac", rate=SAMPLE_RATE, layout="stereo") if has_sound else None
        size: tuple[int, int] | None = None
        done, last = 0.0, -1

        def write_sound(end: float) -> None:
            nonlocal done
            if sound is not None and end > done:
                part = Segment(video, done - offset, end - offset)
                _write_sound(output, sound, part, Fraction(done), Fraction(end))
            done = end
            advance(done)

        for found in frames_from(recording, Fraction(0), Tally()):
            image = Image.fromarray(rgb_picture(found))
            if size is None:
                share = min(1.0, LARGEST_HEIGHT / image.height)
                size = (max(2, round(image.width * share / 2) * 2), max(2, round(image.height * share / 2) * 2))
                pictures.width, pictures.height = size
            frame = av.VideoFrame.from_image(image.resize(size) if _scaled(image.size, size) else _fitted(image, size))
            frame.pts, frame.time_base = max(last + 1, round(found.seconds * TICKS)), Fraction(1, TICKS)
            last = frame.pts
            output.mux(pictures.encode(frame))
            if found.seconds >= done + STRETCH_SECONDS:
                write_sound(done + STRETCH_SECONDS)
        write_sound(recording.seconds)
        output.mux(pictures.encode(None))
        if sound is not None:
            output.mux(sound.encode(None))


def _scaled(one: tuple[int, int], other: tuple[int, int]) -> bool:
    """Whether a picture of one size has the shape of another, and only that."""
    return one != other and abs(one[0] * other[1] - one[1] * other[0]) <= 2 * max(*one, *other)
