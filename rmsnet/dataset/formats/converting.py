"""One label format into another: read, checked, written, and read again to see what the other could not hold."""

from collections import Counter
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePosixPath

from rmsnet.dataset.formats.document import Annotations, joined
from rmsnet.dataset.formats.guessing import guess
from rmsnet.dataset.formats.losses import losses
from rmsnet.dataset.formats.reading import read_source, require_known
from rmsnet.dataset.formats.registry import FORMATS
from rmsnet.dataset.formats.saving import require_names, save
from rmsnet.dataset.formats.sources import SourceFile, matches
from rmsnet.dataset.formats.stated import NOTHING, Stated, twins
from rmsnet.dataset.formats.times import frame_of_ms
from rmsnet.errors import UserError


@dataclass(frozen=True)
class Conversion:
    """What was done.

    Attributes:
        source_format: of what was read.
        guessed: it was seen, not said.
        files: what was written.
        games: number of games or videos.
        events: number of events of each class.
        lost: what the new format cannot hold, a line each.
        notes: what was odd, a line each.
    """

    source_format: str
    guessed: bool
    files: tuple[Path, ...]
    games: int
    events: dict[str, int]
    lost: tuple[str, ...]
    notes: tuple[str, ...]


def convert(source: Path, out: Path, target: str, stated: Stated = NOTHING, source_format: str = "") -> Conversion:
    """Read a source and write it in another format.

    Args:
        source: a file, a folder, or a zip of such a folder.
        out: a file with the format's ending, where one is enough, or a folder.
        target: name of the format to write.
        stated: what the source does not say itself.
        source_format: name of the format to read; "" where it is certain by itself.

    Raises:
        UserError: see the readers; an unknown class, a format that is not written, something else at `out`.
    """
    form = FORMATS[target]
    if form.write is None:
        raise UserError(f"--to {target}: is read, not written")
    name = source_format or guess(source)
    document = read_source(source, name, stated)
    if not document.timelines:
        raise UserError(f"{source}: holds no event")
    require_known(
        document, stated.classes or form.classes, f"{source}: for {'--classes' if stated.classes else target}"
    )
    written = form.write(document, stated)
    require_names(written)
    listed = replace(document, classes=()) if stated.classes else document  # what was stated need not come back
    lost = losses(listed, read_again(written, target, stated))
    files = save(out, written)
    labels = Counter(mark.label for mark in document.marks)
    events = {label: labels[label] for label in document.used_classes}
    notes = (*document.notes, *_odd(document))
    return Conversion(name, not source_format, files, len(document.games), events, tuple(lost), notes)


def _odd(document: Annotations) -> list[str]:
    notes = [
        f"{one!r} and {other!r} differ in their case alone, and are two classes"
        for one, other in twins(document.used_classes)
    ]
    same = 0
    for timeline in document.timelines:
        fps = timeline.fps
        times = [
            (mark.label, mark.position_ms if fps is None else frame_of_ms(mark.position_ms, fps))
            for mark in timeline.marks
        ]
        same += len(times) - len(set(times))
    if same:
        notes.append(f"{same} event{'s' * (same > 1)} of the class and time of another; kept, but evaluators count one")
    return notes


def read_again(written: dict[str, bytes], target: str, stated: Stated) -> Annotations:
    form = FORMATS[target]
    files = [
        SourceFile(content, path, str(path), open_beside=partial(_beside, written, path))
        for path, content in ((PurePosixPath(name), content) for name, content in written.items())
        if matches(path, form.patterns)
    ]
    return joined((form.read(file, stated) for file in files), target, form.halves_in_names)


def _beside(written: dict[str, bytes], path: PurePosixPath, name: str) -> bytes | None:
    return written.get(str(path.with_name(name)))
