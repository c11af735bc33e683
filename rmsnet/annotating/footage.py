"""What the page plays of a half: the video itself, or a copy that browsers know; and how loud it is."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from rmsnet.annotating.jobs import Advance
from rmsnet.errors import UserError
from rmsnet.files import content_hash
from rmsnet.matches.exports.cuts import Source
from rmsnet.matches.exports.source import source_of
from rmsnet.matches.match import MatchHalf
from rmsnet.video.clock import ONE_CLOCK
from rmsnet.video.files import file_of, half_video
from rmsnet.video.opening import open_video
from rmsnet.video.packets import Tally, packets_from

PLAYED = {"mov,mp4,m4a,3gp,3g2,mj2": {"h264", "av1", "vp9"}, "matroska,webm": {"h264", "vp8", "vp9", "av1"}}
"""Codecs of pictures that browsers play, by FFmpeg's name of the container."""

PLAYED_PICTURES = frozenset({"yuv420p", "yuvj420p"})

LOUDNESS_RATE = 8000
LOUDNESS_STEP = 0.5
"""Samples a second that are listened to, and seconds of a value of the lane."""


@dataclass(frozen=True)
class Footage:
    """A half's video.

    Attributes:
        number: of the half.
        video: the file; None: the half has none, or none that can be used.
        start: second of the recording at which the half begins, where nobody has set a kick-off.
        clock_start: seconds that a browser's clock is ahead of the recording's.
        seconds: of the recording.
        source: rate and time code.
        plays: whether browsers can be expected to play the file itself.
        remark: why there is no video.
    """

    number: int
    video: Path | None = None
    start: float = 0.0
    clock_start: float = 0.0
    seconds: float = 0.0
    source: Source | None = None
    plays: bool = False
    remark: str = ""

    def copy(self, folder: Path) -> Path:
        """Where a copy for browsers lies; another video, another copy."""
        assert self.video is not None
        status = self.video.stat()
        known = content_hash(str(self.video.resolve()), str(status.st_size), str(status.st_mtime_ns))[:8]
        return folder / f"{known}.mp4"


def footage_of(half: MatchHalf) -> Footage:
    """The video of a half."""
    if half.video is None:
        return Footage(half.number)
    video = file_of(half.video)
    try:
        shown = half_video(video)
        source, _ = source_of(half.number, video)
    except UserError as error:
        return Footage(half.number, remark=str(error))
    recording = shown.recording
    return Footage(
        half.number,
        video,
        shown.start_seconds,
        max(0.0, float(recording.start)),
        recording.seconds,
        source,
        recording.clock == ONE_CLOCK and _plays(video),
    )


def _plays(video: Path) -> bool:
    """Whether browsers know container and codecs."""
    container, stream = open_video(video)
    with container:
        known = stream.codec.canonical_name in PLAYED.get(container.format.name, set())
        return known and stream.codec_context.pix_fmt in PLAYED_PICTURES


def make_copy(footage: Footage, out: Path, advance: Advance) -> None:
    """Make the copy for browsers."""
    from rmsnet.matches.highlights.whole import copy_for_browsers

    assert footage.video is not None
    if out.exists():  # the file holds several halves
        return
    copy_for_browsers(footage.video, out, lambda seconds: advance(seconds / max(footage.seconds, 1e-9)))


def loudness(footage: Footage, advance: Advance) -> list[int]:
    """How loud each `LOUDNESS_STEP` of a video is, 0 to 100 of its loudest; empty where it has no sound."""
    import av

    assert footage.video is not None
    recording = half_video(footage.video).recording
    resampler = av.AudioResampler(format="s16", layout="mono", rate=LOUDNESS_RATE)
    size = round(LOUDNESS_RATE * LOUDNESS_STEP)
    sums = np.zeros(int(footage.seconds / LOUDNESS_STEP) + 1)
    heard = False
    with packets_from(recording, Fraction(0), Tally(), sound=True) as packets:
        for packet in packets:
            if packet.stream.type != "audio":
                continue
            try:
                frames = packet.decode()
            except av.FFmpegError:
                continue
            for part in (part for frame in frames for part in resampler.resample(frame) if part.pts is not None):
                first = round((part.pts * part.time_base - recording.start) * LOUDNESS_RATE)
                samples = part.to_ndarray()[0].astype(np.float64)
                places = np.clip((first + np.arange(len(samples))) // size, 0, len(sums) - 1)
                sums += np.bincount(places, samples**2, len(sums))
                heard = True
                advance(first / LOUDNESS_RATE / max(footage.seconds, 1e-9))
    levels = np.sqrt(sums)
    return [round(100 * level / levels.max()) for level in levels] if heard and levels.max() > 0 else []
