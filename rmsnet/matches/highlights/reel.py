"""Stretches of videos, decoded and encoded again as one file at a constant frame rate, with captions drawn in."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from rmsnet.errors import UserError
from rmsnet.video.decoding import rgb_picture
from rmsnet.video.files import Footage, file_of, half_video
from rmsnet.video.opening import open_video
from rmsnet.video.packets import Tally, frames_from, packets_from

if TYPE_CHECKING:
    from PIL.Image import Image

SAMPLE_RATE = 48_000
SOUND_CHANNELS = 2

ENCODER_OPTIONS = {"preset": "veryfast", "crf": "20"}
"""x264: good to look at, and twice as fast as a half plays on two cores at 720p."""

HIGHEST_FRAME_RATE = 60


@dataclass(frozen=True)
class Caption:
    """What the picture says from a moment on.

    Attributes:
        start: seconds from the start of the video.
        text: class.
        minute: as it is said on television.
        color: #rrggbb.
        moment: seconds from the start of the video at which it happens.
    """

    start: float
    text: str
    minute: str
    color: str
    moment: float = float("inf")


@dataclass(frozen=True)
class Segment:
    """A stretch of a video.

    Attributes:
        video: of the half.
        start, end: seconds from the start of the half.
        captions: in order of time.
    """

    video: Footage
    start: float
    end: float
    captions: tuple[Caption, ...] = ()


def encode(segments: Sequence[Segment], out: Path, advance: Callable[[], object] = lambda: None) -> None:
    """Write segments one after the other into an H.264 (and, if any has sound, AAC) MP4 file.

    Size and frame rate are those of the first segment's video, upright and with square pixels; pictures of another
    shape are fitted into it on black. Each segment's captions are drawn and become chapters; `advance` is called
    after each of a segment's captions is done.

    Raises:
        UserError: a segment without a picture.
    """
    import av
    from PIL import Image

    rate, size, with_sound = _format(segments)
    with av.open(str(out.absolute()), "w", options={"movflags": "+faststart"}) as output:
        picture_stream = output.add_stream("libx264", rate=rate, options=ENCODER_OPTIONS)
        picture_stream.width, picture_stream.height = size
        picture_stream.pix_fmt = "yuv420p"
        sound_stream = output.add_stream("aac", rate=SAMPLE_RATE, layout="stereo") if with_sound else None
        chapters: list[Any] = []
        number = 0
        for segment in segments:
            first = number
            captions = [(caption, caption_image(caption, size)) for caption in segment.captions]
            for k, picture in enumerate(_pictures(segment, rate)):
                image = _fitted(Image.fromarray(picture), size)
                time = segment.start + k / rate
                current = [drawn for caption, drawn in captions if caption.start <= time + 1e-6]
                if current:
                    image.paste(current[-1], (0, 0), current[-1])
                frame = av.VideoFrame.from_image(image)
                frame.pts, frame.time_base = number, 1 / rate
                output.mux(picture_stream.encode(frame))
                number += 1
            chapters += _chapters(segment, first, number, rate, len(chapters))
            if sound_stream is not None:
                _write_sound(output, sound_stream, segment, Fraction(first) / rate, Fraction(number) / rate)
            for _ in captions:
                advance()
        output.mux(picture_stream.encode(None))
        if sound_stream is not None:
            output.mux(sound_stream.encode(None))
        if chapters:
            output.set_chapters(chapters)


def _format(segments: Sequence[Segment]) -> tuple[Fraction, tuple[int, int], bool]:
    """Frame rate, even (width, height), and whether any of the videos has sound."""
    rate = 1 / half_video(segments[0].video).recording.step
    height, width = next(_pictures(segments[0], rate)).shape[:2]
    sounds = []
    for video in {file_of(segment.video) for segment in segments}:
        container, _ = open_video(video)
        with container:
            sounds.append(bool(container.streams.audio))
    size = (max(2, width - width % 2), max(2, height - height % 2))
    return min(rate, Fraction(HIGHEST_FRAME_RATE)), size, any(sounds)


def _pictures(segment: Segment, rate: Fraction) -> Iterator[npt.NDArray[np.uint8]]:
    """What a player shows at start, start + 1/rate, … to the end: the last picture that is not later.

    Raises:
        UserError: no picture can be decoded there.
    """
    half = half_video(segment.video)
    begin = Fraction(half.start_seconds) + Fraction(segment.start)
    count = max(1, round((segment.end - segment.start) * rate))
    done, shown = 0, None
    for found in frames_from(half.recording, begin, Tally()):
        time = float(found.seconds - begin)
        if shown is not None and done < count and done / rate < time - 1e-6:
            picture = rgb_picture(shown)
            while done < count and done / rate < time - 1e-6:
                yield picture
                done += 1
        shown = found
        if done == count:
            return
    if shown is None:
        raise UserError(f"{segment.video}: no picture can be decoded at {segment.start:.0f} s")
    # The end of the video: its last picture stands for the rest of the segment, a moment.
    picture = rgb_picture(shown)
    for _ in range(done, count):
        yield picture


def _fitted(image: "Image", size: tuple[int, int]) -> "Image":
    """The image in a frame of another size: cropped by a pixel where that is odd, else scaled, on black."""
    from PIL import Image, ImageOps

    if image.size == size:
        return image
    if image.width - size[0] in (0, 1) and image.height - size[1] in (0, 1):
        return image.crop((0, 0, *size))
    return ImageOps.pad(image, size, Image.Resampling.BILINEAR)


def _chapters(segment: Segment, first: int, end: int, rate: Fraction, number: int) -> list[dict[str, Any]]:
    """A chapter per caption, in frames of the reel."""
    begins = [first + max(0, round((caption.start - segment.start) * rate)) for caption in segment.captions]
    return [
        {
            "id": number + k,
            "start": begin,
            "end": begin_of_next,
            "time_base": 1 / rate,
            "metadata": {"title": f"{caption.text} {caption.minute}"},
        }
        for k, (caption, (begin, begin_of_next)) in enumerate(
            zip(segment.captions, pairwise([*begins, end]), strict=True)
        )
    ]


def _write_sound(output: Any, stream: Any, segment: Segment, begin: Fraction, end: Fraction) -> None:
    """The segment's sound from `begin` to `end` of the reel, in seconds; silence where there is none."""
    import av

    first, last = round(begin * SAMPLE_RATE), round(end * SAMPLE_RATE)
    samples = _sound(segment, last - first)
    frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="stereo")
    frame.sample_rate = SAMPLE_RATE
    frame.pts, frame.time_base = first, Fraction(1, SAMPLE_RATE)
    output.mux(stream.encode(frame))


