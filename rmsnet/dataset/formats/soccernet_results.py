"""SoccerNet's predictions, results_spotting.json of a game; each number may be a text.

{"UrlLocal": game, "predictions": [{"gameTime": "1 - 06:28", "label": "Goal", "position": "388123",
                                    "half": "1", "confidence": "0.98"}, …]}
"""

from typing import Any

import msgspec

from rmsnet.dataset.formats.document import Annotations, Mark, Timeline
from rmsnet.dataset.formats.json_rows import encoded, object_of, others, rows_of, typed
from rmsnet.dataset.formats.sources import SourceFile
from rmsnet.dataset.formats.stated import Stated
from rmsnet.dataset.formats.times import game_time, whole_ms
from rmsnet.dataset.labels import split_game_time
from rmsnet.errors import UserError

RESULTS = "results_spotting.json"


class _Prediction(msgspec.Struct):
    label: str
    position: int | float | str
    confidence: float
    half: int | None = None
    gameTime: str = ""
    team: str | None = None


def read_results(file: SourceFile, stated: Stated) -> Annotations:
    """The predictions for a game."""
    root = object_of(file)
    if "predictions" not in root:
        raise UserError(f"{file.where}: not a file of predictions (no list 'predictions')")
    rows = rows_of(root, "predictions", file.where)
    marks = [_mark(row, f"{file.where}: predictions[{number}]") for number, row in enumerate(rows)]
    said = str(root.get("UrlLocal") or "").strip("/")
    name = file.game if "/" in str(file.path) else said or file.game
    extra = {key: value for key, value in root.items() if key not in ("predictions", "UrlLocal")}
    timelines = [
        Timeline(name, half, tuple(mark for mark in marks if mark.half == half), extra=extra)
        for half in sorted({mark.half for mark in marks} or {1})
    ]
    return Annotations(tuple(timelines))


def _mark(row: dict[str, Any], where: str) -> Mark:
    read = typed(row, _Prediction, where)
    time = split_game_time(read.gameTime)
    half = read.half if read.half is not None else time[0] if time else None
    if half is None or half < 1:
        raise UserError(f"{where}: no half; give 'half': 1 or a gameTime like '1 - 06:28'")
    try:
        position_ms = whole_ms(read.position)
    except ValueError as error:
        raise UserError(f"{where}.position: {error}") from None
    extra = others(row, _Prediction)
    return Mark(half, position_ms, read.label.strip(), read.team or "", confidence=read.confidence, extra=extra)


def write_results(document: Annotations) -> dict[str, bytes]:
    """A file of predictions a game; what was annotated is certain."""
    return {
        f"{name}/{RESULTS}": encoded(
            {
                **pieces[0].extra,
                "UrlLocal": name,
                "predictions": [_row(mark) for piece in pieces for mark in piece.marks],
            }
        )
        for name, pieces in document.games.items()
    }


def _row(mark: Mark) -> dict[str, Any]:
    row = {
        **mark.extra,
        "gameTime": game_time(mark.half, mark.position_ms),
        "label": mark.label,
        "position": str(max(mark.position_ms, 0)),
        "half": str(mark.half),
        "confidence": repr(1.0 if mark.confidence is None else float(mark.confidence)),
    }
    return {**row, "team": mark.team} if mark.team else row
