"""What people do to the labels of a match, as pure functions: an edit, its inverse, a history with undo and redo.

An edit says of each event what it was and what it becomes; so its inverse is known, and one that starts from something
else than what is there is seen.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from rmsnet.dataset.formats.document import Mark

MOST_CHANGES = 100_000
"""Of one edit: more events than any match has."""


@dataclass(frozen=True)
class Change:
    """What becomes of one event.

    Attributes:
        id: of the event, within the match and its journal.
        before: as it is; None: it is added.
        after: as it will be; None: it is deleted.
    """

    id: str
    before: Mark | None = None
    after: Mark | None = None


@dataclass(frozen=True)
class Edit:
    """What one act changes, all or nothing.

    Attributes:
        what: the act in a word or two, for people: "add", "move", "accept".
        changes: no event twice.
        kick_offs: second of each half's video at which it begins, before and after; None: they stay.
    """

    what: str
    changes: tuple[Change, ...] = ()
    kick_offs: tuple[tuple[float, ...], tuple[float, ...]] | None = None


@dataclass(frozen=True)
class State:
    """The labels of a match.

    Attributes:
        marks: the events by id.
        kick_offs: see `Edit`.
    """

    marks: Mapping[str, Mark] = field(default_factory=dict)
    kick_offs: tuple[float, ...] = ()


@dataclass(frozen=True)
class History:
    """A state and how it came about.

    Attributes:
        state: now.
        version: number of acts so far.
        done: edits that can be undone, the last one last.
        undone: edits that can be done again, the next one last.
    """

    state: State
    version: int = 0
    done: tuple[Edit, ...] = ()
    undone: tuple[Edit, ...] = ()


class Conflict(Exception):
    """The edit starts from something else than what is there."""


def inverse(edit: Edit) -> Edit:
    """The edit that takes it back."""
    swapped = tuple(Change(change.id, change.after, change.before) for change in edit.changes)
    return Edit(edit.what, swapped, None if edit.kick_offs is None else (edit.kick_offs[1], edit.kick_offs[0]))


def applied(state: State, edit: Edit) -> State:
    """The state after an edit.

    Raises:
        Conflict: an event, or the kick-offs, are not as the edit says.
    """
    marks = dict(state.marks)
    for change in edit.changes:
        if marks.get(change.id) != change.before:
            there = marks.get(change.id)
            raise Conflict("the event was deleted" if there is None else f"the event is now {said(there)}")
        if change.after is None:
            marks.pop(change.id, None)
        else:
            marks[change.id] = change.after
    if edit.kick_offs is not None and edit.kick_offs[0] != state.kick_offs:
        raise Conflict("the kick-offs were changed")
    return State(marks, state.kick_offs if edit.kick_offs is None else edit.kick_offs[1])


def said(mark: Mark) -> str:
    """An event in words."""
    seconds, ms = divmod(mark.position_ms, 1000)
    return f"{mark.label} at {seconds // 60:02d}:{seconds % 60:02d}.{ms:03d} of half {mark.half}"


def edited(history: History, edit: Edit) -> History:
    """The history after a new edit; what was undone cannot be done again then.

    Raises:
        Conflict: see `applied`.
    """
    return History(applied(history.state, edit), history.version + 1, (*history.done, edit))


def undone(history: History) -> History:
    """The history after the last edit was taken back.

    Raises:
        Conflict: there is none.
    """
    if not history.done:
        raise Conflict("there is nothing to undo")
    *rest, last = history.done
    state = applied(history.state, inverse(last))
    return replace(history, state=state, version=history.version + 1, done=tuple(rest), undone=(*history.undone, last))


def redone(history: History) -> History:
    """The history after the edit that was taken back last was done again.

    Raises:
        Conflict: there is none.
    """
    if not history.undone:
        raise Conflict("there is nothing to do again")
    *rest, last = history.undone
    state = applied(history.state, last)
    return replace(history, state=state, version=history.version + 1, done=(*history.done, last), undone=tuple(rest))
