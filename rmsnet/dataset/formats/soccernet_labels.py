"""SoccerNet's label files: v1, v2 and ball actions with the side of the team.

    {"UrlLocal": game, "annotations": [{"gameTime": "1 - 06:28", "label": "Goal", "position": "388123",
                                        "team": "home", "visibility": "visible"}, …]}

A file is a game; v1 has neither position nor visibility. Its rows "no-events" say that nothing happens and are kept
apart.
"""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import msgspec

from rmsnet.dataset.ball_actions import BALL_LABELS, FRAME_RATE
from rmsnet.dataset.formats.document import Annotations, Mark, Timeline
from rmsnet.dataset.formats.json_rows import encoded, object_of, others, rows_of, shown, typed
from rmsnet.dataset.formats.sources import SourceFile
from rmsnet.dataset.formats.stated import Stated
from rmsnet.dataset.formats.times import game_time, whole_ms
from rmsnet.dataset.labels import HALVES, split_game_time
from rmsnet.errors import UserError

NO_EVENT = "no-events"


class Annotation(msgspec.Struct):
    """A row; OSL's first version has the same."""

    label: str
    gameTime: str = ""
    position: int | float | str | None = None
    team: str | None = None
    visibility: str | None = None


def mark_of(row: Mapping[str, Any], where: str) -> tuple[Mark, int]:
    """A row's mark, and by how many milliseconds its position and the full seconds of its `gameTime` disagree.

    Raises:
        UserError: a field is missing or is not what it should be.
    """
    annotation = typed(row, Annotation, where)
    time = split_game_time(annotation.gameTime)
    if time is None and (annotation.gameTime or annotation.position is None):
        raise UserError(f"{where}.gameTime: {annotation.gameTime!r} is not like '1 - 06:28'")
    half, seconds = time or (1, 0)
    if half < 1:
        raise UserError(f"{where}.gameTime: {annotation.gameTime!r} names half 0; halves are numbered from 1")
    try:
        position_ms = 1000 * seconds if annotation.position is None else whole_ms(annotation.position)
    except ValueError as error:
        raise UserError(f"{where}.position: {error}") from None
    extra = others(row, Annotation)
    visible = shown(annotation.visibility, extra)
    mark = Mark(half, position_ms, annotation.label.strip(), annotation.team or "", visible, extra=extra)
    return mark, abs(position_ms - 1000 * seconds) if time else 0


def read_labels(file: SourceFile, stated: Stated) -> Annotations:
    """A label file of any version."""
    root = object_of(file)
    if "annotations" not in root:
        raise UserError(f"{file.where}: not a SoccerNet label file (no list 'annotations')")
    rows = rows_of(root, "annotations", file.where)
    nothing = [row for row in rows if row.get("label") == NO_EVENT]
    read = [
        mark_of(row, f"{file.where}: annotations[{number}]")
        for number, row in enumerate(rows)
        if row.get("label") != NO_EVENT
    ]
    marks = [mark for mark, _ in read]
    is_ball = file.path.name == BALL_LABELS
    said = str(root.get("UrlLocal") or "").strip("/")
    name = file.game if "/" in str(file.path) else said or file.game
    extra = {key: value for key, value in root.items() if key not in ("annotations", "UrlLocal")}
    if nothing:
        extra[NO_EVENT] = nothing
    halves = sorted({mark.half for mark in marks} | set(HALVES[:1] if is_ball else HALVES))
    timelines = [
        Timeline(
            name,
            half,
            tuple(mark for mark in marks if mark.half == half),
            Fraction(FRAME_RATE) if is_ball else None,
            video="" if is_ball else f"{name}/{half}_224p.mkv",
            extra=extra,
        )
        for half in halves
    ]
    return Annotations(tuple(timelines), notes=tuple(_notes(file, name, said, read, is_ball)))


def _notes(file: SourceFile, name: str, said: str, read: list[tuple[Mark, int]], is_ball: bool) -> list[str]:
    counts = {
        "gameTime and position differ by more than a second; position was taken": sum(apart > 1999 for _, apart in read)
    }
    if is_ball:
        counts["not in half 1; kept, but the public code of 2025 reads half 1 alone"] = sum(
            mark.half != 1 for mark, _ in read
        )
        counts["no team; kept, but Team mAP cannot count them"] = sum(not mark.team for mark, _ in read)
    notes = [f"{file.where}: {count} of {len(read)} events: {what}" for what, count in counts.items() if count]
    if said and not f"/{name}".endswith(f"/{said}") and not f"/{said}".endswith(f"/{name}"):
        notes.append(f"{file.where}: says that it is of {said!r}; the folder's name was taken")
    return notes


def write_labels(document: Annotations, file_name: str) -> dict[str, bytes]:
    """A label file a game, `Labels.json` without what version 1 does not know."""
    written = {}
    for name, pieces in document.games.items():
        extra = dict(pieces[0].extra)
        nothing = extra.pop(NO_EVENT, []) if file_name == "Labels.json" else []
        rows = [_row(mark, file_name) for piece in pieces for mark in piece.marks]
        root = {**extra, "UrlLocal": f"{name}/", "annotations": [*rows, *nothing]}
        written[f"{name}/{file_name}"] = encoded(root)
    return written


def _row(mark: Mark, file_name: str) -> dict[str, Any]:
    position_ms = max(mark.position_ms, 0)
    row = {**mark.extra, "gameTime": game_time(mark.half, position_ms), "label": mark.label}
    if mark.team:
        row["team"] = mark.team
    if file_name != "Labels.json":
        row["position"] = str(position_ms)
        row["visibility"] = mark.extra.get("visibility", "visible") if mark.visible else "not shown"
    return row
