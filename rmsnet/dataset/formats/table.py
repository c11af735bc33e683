"""Events as a table, CSV or TSV: a row an event, columns by name.

    game,period,time,label,team,confidence
    cup final,1,0:06:28.120,goal,home,0.98

How times are written is stated, never guessed: by the column's name (`TIME_COLUMNS`; where one is position_ms, the
others repeat it), by --times, or by a form that can be nothing else. Other columns are kept as they are.
"""

import csv
import math
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from io import StringIO

from rmsnet.dataset.formats.clocks import NOTATIONS, TIMES, WHOLE_CLOCK, period_of_minute
from rmsnet.dataset.formats.document import Annotations, Mark, Timeline
from rmsnet.dataset.formats.sources import SourceFile
from rmsnet.dataset.formats.stated import Stated
from rmsnet.errors import UserError

COLUMNS = ("game", "period", "end", "label", "team", "visibility", "confidence", "head")
OTHER_NAMES = {
    "class": "label",
    "half": "period",
    "match": "game",
    "video": "game",
    "score": "confidence",
    "visible": "visibility",
}

EXACT = "position_ms"

TIME_COLUMNS = {
    "time": "",
    "h:mm:ss": "h:mm:ss",
    "mm:ss": "mm:ss",
    "seconds": "seconds",
    "time_seconds": "seconds",
    "milliseconds": "milliseconds",
    "time_ms": "milliseconds",
    EXACT: "milliseconds",
    "frame": "frames",
    "minute": "minutes",
}
"""Columns that hold the time, and how; "": it has to be stated."""

RUN = re.compile(r"(?![+-]?[0-9.]+$)[=+@'\t\r-]")
"""How a text begins that a spreadsheet would run, or take the quote of; it is written with a quote before it."""


def delimiter_of(text: str) -> str | None:
    """What separates the columns of a table: that with which its first line names a label; None: nothing does."""
    header = text.partition("\n")[0].rstrip("\r")
    with suppress(csv.Error):
        for mark in ",;\t":
            if "label" in columns_of(next(csv.reader([header], delimiter=mark), [])):
                return mark
    return None


def columns_of(cells: Sequence[str]) -> list[str]:
    """Our names of columns where there are such, else theirs."""
    lower = [cell.strip().lower() for cell in cells]
    ours = [OTHER_NAMES[name] if name in OTHER_NAMES and OTHER_NAMES[name] not in lower else name for name in lower]
    known = (*COLUMNS, *TIME_COLUMNS)
    return [name if name in known else cell.strip() for name, cell in zip(ours, cells, strict=True)]


def read_table(file: SourceFile, stated: Stated) -> Annotations:
    """A table of events; those without a game are of the one that the file is called after."""
    text = file.text()
    delimiter = delimiter_of(text)
    if delimiter is None:
        raise UserError(f"{file.where}: the first line names no column 'label' ({text[:80].splitlines()[:1]})")
    try:
        reader = csv.reader(StringIO(text, newline=""), delimiter=delimiter, strict=True)
        columns = columns_of(next(reader))
        rows = [(reader.line_num, [_plain(cell) for cell in row]) for row in reader if any(map(str.strip, row))]
    except csv.Error as error:
        raise UserError(f"{file.where}: not a table ({error})") from None
    twice = next((name for name in columns if name and columns.count(name) > 1), None)
    if twice is not None:
        raise UserError(f"{file.where}: names the column {twice!r} twice")
    time, notation = _time_column(file.where, columns, stated.times, [row for _, row in rows])
    pieces: dict[tuple[str, int], list[Mark]] = {}
    for line, row in rows:
        if any(cell.strip() for cell, name in zip(row, [*columns, *[""] * len(row)], strict=False) if not name):
            raise UserError(
                f"{file.where}: line {line}: more cells than the first line names; quote texts with {delimiter!r}"
            )
        cells = {name: cell for name, cell in zip(columns, row, strict=False) if cell.strip()}
        try:
            mark = _mark(cells, time, notation, stated)
        except ValueError as error:
            raise UserError(f"{file.where}: line {line}: {error}") from None
        pieces.setdefault((cells.get("game") or file.name, mark.half), []).append(mark)
    return Annotations(tuple(Timeline(name, half, tuple(marks)) for (name, half), marks in pieces.items()))


def _plain(cell: str) -> str:
    """A cell without the quote that keeps a spreadsheet from running it."""
    return cell[1:] if cell.startswith("'") and RUN.match(cell[1:]) else cell


def _time_column(where: str, columns: Sequence[str], times: str, rows: Sequence[Sequence[str]]) -> tuple[str, str]:
    """The column that holds the time, and how."""
    found = {name: TIME_COLUMNS[name] for name in columns if name in TIME_COLUMNS}
    if EXACT in found and not times:
        found = {EXACT: found[EXACT]}
    asked = {name: way for name, way in found.items() if way == times} if times else found
    asked = asked or {name: way for name, way in found.items() if not way}
    if len(asked) > 1:
        raise UserError(f"{where}: times stand in {' and in '.join(asked)}; say which with --times, or keep one")
    if not asked:
        said = f" in {times}" if times else ""
        raise UserError(f"{where}: no column of times{said} (one of {', '.join(TIME_COLUMNS)})")
    (name, notation) = next(iter(asked.items()))
    place = columns.index(name)
    if not notation and not times and all(WHOLE_CLOCK.fullmatch(row[place].strip()) for row in rows if row[place:]):
        notation = "h:mm:ss"
    if not notation and not times:
        raise UserError(f"{where}: how does column {name!r} write times? Say it with --times ({', '.join(TIMES)})")
    return name, notation or times


def _mark(cells: Mapping[str, str], time: str, notation: str, stated: Stated) -> Mark:
    period, label = (cells.get(name, "").strip() for name in ("period", "label"))
    if period and not re.fullmatch(r"[1-9][0-9]?", period):
        raise ValueError(f"period {period!r} is no number from 1")
    if not label:
        raise ValueError("no label")
    half, written, end = int(period or 1), cells.get(time, "").strip(), cells.get("end", "").strip()
    if notation == "minutes":
        half, position_ms = period_of_minute(written)
        if period and half != int(period):
            raise ValueError(f"minute {written!r} is in period {half}, not in {period}")
    else:
        position_ms = NOTATIONS[notation](written, stated.fps)
    score = cells.get("confidence", "").strip()
    confidence = float(score.replace(",", ".")) if score else None
    if confidence is not None and not math.isfinite(confidence):
        raise ValueError(f"confidence {score} is not finite")
    return Mark(
        half,
        position_ms,
        label,
        cells.get("team", "").strip(),
        cells.get("visibility", "").strip().lower() not in ("not shown", "0", "false", "no"),
        NOTATIONS[notation](end, stated.fps) if end and notation in NOTATIONS else None,
        confidence,
        cells.get("head", "").strip(),
        {name: cell for name, cell in cells.items() if name not in COLUMNS and name != time},
    )
