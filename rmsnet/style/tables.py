"""Tables as text: for a terminal, as Markdown, as CSV.

A table is a list of rows; a row maps the names of the columns to values, in the order of the columns.
"""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]

_NUMBER = re.compile(r"[+-]?\d[\d,]*(\.\d+)?(e[+-]\d+)?( %)?( [–…] [+-]?\d[\d.,]*)?( \[[^]]*\])?|[–-]?")
_FORMULA = re.compile(rf"[=@\t\r]|(?!({_NUMBER.pattern})$)[+-]")
"""How a text begins that a spreadsheet takes for a formula; a number, with its interval or unit, is none."""
_LONG = 40
"""Cells of Markdown are filled up to here; the few that are longer stand out."""


def shown(value: Any) -> str:
    """A value as people read it: numbers with commas, None as nothing."""
    if value is None:
        return ""
    return f"{value:,}" if isinstance(value, int | float) and not isinstance(value, bool) else str(value)


def number_columns(rows: Sequence[Row]) -> set[str]:
    """The columns that hold numbers, with their intervals or units, and nothing else; they stand to the right."""
    columns = {name: [shown(row[name]) for row in rows] for name in rows[0]} if rows else {}
    return {name for name, cells in columns.items() if any(cells) and all(_NUMBER.fullmatch(cell) for cell in cells)}


def as_text(rows: Sequence[Row]) -> str:
    """Aligned columns under their names, for a terminal."""
    right = number_columns(rows)
    lines = [list(rows[0]), *([shown(value) for value in row.values()] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if name in right else cell.ljust(width)
            for name, cell, width in zip(rows[0], line, widths, strict=True)
        ).rstrip()
        for line in lines
    )


def as_markdown(rows: Sequence[Row]) -> str:
    """A table of Markdown that can be read as text too."""
    right = number_columns(rows)
    lines = [list(map(markdown_text, rows[0])), *(list(map(markdown_text, row.values())) for row in rows)]
    widths = [min(_LONG, max(3, *map(len, column))) for column in zip(*lines, strict=True)]
    rule = ["-" * (width - 1) + (":" if name in right else "-") for name, width in zip(rows[0], widths, strict=True)]
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |"
        for line in (lines[0], rule, *lines[1:])
    )


def markdown_text(value: Any) -> str:
    """A value in Markdown: nothing in it ends its cell or its line, or is HTML."""
    return " ".join(shown(value).split()).replace("<", "&lt;").replace("|", "\\|")


def facts(pairs: Iterable[tuple[str, Any]]) -> list[Row]:
    """Names and values as rows of a table without a head."""
    return [{"": name, " ": value} for name, value in pairs]


def as_csv(rows: Iterable[Row], names: Sequence[str] = ()) -> str:
    """CSV with a head: the given names, or those of the first row."""
    listed = list(rows)
    text = io.StringIO()
    writer = csv.DictWriter(text, names or (list(listed[0]) if listed else []), lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _csv_cell(value) for name, value in row.items()} for row in listed)
    return text.getvalue()


def _csv_cell(value: Any) -> Any:
    """A text that a spreadsheet would run as a formula is quoted."""
    return f"'{value}" if isinstance(value, str) and _FORMULA.match(value) else value
