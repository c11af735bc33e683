"""Events written as a table, CSV or TSV, in the form of `table.py`."""

import csv
from io import StringIO

from rmsnet.dataset.formats.clocks import WRITERS
from rmsnet.dataset.formats.document import Annotations, Mark
from rmsnet.dataset.formats.json_rows import as_text
from rmsnet.dataset.formats.stated import Stated
from rmsnet.dataset.formats.table import COLUMNS, RUN, TIME_COLUMNS, columns_of
from rmsnet.errors import UserError

TIME_NAMES = {
    "h:mm:ss": "time",
    "mm:ss": "mm:ss",
    "seconds": "seconds",
    "milliseconds": "position_ms",
    "frames": "frame",
}
"""Under which name of a column times are written."""


def write_csv(document: Annotations, stated: Stated) -> dict[str, bytes]:
    """Commas between the columns, lines as spreadsheets end them."""
    return {"events.csv": _table(document, stated, ",", "\r\n")}


def write_tsv(document: Annotations, stated: Stated) -> dict[str, bytes]:
    """Tabulators between the columns."""
    return {"events.tsv": _table(document, stated, "\t", "\n")}


def _table(document: Annotations, stated: Stated, delimiter: str, ends: str) -> bytes:
    """All events; columns that none of them needs are left out.

    Raises:
        UserError: times cannot be written as stated.
    """
    notation = stated.times or "h:mm:ss"
    if notation not in WRITERS:
        raise UserError(f"--times {notation}: is read, not written; take one of {', '.join(WRITERS)}")
    write = WRITERS[notation]
    rows = []
    for timeline in document.timelines:
        fps = stated.fps or timeline.fps
        for mark in timeline.marks:
            time = {TIME_NAMES[notation]: write(mark.position_ms, fps)}
            end = {} if mark.end_ms is None else {"end": write(mark.end_ms, fps)}
            rows.append({**_extra(mark), **time, **end, "game": timeline.name, **_known(mark)})
    used = {name for row in rows for name, cell in row.items() if cell}
    first = ["game", "period", TIME_NAMES[notation], "label"]
    names = [*first, *(name for name in COLUMNS if name in used - {*first}), *sorted(used - {*first, *COLUMNS})]
    text = StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, lineterminator=ends)
    writer.writerows([names, *([_safe(row.get(name, "")) for name in names] for row in rows)])
    return text.getvalue().encode()


def _known(mark: Mark) -> dict[str, str]:
    return {
        "period": str(mark.half),
        "label": mark.label,
        "team": mark.team,
        "visibility": "" if mark.visible else "not shown",
        "confidence": "" if mark.confidence is None else repr(float(mark.confidence)),
        "head": mark.head,
    }


def _extra(mark: Mark) -> dict[str, str]:
    """What else is said of it, without what would be read as something of ours."""
    texts = {name: as_text(value) for name, value in mark.extra.items() if name.strip()}
    return {name: text for name, text in texts.items() if columns_of([name])[0] not in (*COLUMNS, *TIME_COLUMNS)}


def _safe(text: str) -> str:
    return f"'{text}" if RUN.match(text) else text
