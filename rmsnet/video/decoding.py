"""Pictures of a video at fixed times: by presentation time, never by counting frames.

A sample shows what a player shows at its time: the last picture whose presentation time is not later. So variable
frame rates, reordered (B) frames, rates below the sampling rate and stretches without pictures all come out at the
right time. Time zero is the start of the file, as in a player; where the video starts later than the sound, the
first picture stands in for what is missing.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rmsnet.errors import UserError

Picture = npt.NDArray[np.uint8]
"""(height, width, 3) RGB, upright, square pixels."""

GAP_SECONDS = 5
"""A picture that stands for longer than this is reported."""

CUT_SHORT_SECONDS = 2
"""A video that ends so much before its container says it does is reported as cut short."""


@dataclass
class DecodingReport:
    """What was not in order in a video; filled while it is decoded.

    Attributes:
        damaged: packets that could not be decoded or read and were left out.
        gaps: (start, end) in seconds of stretches longer than `GAP_SECONDS` without a new picture.
        seconds: time of the end of the last picture.
        announced_seconds: duration the container announces; None: it does not say.
    """

    damaged: int = 0
    gaps: list[tuple[float, float]] = field(default_factory=list)
    seconds: float = 0.0
    announced_seconds: float | None = None

    def warnings(self) -> list[str]:
        """One line for each irregularity."""
        lines = [f"no new picture from {start:.1f} s to {end:.1f} s" for start, end in self.gaps]
        if self.damaged:
            lines.append(f"{self.damaged} damaged packets were left out")
        if self.announced_seconds is not None and self.announced_seconds - self.seconds > CUT_SHORT_SECONDS:
            lines.append(f"the pictures end at {self.seconds:.1f} s of {self.announced_seconds:.1f} s")
        return lines


def sampled_pictures(
    path: Path, frame_rate: float, first_frame_seconds: float, report: DecodingReport | None = None
) -> Iterator[Picture]:
    """The pictures that a video shows at `first_frame_seconds + k / frame_rate`, k = 0, 1, …, to its end; at least one.

    One picture is in memory at a time, whatever the length of the video. A picture that stands for several samples
    is yielded several times, as the same array.

    Args:
        path: any file that FFmpeg reads.
        frame_rate: samples per second.
        first_frame_seconds: time of the first sample from the start of the file.
        report: told of what was not in order.

    Raises:
        UserError: no such file, no video in it, or nothing that can be decoded.
    """
    report = DecodingReport() if report is None else report
    container, stream = open_video(path)
    with container:
        step, sample = 1 / Fraction(frame_rate), Fraction(first_frame_seconds)
        aspect = stream.sample_aspect_ratio or 1
        shown: Any = None
        time = end = Fraction(0)
        picture: Picture | None = None
        for frame, frame_time, duration in _timed_frames(container, stream, report):
            # Up to this frame's time the screen shows the one before it; before the first one, the first one.
            while sample < frame_time:
                picture = rgb_picture(frame if shown is None else shown, aspect) if picture is None else picture
                yield picture
                sample += step
            if shown is not None:
                picture = None
            if frame_time - time > GAP_SECONDS:
                report.gaps.append((float(time), float(frame_time)))
            shown, time, end = frame, frame_time, frame_time + duration
            report.seconds = float(end)
        if shown is None:
            raise UserError(f"{path}: no picture of the video can be decoded; get the file again")
        # Closed at the end, as SoccerNet counts: 45 minutes are 5400 samples. A flash of a video still is one.
        end = max(end, Fraction(first_frame_seconds))
        while sample <= end:
            picture = rgb_picture(shown, aspect) if picture is None else picture
            yield picture
            sample += step


def expected_samples(path: Path, frame_rate: float, first_frame_seconds: float) -> int | None:
    """How many samples the container announces, for progress; None: it does not say.

    Raises:
        UserError: as `sampled_pictures`.
    """
    container, stream = open_video(path)
    with container:
        seconds = _announced(container, stream)
    return (
        None if seconds is None else max(0, int((seconds - Fraction(first_frame_seconds)) * Fraction(frame_rate)) + 1)
    )


def open_video(path: Path) -> tuple[Any, Any]:
    """The container and its first video stream, ready to decode on all cores."""
    import av

    path = Path(path)
    if not path.is_file():
        raise UserError(f"{path}: no such video file")
    try:
        container = av.open(str(path), mode="r", metadata_errors="replace")
    except (av.FFmpegError, OSError) as error:
        raise UserError(f"{path}: no video, or damaged at its start ({_reason(error)}); get the file again") from None
    streams = [stream for stream in container.streams.video if not _is_cover(stream)]
    problem = None
    if not streams:
        problem = "has no video stream"
    elif streams[0].codec_context is None:
        problem = "FFmpeg has no decoder for its video stream; convert it to H.264"
    elif 0 in (streams[0].codec_context.width, streams[0].codec_context.height):
        problem = "its video stream has no picture size (0×0); get the file again"
    if problem is not None:
        container.close()
        raise UserError(f"{path}: {problem}")
    streams[0].thread_type = "AUTO"
    return container, streams[0]


def _is_cover(stream: Any) -> bool:
    """Whether a video stream is a still picture attached to a sound file."""
    import av

    return bool(stream.disposition & av.stream.Disposition.attached_pic)


def _reason(error: BaseException) -> str:
    return str(getattr(error, "strerror", None) or error)


def start_of(container: Any, stream: Any) -> Fraction:
    """Time of the start of the file, on the video stream's clock."""
    import av

    if container.start_time is not None:
        return Fraction(container.start_time, av.time_base)
    return (stream.start_time or 0) * Fraction(stream.time_base)


