"""The video of a half for the page: which file a browser shows, and where in it the half begins."""

from dataclasses import dataclass
from pathlib import Path

from rmsnet.errors import UserError
from rmsnet.matches.exports.cuts import Source
from rmsnet.matches.exports.source import source_of
from rmsnet.matches.highlights.cutting import copy_half
from rmsnet.matches.match import MatchHalf
from rmsnet.reading.pieces import marks_of
from rmsnet.video.clock import ONE_CLOCK
from rmsnet.video.files import Part, file_of, half_video, is_untrimmed
from rmsnet.video.opening import open_video

UNPLAYED = frozenset({"mpegts"})
"""Containers that browsers do not play, whatever they hold (Chromium and Firefox; Safari does)."""


@dataclass(frozen=True)
class PageVideo:
    """What the page shows of a half.

    Attributes:
        path: the video; None: there is none to show.
        start_seconds: where on the browser's clock the half begins.
        remark: why there is none, "" where there simply is none.
        source: rate and time code of the half's video; None: there is none that can be used.
    """

    path: Path | None
    start_seconds: float = 0.0
    remark: str = ""
    source: Source | None = None


def _is_newer(copy: Path, file: Path) -> bool:
    changed = max(at for _, _, at in marks_of(file))
    return copy.exists() and copy.stat().st_mtime_ns > changed


def _is_played(file: Path) -> bool:
    container, _ = open_video(file)
    with container:
        return container.format.name not in UNPLAYED


def page_video(half: MatchHalf, out: Path) -> PageVideo:
    """The video of a half for the page; where browsers do not play it, or its clock breaks, a copy as MP4.

    Args:
        half: of the match.
        out: the match's folder.
    """
    import av

    if half.video is None:
        return PageVideo(None)
    try:
        shown = half_video(half.video)
        source, _ = source_of(half.number, half.video)
    except UserError as error:
        # What it cannot play the page says itself; of an untrimmed file nobody knows where the half is.
        if isinstance(half.video, Part) or is_untrimmed(half.video):
            return PageVideo(None, remark=str(error))
        return PageVideo(half.video)
    file, recording = file_of(half.video), shown.recording
    played, whole = _is_played(file), recording.clock == ONE_CLOCK and not recording.pieces
    if played and whole:
        # Browsers keep the file's own clock, which may begin later than 0.
        return PageVideo(file, shown.start_seconds + max(0.0, float(recording.start)), source=source)
    part = isinstance(half.video, Part)
    copy = out / "videos" / f"{file.stem if part else half.number}.mp4"
    try:
        # What holds several periods is copied once.
        if (part and _is_newer(copy, file)) or copy_half(file, copy):
            return PageVideo(copy, shown.start_seconds, source=source)
        reason = "its codecs are not for browsers"
    except (av.FFmpegError, OSError, ValueError) as error:
        reason = " ".join(str(error).split())
    if recording.pieces:
        odd = "lies in several files"
    elif not whole:
        odd = f"{recording.remarks[0]}; browsers lose their place there"
    else:
        odd = "browsers do not play MPEG-TS"
    return PageVideo(
        None,
        remark=f"{file.name}: {odd}, and it cannot be copied as MP4 ({reason}). The highlights (--highlights) show its "
        "events.",
        source=source,
    )
