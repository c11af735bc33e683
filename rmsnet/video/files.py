"""Which files of a folder are videos of a half, and which part of a file the half is.

1_224p.mkv, 2_720p.mp4, 1.mkv …    a half, from kick-off on, in some size
720p.mp4, match.mp4 …              a whole match: `Part` says which stretch of it is a period
1_HQ.mkv and video.ini             SoccerNet's HQ: begins before kick-off; video.ini says where the half lies in it
"""

import configparser
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from rmsnet.errors import UserError
from rmsnet.reading.pieces import wholes
from rmsnet.video.recording import Recording, usable

VIDEO_SUFFIXES = frozenset(
    (
        *(".mkv", ".mp4", ".mov", ".m4v", ".avi", ".webm", ".ts", ".mts", ".m2ts", ".m2t", ".mpg", ".mpeg", ".m2v"),
        *(".vob", ".mod", ".tod", ".mxf", ".flv", ".f4v", ".wmv", ".asf", ".3gp", ".3g2", ".ogv", ".ogm", ".dv"),
        *(".divx", ".rm", ".rmvb", ".nut", ".ivf", ".h264", ".264", ".hevc", ".h265", ".265", ".av1", ".m3u8"),
    )
)
"""What files of videos are called; whatever else FFmpeg opens may be named by itself."""

DAMAGED_SHARE = 0.05
"""A video of which more cannot be decoded is worth a look."""

UNTRIMMED = re.compile(r"[12]_HQ")
TRIMS = "video.ini"

SIZE = re.compile(r"|\d{3,4}p|HQ|LQ|[48]K|[FU]?HD", re.IGNORECASE)
"""What stands behind the half in names of the same pictures in several sizes."""

# GoPro: GH011234, GH021234 …, before that GOPR1234, GP011234 ….
_CHAPTER = re.compile(r"(?:(G[HXL])\d\d(\d{4})|(?:GOPR|GP\d\d)(\d{4}))")
_NAMED_HALF = re.compile(r"([1-9])(?:_(.*))?", re.DOTALL)


def is_video(path: Path) -> bool:
    return path.suffix.lower() in VIDEO_SUFFIXES and not path.name.startswith(".")


def is_untrimmed(path: Path) -> bool:
    """Whether it is one of SoccerNet's HQ videos, by its name."""
    return UNTRIMMED.fullmatch(path.stem) is not None


def half_in_name(path: Path) -> int | None:
    """The half that a name begins with: 2 of 2_224p.mkv and 2.mkv; None of 20_224p.mkv."""
    found = _NAMED_HALF.fullmatch(path.stem)
    return None if found is None else int(found[1])


def all_videos(folder: Path) -> list[Path]:
    """The videos of a game's folder, in the order of their names; the segments of a playlist are part of it.

    Several files that are one recording (`rmsnet.reading.pieces`) are named as the whole, where that is not there.
    """
    files = wholes(path for path in folder.iterdir() if is_video(path))
    segments = {name for path in files if path.suffix.lower() == ".m3u8" for name in _segments(path)}
    return [path for path in files if path.name not in segments]


def videos_in(folder: Path) -> dict[int, list[Path]]:
    """The videos of a game's folder by half, in the order of their names."""
    videos: dict[int, list[Path]] = {}
    for path in all_videos(folder):
        half = half_in_name(path)
        if half is not None:
            videos.setdefault(half, []).append(path)
    return videos


def videos_of(folder: Path, half: int | None) -> list[Path]:
    """The videos of a half; None: of the match, where one file holds it all."""
    if not folder.is_dir():
        return []
    return all_videos(folder) if half is None else videos_in(folder).get(half, [])


def _segments(playlist: Path) -> list[str]:
    try:
        return [Path(line.strip()).name for line in playlist.read_text("utf-8", "replace").splitlines()]
    except OSError:
        return []


