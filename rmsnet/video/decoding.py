"""Pictures of a video at fixed times: by presentation time, never by counting frames.

A sample shows what a player shows at its time: the last picture whose presentation time is not later. So variable
frame rates, reordered (B) frames, rates below the sampling rate and stretches without pictures all come out at the
right time. Time zero is the start of the half, which is that of the file unless video.ini says otherwise; where the
video starts later than the sound, the first picture stands in for what is missing.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from rmsnet.errors import UserError
from rmsnet.video.files import Footage, HalfVideo, half_video
from rmsnet.video.packets import Tally, TimedFrame, frames_from
from rmsnet.video.probing import too_damaged

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
        remarks: what was seen before it was decoded.
        damaged: packets that could not be decoded or read, and pictures marked as corrupt, which were left out.
        gaps: (start, end) in seconds of stretches longer than `GAP_SECONDS` without a new picture.
        seconds: time of the end of the last picture.
        announced_seconds: duration the container announces; None: it does not say.
    """

    remarks: tuple[str, ...] = ()
    damaged: int = 0
    gaps: list[tuple[float, float]] = field(default_factory=list)
    seconds: float = 0.0
    announced_seconds: float | None = None

    def warnings(self) -> list[str]:
        """One line for each irregularity."""
        lines = [*self.remarks, *(f"no new picture from {start:.1f} s to {end:.1f} s" for start, end in self.gaps)]
        if self.damaged:
            lines.append(f"{self.damaged} damaged packets were left out")
        if self.announced_seconds is not None and self.announced_seconds - self.seconds > CUT_SHORT_SECONDS:
            lines.append(f"the pictures end at {self.seconds:.1f} s of {self.announced_seconds:.1f} s")
        return lines


def sampled_pictures(
    video: Footage, frame_rate: float, first_frame_seconds: float, report: DecodingReport | None = None
) -> Iterator[Picture]:
    """The pictures that a half shows at `first_frame_seconds + k / frame_rate`, k = 0, 1, …, to its end; at least one.

    One picture is in memory at a time, whatever the length of the video. A picture that stands for several samples
    is yielded several times, as the same array.

    Args:
        video: any file that FFmpeg reads, or a part of one.
        frame_rate: samples per second.
        first_frame_seconds: time of the first sample from the start of the half.
        report: told of what was not in order.

    Raises:
        UserError: no such file, no video in it, nothing that can be decoded, or most of it damaged.
    """
    yield from half_pictures(half_video(video), frame_rate, first_frame_seconds, report or DecodingReport())


def half_pictures(
    half: HalfVideo, frame_rate: float, first_frame_seconds: float, report: DecodingReport, skip: int = 0
) -> Iterator[Picture]:
    """See `sampled_pictures`; of a half that is known, and without its first `skip` samples."""
    report.remarks, report.announced_seconds = half.recording.remarks, half.announced_seconds
    tally = Tally()
    step = 1 / Fraction(frame_rate)
    sample = Fraction(first_frame_seconds) + skip * step
    begin = Fraction(half.start_seconds)
    shown: TimedFrame | None = None
    time = end = Fraction(0)
    picture: Picture | None = None
    for found in frames_from(half.recording, begin + (sample if skip else 0), tally):
        frame_time = found.seconds - begin
        # Up to this frame's time the screen shows the one before it; before the first one, the first one.
        until = frame_time if half.end is None or frame_time < half.end else half.end
        while sample < until:
            picture = rgb_picture(found if shown is None else shown) if picture is None else picture
            yield picture
            sample += step
        if shown is not None:
            picture = None
        if frame_time - max(time, Fraction(0)) > GAP_SECONDS and not (skip and shown is None):
            report.gaps.append((float(time), float(until)))
        if shown is not None and until < frame_time:
            end = until
            break
        shown, time, end = found, frame_time, frame_time + found.duration
        if half.end is not None:
            end = min(end, half.end)
        report.seconds, report.damaged = float(end), tally.damaged
    report.damaged = tally.damaged
    if shown is None:
        raise UserError(f"{half.recording.path}: no picture of the video can be decoded; get the file again")
    if problem := too_damaged(tally.damaged, tally.packets):
        raise UserError(f"{half.recording.path}: {problem}")
    # Closed at the end, as SoccerNet counts: 45 minutes are 5400 samples. A flash of a video still is one.
    end = max(end, Fraction(first_frame_seconds))
    while sample <= end:
        picture = rgb_picture(shown) if picture is None else picture
        yield picture
        sample += step


def expected_samples(video: Footage, frame_rate: float, first_frame_seconds: float) -> int:
    """How many samples there will be, for progress.

    Raises:
        UserError: as `sampled_pictures`.
    """
    seconds = Fraction(half_video(video).seconds)
    return max(0, int((seconds - Fraction(first_frame_seconds)) * Fraction(frame_rate)) + 1)


def rgb_picture(shown: TimedFrame) -> Picture:
    """The frame as RGB with 8 bits, square pixels, one field if it is interlaced, turned upright."""
    frame = shown.frame
    width = max(1, round(frame.width * shown.aspect))
    picture: Picture = frame.to_ndarray(format="rgb24", width=width, height=frame.height)
    if frame.interlaced_frame:
        # Two moments in one picture: the first field alone is one moment.
        picture = picture[::2].repeat(2, axis=0)[: frame.height]
    turns = round(frame.rotation / 90) % 4
    return np.ascontiguousarray(np.rot90(picture, turns)) if turns else picture
