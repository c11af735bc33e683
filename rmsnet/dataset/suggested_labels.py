"""The labels of games that a model has suggested, found in their label files."""

from collections.abc import Iterable
from fractions import Fraction
from pathlib import PurePosixPath
from typing import Any

from rmsnet.dataset.class_lists import ClassList
from rmsnet.dataset.formats.json_rows import as_text
from rmsnet.dataset.formats.soccernet_labels import read_labels
from rmsnet.dataset.formats.sources import SourceFile
from rmsnet.dataset.formats.stated import Stated
from rmsnet.dataset.game_files import GameFiles
from rmsnet.dataset.suggested import ORIGIN, SUGGESTED, SUGGESTED_BY, Suggested


def suggested_in(files: GameFiles, games: Iterable[str], classes: ClassList) -> Suggested:
    """The labels of games that a model has suggested.

    Raises:
        UserError: a label file that cannot be read.
    """
    events, by = 0, dict[str, None]()
    for game in games:
        content = files.read(game, classes.label_file)
        if content is None or not _speaks_of_it(content):  # as nearly all: no need to read it once more
            continue
        file = SourceFile(
            content, PurePosixPath(game) / classes.label_file, f"{files.source}/{game}/{classes.label_file}"
        )
        entry = classes.entry
        if entry is None:
            document = read_labels(file, Stated())
        else:
            from rmsnet.dataset.formats.registry import FORMATS

            document = FORMATS[entry.format].read(
                file, Stated((), Fraction(entry.fps) if entry.fps else None, entry.times)
            )
        for mark in document.marks:
            if _first(mark.extra.get(ORIGIN)) == SUGGESTED:
                events += 1
                by[_first(mark.extra.get(SUGGESTED_BY))] = None
    return Suggested(events, tuple(sorted(filter(None, by))))


def _first(value: Any) -> str:
    """A text, also where a format knows lists of them alone."""
    return as_text(value[0] if isinstance(value, list) and value else value or "")


def _speaks_of_it(content: bytes) -> bool:
    return any(SUGGESTED.encode(encoding) in content for encoding in ("utf-8", "utf-16-le", "utf-16-be"))