def _sound(segment: Segment, length: int) -> npt.NDArray[np.float32]:
    """(2, length) samples from the segment's start on, each at its own time."""
    samples = np.zeros((SOUND_CHANNELS, length), np.float32)
    half = half_video(segment.video)
    begin = Fraction(half.start_seconds) + Fraction(segment.start)
    with packets_from(half.recording, begin, Tally(), sound=True) as packets:
        for heard, pts, time_base in _resampled(packet for packet in packets if packet.stream.type == "audio"):
            at = round((pts * time_base - half.recording.start - begin) * SAMPLE_RATE)
            if at >= length:
                break
            part = heard[:, max(0, -at) :][:, : length - max(0, at)]
            samples[:, max(0, at) : max(0, at) + part.shape[1]] = part
    return samples


def _resampled(packets: Iterable[Any]) -> Iterator[tuple[npt.NDArray[np.float32], int, Fraction]]:
    """(2, N) samples at SAMPLE_RATE of every packet that can be decoded, with the time of the first of them."""
    import av

    resamplers: dict[tuple[str, str, int], Any] = {}
    for packet in packets:
        try:
            frames = packet.decode()
        except av.FFmpegError:
            continue
        for frame in frames:
            kind = (frame.format.name, frame.layout.name, frame.sample_rate)
            if kind not in resamplers:  # in a joined recording it may change
                resamplers[kind] = av.AudioResampler(format="fltp", layout="stereo", rate=SAMPLE_RATE)
            for part in resamplers[kind].resample(frame):
                if part.pts is not None:
                    yield part.to_ndarray(), part.pts, part.time_base


def caption_image(caption: Caption, size: tuple[int, int]) -> "Image":
    """A picture of a size, transparent but for the caption at its lower left."""
    import matplotlib
    from PIL import Image, ImageDraw, ImageFont

    width, height = size
    unit = max(10, round(height / 14))
    # Matplotlib brings the font along; the machine may have none.
    font = ImageFont.truetype(Path(matplotlib.get_data_path()) / "fonts/ttf/DejaVuSans-Bold.ttf", unit)
    image = Image.new("RGBA", size)
    draw = ImageDraw.Draw(image)
    text_width, minute_width = draw.textlength(caption.text, font), draw.textlength(caption.minute, font)
    left, bottom = unit, height - unit
    top = bottom - round(1.7 * unit)
    bar, gap = max(3, unit // 4), round(0.6 * unit)
    right = min(width, left + bar + 3 * gap + text_width + minute_width)
    draw.rectangle((left, top, right, bottom), fill=(10, 14, 18, 215))
    draw.rectangle((left, top, left + bar, bottom), fill=caption.color)
    middle = (top + bottom) / 2
    draw.text((left + bar + gap, middle), caption.text, font=font, fill="white", anchor="lm")
    draw.text((left + bar + 2 * gap + text_width, middle), caption.minute, font=font, fill=caption.color, anchor="lm")
    return image