def _announced(container: Any, stream: Any) -> Fraction | None:
    """Time from the start of the file to the end of the video, as the container says."""
    import av

    if stream.duration is not None:
        begin = Fraction(0) if stream.start_time is None else stream.start_time * stream.time_base
        return Fraction(begin + stream.duration * stream.time_base - start_of(container, stream))
    return None if container.duration is None else Fraction(container.duration, av.time_base)


def _timed_frames(container: Any, stream: Any, report: DecodingReport) -> Iterator[tuple[Any, Fraction, Fraction]]:
    """Frames in the order of presentation with time and duration in seconds from the start of the file.

    Frames whose time runs backwards, or leaps past the announced end, come from damage and are left out.
    """
    start = start_of(container, stream)
    announced = _announced(container, stream)
    report.announced_seconds = None if announced is None else float(announced)
    latest = None if announced is None else announced + CUT_SHORT_SECONDS
    usual = 1 / Fraction(stream.average_rate or stream.guessed_rate or 25)
    previous: Fraction | None = None
    for frame in _frames(container, stream, report):
        time_base = Fraction(frame.time_base or stream.time_base)
        duration = frame.duration * time_base if frame.duration else usual
        if frame.pts is not None:
            time = frame.pts * time_base - start
        else:
            time = Fraction(0) if previous is None else previous + duration
        backwards = previous is not None and time <= previous
        leaps = latest is not None and time > latest and time - (previous or 0) > GAP_SECONDS
        if backwards or leaps:
            report.damaged += 1
            continue
        previous = time
        yield frame, time, duration


def _frames(container: Any, stream: Any, report: DecodingReport) -> Iterator[Any]:
    """All frames that can be decoded; what cannot is counted and left out."""
    import av

    while True:
        packets = 0
        try:
            for packet in container.demux(stream):
                packets += 1
                try:
                    frames = packet.decode()
                except av.FFmpegError:
                    report.damaged += 1
                    continue
                yield from frames
            return
        except av.FFmpegError:
            # The container is damaged here; it may go on behind.
            report.damaged += 1
            if packets == 0:
                break
    with suppress(av.FFmpegError):
        yield from stream.codec_context.decode(None)


def rgb_picture(frame: Any, aspect: Fraction | int) -> Picture:
    """The frame as RGB with 8 bits, square pixels, one field if it is interlaced, turned upright."""
    width = max(1, round(frame.width * aspect))
    picture: Picture = frame.to_ndarray(format="rgb24", width=width, height=frame.height)
    if frame.interlaced_frame:
        # Two moments in one picture: the first field alone is one moment.
        picture = picture[::2].repeat(2, axis=0)[: frame.height]
    turns = round(frame.rotation / 90) % 4
    return np.ascontiguousarray(np.rot90(picture, turns)) if turns else picture