def kind_of(path: Path, half: int | None) -> str:
    """Which of a half's videos it is: "224p" of 1_224p.mkv, "" of 1.mkv.

    Of a match's (half: None) "720p" of 720p.mp4, "" of a name that says no size.
    """
    if half is None:
        return path.stem if SIZE.fullmatch(path.stem) else ""
    found = _NAMED_HALF.fullmatch(path.stem)
    return "" if found is None else found[2] or ""


def find_video(folder: Path, half: int | None, *videos: str) -> Path:
    """The video of a half: {half}_<videos> with any suffix of a video; SoccerNet's older {half}.mkv where it is alone.

    Args:
        folder: of the game.
        half: number of the period; None: a file holds the match, <videos> with any suffix, or one of any name.
        videos: which, in the order of preference.

    Raises:
        UserError: there is none, or the half in pieces.
    """
    found = videos_of(folder, half)
    for kind in (*videos, ""):
        of_kind = [path for path in found if kind_of(path, half) == kind]
        if len(of_kind) > 1 and half is None and not kind:
            break
        if of_kind:
            return of_kind[0]
    sizes_of(found, half)
    instead = f" of this name, but {found[0].name}" if found else ""
    name, what = (videos[0], "match") if half is None else (f"{half}_{videos[0]}", "half")
    raise UserError(f"{folder / name}.mkv: the {what} has no video{instead}; get it, or take the game off its list")


def sizes_of(videos: Sequence[Path], half: int | None) -> tuple[list[Path], list[Path]]:
    """Of the videos of a half (None: of a match) those that show the same pictures in several sizes, and the unused.

    HQ videos hold more than the half and are taken where there is nothing else.

    Raises:
        UserError: several videos whose names say no size: pieces, or cameras.
    """
    sizes = [
        path for path in videos if SIZE.fullmatch(kind_of(path, half)) and (half is not None or kind_of(path, half))
    ]
    if not sizes and len(videos) > 1:
        raise UserError(pieces_message(videos, half))
    trimmed = [path for path in sizes if not is_untrimmed(path)]
    used = trimmed or sizes or list(videos)
    return used, [path for path in videos if path not in used and not is_untrimmed(path)]


def pieces_message(pieces: Sequence[Path], half: int | None) -> str:
    """What to do with several files of one half, or of one match."""
    names = " and ".join(path.name for path in pieces)
    what, out = ("match", "match.mkv") if half is None else (f"half, {half}", f"{half}.mkv")
    return (
        f"{pieces[0].parent}: {names} are of one {what}; of two cameras keep one, join pieces (not with cat): "
        f"{join_command(pieces, out)}"
    )


def join_command(pieces: Sequence[Path], out: str) -> str:
    """The command that makes one recording of several pieces."""
    lines = "".join(f"file '{path}'\\n" for path in pieces)
    return f'printf "{lines}" > list.txt && ffmpeg -f concat -safe 0 -i list.txt -c copy {out}'


def chapter_of(path: Path) -> str | None:
    """Which recording a camera's chapter is a part of: "GX0001" of GX020001.MP4; None: no such name."""
    found = _CHAPTER.fullmatch(path.stem.upper())
    return None if found is None else f"{(found[1] or 'GP')}{found[2] or found[3]}"


@dataclass(frozen=True)
class Part:
    """A period that is a part of a video file.

    Attributes:
        path: the file.
        start_seconds: where in it the period begins.
        seconds: how long it may last: to the next one, or as long as a period lasts at most.
    """

    path: Path
    start_seconds: float
    seconds: float

    def __str__(self) -> str:
        return str(self.path)


Footage = Path | Part
"""What shows a half: a file, or a part of one."""


def file_of(video: Footage) -> Path:
    return video.path if isinstance(video, Part) else video


