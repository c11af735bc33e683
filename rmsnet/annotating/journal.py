"""The journal of a match: every act a line of JSON, appended and on disk before anybody is told that it is kept.

{"begin": {"match": …, "marks": {id: {…}}, "kick_offs": […]}}
{"act": "edit", "key": "7f…", "by": "anna", "at": "2026-…", "edit": {…}, "file": "5d…", "wrote": 3}
{"act": "undo", …}

A process that is killed leaves whole lines and at most one that is torn: that was never confirmed, and is cut off.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import msgspec

from rmsnet.annotating.edits import Conflict, Edit, History, State, edited, inverse, redone, undone
from rmsnet.dataset.formats.document import Mark
from rmsnet.documents import read_document, structured
from rmsnet.errors import UserError

Kind = Literal["edit", "undo", "redo", "elsewhere"]


@dataclass(frozen=True)
class Act:
    """One line.

    Attributes:
        act: a new edit, the last one undone or done again, or what somebody changed in the label file.
        key: given by who asks: the same act, asked for twice, is done once.
        by: who did it.
        at: when, ISO 8601.
        edit: of "edit" and "elsewhere".
        file: hash of the label file that was last written or read; "" none.
        wrote: the version that it holds.
    """

    act: Kind
    key: str
    by: str
    at: str
    edit: Edit | None = None
    file: str = ""
    wrote: int = 0


@dataclass(frozen=True)
class Begin:
    """The first line: what the label file held.

    Attributes:
        match: its name.
        marks: the events by id.
        kick_offs: see `edits.State`.
        file: hash of the label file; "" there was none.
    """

    match: str
    marks: Mapping[str, Mark]
    kick_offs: tuple[float, ...] = ()
    file: str = ""

    @property
    def history(self) -> History:
        return History(State(dict(self.marks), self.kick_offs))


def advanced(history: History, act: Act) -> History:
    """The history after an act.

    Raises:
        Conflict: it does not follow.
    """
    if act.act == "undo":
        return undone(history)
    if act.act == "redo":
        return redone(history)
    if act.edit is None:
        raise Conflict("it names no edit")
    return edited(history, act.edit)


def effect(history: History, act: Act) -> Edit:
    """What an act changes in the state before it."""
    if act.act == "undo":
        return inverse(history.done[-1])
    if act.act == "redo":
        return history.undone[-1]
    assert act.edit is not None
    return act.edit


class Journal:
    """The file, open for appending."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> tuple[Begin, list[Act]] | None:
        """What it holds; None: there is none. A torn line at its end is cut off.

        Raises:
            UserError: a line is not what it should be.
        """
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return None
        whole = content[: content.rfind(b"\n") + 1]
        if len(whole) < len(content):
            with suppress(OSError):  # a full disk; it is tried again before the next line
                os.truncate(self.path, len(whole))
        lines = whole.splitlines()
        if not lines:
            return None
        advice = f"move {self.path} away: the label file is as it was last saved"
        where = f"{self.path}: line"
        begin = read_document(lines[0], dict[str, Any], f"{where} 1", advice).get("begin")
        acts = [read_document(line, Act, f"{where} {number}", advice) for number, line in enumerate(lines[1:], start=2)]
        return structured(begin, Begin, f"{where} 1", advice), acts

    def begin(self, begin: Begin) -> None:
        """Write the first line."""
        self._append({"begin": asdict(begin)})

    def append(self, act: Act) -> None:
        """Write a line; it is on disk when this returns, and nothing of it is there when it raises.

        Raises:
            OSError: it cannot be written.
        """
        self._append({key: value for key, value in asdict(act).items() if value is not None})

    def _append(self, record: Mapping[str, Any]) -> None:
        line = msgspec.json.encode(record) + b"\n"
        with self.path.open("ab", buffering=0) as file:
            before = os.fstat(file.fileno()).st_size
            before = _end_of_lines(self.path, before)
            if before < os.fstat(file.fileno()).st_size:
                file.truncate(before)
            try:
                written = file.write(line)
                while written is not None and written < len(line):
                    written += file.write(line[written:]) or 0
                os.fsync(file.fileno())
            except OSError:
                file.truncate(before)
                raise


def _end_of_lines(path: Path, size: int) -> int:
    """Where the last whole line ends."""
    if not size:
        return 0
    with path.open("rb") as file:
        file.seek(size - 1)
        if file.read(1) == b"\n":
            return size
        file.seek(0)
        return file.read().rfind(b"\n") + 1


def replayed(begin: Begin, acts: Iterable[Act], where: str) -> Iterator[tuple[Act, Edit, History]]:
    """Each act with what it changes and the history after it.

    Raises:
        UserError: an act does not follow from those before it.
    """
    history = begin.history
    for number, act in enumerate(acts, start=2):
        try:
            after = advanced(history, act)
        except Conflict as error:
            raise UserError(
                f"{where}: line {number}: does not follow from those before it ({error}); move {where} away: the label "
                "file is as it was last saved"
            ) from None
        yield act, effect(history, act), after
        history = after
