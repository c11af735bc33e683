"""The label file of a match: read, written and read back, in any format that is written."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path, PurePosixPath
from typing import Literal

from rmsnet.dataset.formats.converting import read_again
from rmsnet.dataset.formats.document import Annotations, Mark, Timeline
from rmsnet.dataset.formats.guessing import guess
from rmsnet.dataset.formats.losses import losses
from rmsnet.dataset.formats.reading import read_source
from rmsnet.dataset.formats.registry import FORMATS, format_name
from rmsnet.dataset.formats.stated import Stated
from rmsnet.dataset.kick_offs import placed
from rmsnet.dataset.labels import LabelFile
from rmsnet.dataset.suggested import ORIGIN
from rmsnet.errors import UserError
from rmsnet.files import content_hash, write_bytes

REFUSED = "refused"
"""The origin of a suggestion that was not accepted: kept in the journal, in no label file."""

BY_ENDING = {
    ".json": "osl",
    ".csv": "csv",
    ".tsv": "tsv",
    ".txt": "tsv",
    ".xml": "sportscode",
    ".gz": "e2e-spot",
    ".sctimeline": "sctimeline",
}
"""The format of a new file whose name is none of SoccerNet's."""


_OF_EVENTS = re.compile(r"\d events?\b")
"""Losses that an annotator should know of; those of colours, paths and unused classes are none of theirs."""


@dataclass(frozen=True)
class Written:
    """The content of a label file.

    Attributes:
        files: content by place; the label file's own first.
        hash: of the label file's.
        back: the events by id, as they come back from it.
        lost: what it cannot hold, a line each.
    """

    files: Mapping[Path, bytes]
    hash: str
    back: Mapping[str, Mark]
    lost: tuple[str, ...]


@dataclass(frozen=True)
class Found:
    """What a label file holds.

    Attributes:
        document: all of it.
        marks: the events of the match, in the order of the file.
        hash: of its bytes; "" there is no file.
    """

    document: Annotations
    marks: tuple[Mark, ...]
    hash: str

    @property
    def by_id(self) -> dict[str, Mark]:
        """The events, named after their place."""
        return {f"m{number}": mark for number, mark in enumerate(self.marks, start=1)}