@dataclass(frozen=True)
class HalfVideo:
    """A half in its video.

    Attributes:
        recording: the file.
        start_seconds: where in it the half begins.
        seconds: how long the half is.
        end: seconds from its start behind which the file shows something else; None: nothing.
        announced_seconds: how long it should be.
    """

    recording: Recording
    start_seconds: float
    seconds: float
    end: Fraction | None
    announced_seconds: float

    @property
    def cut(self) -> str:
        """Where the file ends before the half does, "" where it does not."""
        left = replace(self.recording, seconds=self.recording.seconds - self.start_seconds)
        return replace(left, announced=self.announced_seconds).cut


def half_video(video: Footage) -> HalfVideo:
    """The half that a video shows: all of a file, a part of it, or what video.ini says of an HQ file.

    Raises:
        UserError: the file cannot be used, ends before the half begins, or is an HQ file without a word on where its
            half lies.
    """
    path = file_of(video)
    recording = usable(path)
    part = part_of(video)
    if part is None:
        return HalfVideo(recording, 0.0, recording.seconds, None, max(recording.announced or 0, recording.seconds))
    start, seconds = part
    if start >= recording.seconds:
        said = f"its half starts at {start:.0f} s by {TRIMS}; get both again"
        if isinstance(video, Part):
            said = f"a period begins at {start:.0f} s by its kick-offs; correct them, or get the file again"
        raise UserError(f"{path}: is {recording.seconds:.0f} s long, {said}")
    if isinstance(video, Part):
        whole = max(recording.announced or 0, recording.seconds) - start
        left = min(recording.seconds - start, seconds)
        return HalfVideo(recording, start, left, Fraction(seconds), min(whole, seconds))
    return HalfVideo(recording, start, seconds, Fraction(seconds), seconds)


def judged_half(video: Footage) -> tuple[str, float, tuple[str, ...]]:
    """A half's video for those who describe it.

    Returns:
        Why it cannot be used or is not whole ("": it can, and is), how many seconds it has, or had when it was whole
        (NaN: unknown), and what is odd about it.
    """
    try:
        half = half_video(video)
    except UserError as error:
        return str(error).removeprefix(f"{video}: "), math.nan, ()
    remarks = half.recording.remarks
    if half.recording.damaged > DAMAGED_SHARE:
        remarks += (f"{half.recording.damaged:.0%} of the pictures that were tried cannot be decoded",)
    return half.cut, half.announced_seconds if half.cut else half.seconds, remarks


def part_of(video: Footage) -> tuple[float, float] | None:
    """Start and length in seconds of the half in its file; None: the file is the half.

    Raises:
        UserError: an HQ file, and no video.ini that says so.
    """
    if isinstance(video, Part):
        return video.start_seconds, video.seconds
    path = video
    if not is_untrimmed(path):
        return None
    trims = path.with_name(TRIMS)
    if not trims.exists():
        raise UserError(
            f"{path}: an HQ video begins before kick-off, and there is no {TRIMS} beside it that says where the half "
            "starts; rmsnet data download --what videos --video HQ brings it"
        )
    sections = read_trims(trims)
    for name in (path.name, path.with_suffix(".mkv").name):
        if name in sections:
            return sections[name]
    raise UserError(f"{trims}: has no section [{path.name}] that says where the half starts")


def read_trims(path: Path) -> dict[str, tuple[float, float]]:
    """Start and length, in seconds, of the half in each file that a video.ini names.

    Raises:
        UserError: it cannot be read, or says something else.
    """
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(path.read_text("utf-8-sig"), str(path))
        found = {
            name: (float(section["start_time_second"]), float(section["duration_second"]))
            for name, section in parser.items()
            if name != parser.default_section
        }
    except (OSError, ValueError, KeyError, configparser.Error) as error:
        raise UserError(f"{path}: not a {TRIMS} ({' '.join(str(error).split())}); get it again") from None
    for name, (start, seconds) in found.items():
        if not (math.isfinite(start) and math.isfinite(seconds) and start >= 0 and seconds > 0):
            raise UserError(f"{path}: [{name}] starts at {start} s and lasts {seconds} s; get it again")
    return found
