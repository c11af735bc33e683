"""Clips around the events of a match, and a reel of them with captions; PyAV only, no ffmpeg program.

    highlights/01_1-06m28s_goal.mp4 …   a clip per event
    highlights/reel.mp4                 all of them, captions of class and minute in the picture, a chapter for each

A clip is copied, packet by packet, where the video has a key frame shortly before its start: nothing is lost and it
takes no time. Elsewhere it is encoded again. The reel is always encoded, because its captions are drawn.
"""

import errno
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rmsnet.dataset.periods import HALVES, Period
from rmsnet.errors import UserError
from rmsnet.files import atomic_folder
from rmsnet.matches.highlights.cutting import copy_clip
from rmsnet.matches.highlights.reel import Caption, Segment, encode
from rmsnet.style.palette import name_of
from rmsnet.video.files import Footage, half_video
from rmsnet.video.opening import reason

BEFORE_SECONDS = 8.0
"""What a clip shows before its event: the play that leads to it."""

AFTER_SECONDS = 7.0
"""What it shows behind it: the celebration, the card held up, the players that change."""

HIGHLIGHTS = "highlights"
"""Folder of a match's clips."""

REEL = "reel.mp4"


@dataclass(frozen=True)
class Highlight:
    """An event to show.

    Attributes:
        half: 1 or 2.
        position_ms: milliseconds from the start of the half's video.
        label: its class.
        color: #rrggbb of its class.
        confidence: how sure the model is.
        before, after: seconds that are shown before it and behind it.
        shown_as: what people read for its class; "" as usual.
        periods: of the match; they say how its time is said.
    """

    half: int
    position_ms: int
    label: str
    color: str
    confidence: float = 1.0
    before: float = BEFORE_SECONDS
    after: float = AFTER_SECONDS
    shown_as: str = ""
    periods: tuple[Period, ...] = HALVES

    @property
    def name(self) -> str:
        """What people read for its class."""
        return self.shown_as or name_of(self.label)

    @property
    def minute(self) -> str:
        """Its time as people say it."""
        return self.periods[self.half - 1].said(self.position_ms)

    @property
    def title(self) -> str:
        return f"{self.name} {self.minute}"


@dataclass(frozen=True)
class Highlights:
    """What was made.

    Attributes:
        events: those that have a clip, in order of time.
        clips: names of their clips.
        reel: whether they are joined in one.
        copied: how many of them are copies of the video's own packets.
        left_out: titles of events that are not shown, and why.
    """

    events: tuple[Highlight, ...]
    clips: tuple[str, ...]
    reel: bool
    copied: int
    left_out: tuple[str, ...]


def write_highlights(
    videos: Mapping[int, Footage],
    events: Sequence[Highlight],
    folder: Path,
    advance: Callable[[], object] = lambda: None,
) -> Highlights:
    """Cut a clip around each event and join them in a reel.

    Args:
        videos: the video of each half.
        events: what to show, in order of time; their halves have videos.
        folder: appears, or is replaced, when everything is done.
        advance: called twice for every event: when its clip and when its part of the reel is done.

    Raises:
        UserError: a video that cannot be used.
    """
    import av

    seconds = {half: half_video(path).seconds for half, path in videos.items()}
    inside = [event for event in events if event.position_ms / 1000 < seconds[event.half]]
    left_out = [f"{event.title}: the video has no picture there" for event in events if event not in inside]
    clips: list[str] = []
    copied = 0
    shown = []
    reel = False
    with atomic_folder(folder) as partial:
        for number, event in enumerate(inside, start=1):
            name = f"{number:02d}_{_file_name(event)}.mp4"
            try:
                copied += cut_clip(_segment(videos, event, seconds), partial / name)
            except (UserError, av.FFmpegError, ValueError) as error:
                (partial / name).unlink(missing_ok=True)
                left_out.append(f"{event.title}: {_why(error, videos[event.half])}")
                advance()
            else:
                clips.append(name)
                shown.append(event)
            advance()
        if shown:
            segments = [_segment(videos, event, seconds, caption=True) for event in shown]
            try:
                encode(join_overlapping(segments), partial / REEL, advance)
                reel = True
            except (UserError, av.FFmpegError, ValueError) as error:
                (partial / REEL).unlink(missing_ok=True)
                left_out.append(f"{REEL}: {_why(error, segments[0].video)}")
    return Highlights(tuple(shown), tuple(clips), reel, copied, tuple(left_out))


def cut_clip(segment: Segment, out: Path) -> bool:
    """Copy a clip, or encode it where that cannot be done; whether it is a copy."""
    if copy_clip(segment.video, segment.start, segment.end, out):
        return True
    encode([segment], out)
    return False


def _why(error: Exception, video: Footage) -> str:
    """Why a clip could not be made of a video, in one line. A full disk is not the video's fault, and is raised."""
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        raise error
    return str(error) if isinstance(error, UserError) else f"{video}: {reason(error)}"


def _segment(
    videos: Mapping[int, Footage], event: Highlight, seconds: Mapping[int, float], caption: bool = False
) -> Segment:
    segment = segment_of(videos[event.half], seconds[event.half], event)
    return segment if caption else replace(segment, captions=())


def segment_of(video: Footage, seconds: float, event: Highlight) -> Segment:
    """What is shown of an event, with its caption.

    Args:
        video: of its half.
        seconds: how long the video is.
        event: before the end of it.
    """
    at = event.position_ms / 1000
    start, end = max(0.0, at - event.before), min(seconds, at + event.after)
    caption = Caption(start, event.name, event.minute, event.color, at)
    return Segment(video, start, end, (caption,))


def join_overlapping(segments: Sequence[Segment]) -> list[Segment]:
    """Segments of one video that overlap become one, so that the reel shows nothing twice.

    The next event's caption takes over in the middle of what the two share, or at its event if that is earlier.
    """
    joined: list[Segment] = []
    for segment in segments:
        while joined and joined[-1].video == segment.video and segment.start < joined[-1].end:
            segment = _joined(joined.pop(), segment)
        joined.append(segment)
    return joined


def _joined(one: Segment, other: Segment) -> Segment:
    """Two that overlap as one; the captions keep their order."""
    start, middle = min(one.start, other.start), (max(one.start, other.start) + min(one.end, other.end)) / 2
    captions = [replace(one.captions[0], start=start), *one.captions[1:]]
    for caption in other.captions:
        begin = min(max(middle, caption.start), caption.moment)
        captions.append(replace(caption, start=max(begin, captions[-1].start)))
    return Segment(one.video, start, max(one.end, other.end), tuple(captions))


def _file_name(event: Highlight) -> str:
    minutes, seconds = divmod(event.position_ms // 1000, 60)
    word = re.sub(r"[^a-z0-9]+", "-", name_of(event.label).lower()).strip("-")
    return f"{event.half}-{minutes:02d}m{seconds:02d}s_{word}"
