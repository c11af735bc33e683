"""Tables in CSV files."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from rmsnet.documents import LARGEST_BYTES, bytes_of, in_utf8
from rmsnet.errors import UserError


def read_rows(path: Path, columns: Sequence[str], advice: str = "") -> list[dict[str, str]]:
    """The rows of a CSV file with a head.

    Args:
        path: the file.
        columns: that it must have.
        advice: what to do about a file that is none, the end of the message.

    Raises:
        UserError: the file is absent, unreadable, no CSV, lacks a column, or has a row of another length.
    """
    end = f"; {advice}" if advice else ""
    try:
        text = in_utf8(bytes_of(path, str(path), LARGEST_BYTES)).decode()
        reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
        rows = list(reader)
        names = reader.fieldnames or []
    except (csv.Error, ValueError) as error:
        raise UserError(f"{path}: not readable CSV ({error}){end}") from None
    missing = [name for name in columns if name not in names]
    if missing:
        raise UserError(f"{path}: has no column {missing[0]}{end}")
    for number, row in enumerate(rows, start=2):
        if None in row or None in row.values():
            raise UserError(f"{path}: row {number} has not the {len(names)} cells of the head{end}")
    return rows
