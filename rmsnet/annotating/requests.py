"""Edits as they come from a browser, checked: nothing that is no event of the match gets into its labels."""

from collections.abc import Collection
from dataclasses import dataclass

from rmsnet.annotating.edits import MOST_CHANGES, Change, Edit
from rmsnet.dataset.formats.document import Mark
from rmsnet.dataset.labels import LAST_MS
from rmsnet.documents import read_document
from rmsnet.errors import UserError, nearest

LONGEST_TEXT = 200
"""Of a key, an id, a name."""

WHERE = "request"


@dataclass(frozen=True)
class _Edit:
    key: str
    what: str
    changes: tuple[Change, ...] = ()
    kick_offs: tuple[tuple[float, ...], tuple[float, ...]] | None = None


@dataclass(frozen=True)
class AskedEdit:
    """An edit and the key under which it is asked for."""

    key: str
    edit: Edit


@dataclass(frozen=True)
class AskedTurn:
    """An undo or redo: its key, and the version that the asker has seen."""

    key: str
    version: int


def edit_of(body: bytes, classes: Collection[str], halves: Collection[int]) -> AskedEdit:
    """The edit that a request asks for.

    Args:
        body: of the request.
        classes: what an event may be labelled.
        halves: of the match.

    Raises:
        UserError: it is none, or makes an event of a class, half or time that the match does not have.
    """
    asked = read_document(body, _Edit, WHERE)
    texts = (asked.key, asked.what, *(change.id for change in asked.changes))
    if not all(0 < len(text) <= LONGEST_TEXT for text in texts):
        raise UserError(f"{WHERE}: key, what and ids have 1 to {LONGEST_TEXT} characters")
    ids = [change.id for change in asked.changes]
    if len(ids) > MOST_CHANGES or len(set(ids)) < len(ids):
        raise UserError(f"{WHERE}: changes an event twice, or more than {MOST_CHANGES:,}")
    for change in asked.changes:
        if change.before is None and change.after is None:
            raise UserError(f"{WHERE}: {change.id}: changes nothing")
        if change.after is not None:
            _require_event(change.after, classes, halves)
    if asked.kick_offs is not None and any(seconds < 0 for seconds in asked.kick_offs[1]):
        raise UserError(f"{WHERE}: a kick-off before the start of its video")
    if not asked.changes and asked.kick_offs is None:
        raise UserError(f"{WHERE}: changes nothing")
    return AskedEdit(asked.key, Edit(asked.what, asked.changes, asked.kick_offs))


def _require_event(mark: Mark, classes: Collection[str], halves: Collection[int]) -> None:
    if mark.label not in classes:
        near = nearest(mark.label, classes)
        raise UserError(f"{mark.label!r} is no class of these labels{f', perhaps {near!r}' if near else ''}")
    if mark.half not in halves:
        raise UserError(f"the match has no half {mark.half}")
    if not 0 <= mark.position_ms < LAST_MS:
        raise UserError(f"{mark.position_ms} ms is before the start of the half, or no time in it")
    if mark.end_ms is not None and not mark.position_ms <= mark.end_ms < LAST_MS:
        raise UserError(f"an event that ends at {mark.end_ms} ms, before it begins")


def turn_of(body: bytes) -> AskedTurn:
    """The undo or redo that a request asks for.

    Raises:
        UserError: it is none.
    """
    asked = read_document(body, AskedTurn, WHERE)
    if not 0 < len(asked.key) <= LONGEST_TEXT:
        raise UserError(f"{WHERE}: a key has 1 to {LONGEST_TEXT} characters")
    return asked
