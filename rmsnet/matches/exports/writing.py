"""Which formats there are, and the folder of a match's exports."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rmsnet.errors import UserError
from rmsnet.files import atomic_folder
from rmsnet.matches.exports import edl, fcpxml, ffmetadata, otio, srt, vtt, xmeml, youtube
from rmsnet.matches.exports.cuts import Timeline, Written, halves, plain, reel, whole
from rmsnet.matches.exports.source import source_of
from rmsnet.matches.highlights.clips import Highlight
from rmsnet.matches.match import Match
from rmsnet.video.files import Footage, file_of


@dataclass(frozen=True)
class Format:
    """A kind of file.

    Attributes:
        suffix: of its files.
        write: makes the text.
        edits: whether it lists cuts of several videos; else it belongs to one video.
    """

    suffix: str
    write: Callable[[Timeline], Written]
    edits: bool


FORMATS: Mapping[str, Format] = {
    "edl": Format(".edl", edl.write, True),
    "fcpxml": Format(".fcpxml", fcpxml.write, True),
    "xmeml": Format(".xml", xmeml.write, True),
    "otio": Format(".otio", otio.write, True),
    "srt": Format(".srt", srt.write, False),
    "vtt": Format(".vtt", vtt.write, False),
    "youtube": Format(".chapters.txt", youtube.write, False),
    "ffmetadata": Format(".ffmetadata", ffmetadata.write, False),
}

LONGEST_NAME = 200
"""Bytes of a file's name before its suffix; file systems take 255."""


def require_formats(names: Sequence[str]) -> None:
    """Refuse what is no format before time goes into a match.

    Raises:
        UserError: no such format.
    """
    for name in names:
        if name not in FORMATS:
            raise UserError(f"--export {name}: no such format; there are {', '.join(FORMATS)}")


def require_sources(match: Match) -> None:
    """Refuse a match with a half whose frames and time codes nobody knows.

    Raises:
        UserError: a half without a video, or with one that cannot be read.
    """
    for half in match.halves:
        if half.video is None:
            raise UserError(f"--export: half {half.number} of {match.name} has no video whose frames could be counted")
        source_of(half.number, half.video)
        if file_of(half.video) not in half.files:
            raise UserError(f"--export: {half.video}: lies in several files; edit lists name one: join them")


def export_match(
    match: Match, events: Sequence[Highlight], folder: Path, names: Sequence[str]
) -> tuple[tuple[Path, ...], tuple[str, ...]]:
    """The files, and what is to be said of them; what fails is said, and costs nothing that is written already."""
    try:
        return write_exports(match.name.rsplit("/", 1)[-1], match.shown_videos, events, names, folder)
    except (UserError, OSError) as error:
        return (), (f"no exports: {error}",)


def write_exports(
    title: str, videos: Mapping[int, Footage], events: Sequence[Highlight], names: Sequence[str], folder: Path
) -> tuple[tuple[Path, ...], tuple[str, ...]]:
    """Write the reel's cuts and the halves with their events in some formats.

    Args:
        title: of the match.
        videos: the video of each half.
        events: in order of time; their halves have videos.
        names: of `FORMATS`.
        folder: appears, or is replaced, when everything is written; left as it was where there is nothing to write.

    Returns:
        The files, in the order in which the formats were asked for; and what an editor should know, or what could not
        be written and why, a line each.

    Raises:
        UserError: a video that cannot be read.
    """
    described = [source_of(half, video) for half, video in videos.items()]
    remarks = [note for _, notes in described for note in notes]
    sources = [source for source, _ in described]
    lasting = {source.half: source.seconds for source in sources}
    for event in events:
        if event.position_ms / 1000 >= lasting[event.half]:
            remarks.append(f"{event.title}: the video has no picture there, left out of the exports")
    title = plain(title)
    edits, clips = whole(title, sources, events), reel(title, sources, events)
    if len(clips) > 1 or len(edits) > 1:
        remarks.append("the halves have different frame rates or time codes: each has edit lists of its own")
    texts: dict[str, str] = {}
    for name in dict.fromkeys(names):
        form = FORMATS[name]
        for timeline in (*(edits if form.edits else halves(title, sources, events)), *clips):
            if any(cut.moments for cut in timeline.cuts):
                file = f"{_file_name(timeline.name)}{form.suffix}"
                try:
                    texts[file], told = form.write(timeline)
                except UserError as error:
                    remarks.append(f"no {file}: {error}")
                else:
                    remarks += [f"{file}: {remark}" for remark in told]
    if not texts:
        return (), (*remarks, "nothing to export")
    with atomic_folder(folder) as partial:
        for file, text in texts.items():
            (partial / file).write_text(text, encoding="utf-8", newline="\n")
    return tuple(folder / file for file in texts), tuple(remarks)


def _file_name(name: str) -> str:
    """A name that every file system takes, as near to the timeline's as that allows."""
    safe = re.sub(r'[<>:"/\\|?*]', "_", name)
    kept, kind = safe.rsplit(" ", 1)
    return f"{kept.encode()[:LONGEST_NAME].decode(errors='ignore').strip('. ')}_{kind}"