@dataclass(frozen=True)
class Labels:
    """Where the labels of a match are kept, and how.

    Attributes:
        path: the label file, which need not be there yet.
        form: one of the formats.
        match: name of the match.
        halves: its periods by number, as the file counts them: of a "file" clock the first alone.
        videos: names of its video files.
        stated: classes, frame rate and notation of times.
        journal: where the journal lies.
        clock: what its times count from: the start of their "period", or of the "file" that holds all periods.
            `read`, `write` and `document` know events as the file does; `filed` and `placed` lead there and back.
    """

    path: Path
    form: str
    match: str
    halves: tuple[int, ...]
    videos: tuple[str, ...]
    stated: Stated
    journal: Path
    clock: Literal["period", "file"] = "period"

    def filed(self, marks: Mapping[str, Mark], kick_offs: Sequence[float]) -> Mapping[str, Mark]:
        """Events of periods as the label file counts them.

        Args:
            marks: the events by id.
            kick_offs: second of the file at which each period begins.
        """
        if self.clock == "period":
            return marks
        return {id: _shifted(mark, 1, round(1000 * kick_offs[mark.half - 1])) for id, mark in marks.items()}

    def placed(self, marks: Mapping[str, Mark], kick_offs: Sequence[float]) -> Mapping[str, Mark]:
        """Events as the label file counts them in their periods.

        Raises:
            UserError: one is before the first kick-off.
        """
        if self.clock == "period":
            return marks
        found = {}
        for id, mark in marks.items():
            try:
                half, position_ms = placed(mark.position_ms, kick_offs)
            except ValueError as error:
                raise UserError(f"{self.path}: {mark.label!r} at {mark.position_ms / 1000:.1f} s: {error}") from None
            found[id] = _shifted(mark, half, position_ms - mark.position_ms)
        return found

    def read(self) -> Found:
        """What is there now.

        Raises:
            UserError: the file cannot be read, or is of another match.
        """
        if not self.path.exists():
            return Found(Annotations(), (), "")
        before = _hash(self.path)
        document = read_source(self.path, self.form, replace(self.stated, classes=()))
        if _hash(self.path) != before:
            return self.read()
        name = self._name_in(document)
        marks = tuple(mark for piece in document.games.get(name, ()) for mark in piece.marks)
        odd = sorted({mark.half for mark in marks} - set(self.halves))
        if odd:
            raise UserError(f"{self.path}: has events of half {odd[0]}, which {self.match} does not have")
        return Found(document, marks, before)

    def write(self, marks: Mapping[str, Mark], document: Annotations) -> Written:
        """The content that the file gets.

        Args:
            marks: the events by id.
            document: what the file held before; its other games and entries stay.

        Raises:
            UserError: the format cannot hold them.
        """
        ids = _in_order(marks)
        made = self.document(marks, document)
        write = FORMATS[self.form].write
        assert write is not None
        parts = write(made, self.stated)
        main, *others = parts
        if sum(PurePosixPath(name).suffix == PurePosixPath(main).suffix for name in parts) > 1:
            raise UserError(
                f"{self.path}: {self.form} holds one piece of footage a file, and {self.match} has "
                f"{len(self.halves)}; annotate in another format (csv, osl), and export this one"
            )
        again = read_again(parts, self.form, self.stated)
        name = self._name_in(made)
        back = [mark for piece in again.games.get(name, ()) for mark in piece.marks]
        if len(back) != len(ids):  # a name that the format changes
            back = [marks[id] for id in ids]
        files = {self.path: parts[main]} | {
            self.path.with_name(PurePosixPath(other).name): parts[other] for other in others
        }
        lost = tuple(line for line in losses(made, again) if _OF_EVENTS.search(line))
        return Written(files, content_hash(parts[main]), dict(zip(ids, back, strict=True)), lost)

    def save(self, written: Written) -> None:
        """Put it on disk, each file whole or not at all.

        Raises:
            OSError: it cannot be written.
        """
        for path, content in written.files.items():
            write_bytes(path, content)

    def hash(self) -> str:
        """Of what is on disk; "" nothing."""
        return _hash(self.path) if self.path.exists() else ""

    def document(self, marks: Mapping[str, Mark], document: Annotations) -> Annotations:
        """A document with these events of the match, in order of time, and what else is in it."""
        listed = [marks[id] for id in _in_order(marks)]
        name = self._name_in(document)
        given = {piece.half: piece for piece in document.games.get(name, ())}
        fps = self.stated.fps
        numbers = sorted({*self.halves, *given})
        pieces = [
            replace(
                given.get(number) or Timeline(name, number, fps=fps, video=self._video(number)),
                marks=tuple(mark for mark in listed if mark.half == number),
            )
            for number in numbers
        ]
        others = tuple(piece for piece in document.timelines if piece.name != name)
        return replace(document, timelines=(*others, *pieces), classes=document.classes or self.stated.classes)

    def _video(self, number: int) -> str:
        return next((name for name in self.videos if name.startswith(f"{number}")), next(iter(self.videos), ""))

    def _name_in(self, document: Annotations) -> str:
        """What the file calls the match.

        Raises:
            UserError: it is of another.
        """
        names = list(document.games)
        if not names:
            return self.match
        same = [name for name in names if not LabelFile(name, []).other_game(self.match)]
        if same:
            return same[0]
        if len(names) == 1 and self._is_ours(names[0], document.games[names[0]]):
            return names[0]
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        raise UserError(f"{self.path}: is of {names[0]!r}{more}, not of {self.match!r}; give this match its own file")

    def _is_ours(self, name: str, pieces: Iterable[Timeline]) -> bool:
        """Whether a file of one game may be of this match: it names its video, or nothing but itself."""
        videos = {PurePosixPath(piece.video.replace("\\", "/")).name for piece in pieces} - {""}
        unnamed = name in (self.path.name.split(".")[0], self.path.stem, self.path.resolve().parent.name)
        return unnamed or bool(videos & set(self.videos))


def _shifted(mark: Mark, half: int, by_ms: int) -> Mark:
    end_ms = None if mark.end_ms is None else mark.end_ms + by_ms
    return replace(mark, half=half, position_ms=mark.position_ms + by_ms, end_ms=end_ms)


def _in_order(marks: Mapping[str, Mark]) -> list[str]:
    """The ids of the events that a label file holds, in order of time."""
    kept = {id: mark for id, mark in marks.items() if mark.extra.get(ORIGIN) != REFUSED}
    return sorted(kept, key=lambda id: (kept[id].half, kept[id].position_ms))


def _hash(path: Path) -> str:
    return content_hash(path.read_bytes())


def form_of(path: Path, said: str = "") -> str:
    """The format of a label file: as said, seen by what is in it, or of a new file by its name.

    Raises:
        UserError: it is none, or one that is not written.
    """
    if said:
        form = format_name(said, "--format")
    elif path.exists():
        form = next((name for name in FORMATS if path.name in FORMATS[name].patterns), "") or guess(path)
    else:
        by_name = next((name for name in FORMATS if path.name in FORMATS[name].patterns), "")
        form = by_name or BY_ENDING.get(path.suffix.lower(), "")
        if not form:
            raise UserError(f"--labels {path}: of which format is it? say --format ({', '.join(FORMATS)})")
    if FORMATS[form].write is None:
        raise UserError(
            f"{path}: {form} is read, not written; convert it: rmsnet data convert {path} --to csv --out events.csv"
        )
    return form


def stated_of(fps: Fraction | None, classes: Sequence[str], times: str = "") -> Stated:
    """What label files do not say themselves."""
    return Stated(tuple(classes), fps, times)
