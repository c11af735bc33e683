"""Label files of several annotators: read, held against each other two by two, merged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from rmsnet.dataset.formats.agreement import Agreement, agreement, joined_agreement, merged_document, same_games
from rmsnet.dataset.formats.guessing import guess
from rmsnet.dataset.formats.reading import read_source
from rmsnet.dataset.formats.registry import FORMATS
from rmsnet.dataset.formats.saving import require_names, save
from rmsnet.dataset.formats.stated import NOTHING, Stated
from rmsnet.errors import UserError

LONGEST_TOLERANCE = 3600.0
"""Seconds."""


@dataclass(frozen=True)
class Comparison:
    """Several annotators' labels.

    Attributes:
        pairs: each two of the files, and how far they agree.
        games: how many matches all of them have.
        files: what was written; () nothing.
    """

    pairs: Mapping[tuple[Path, Path], Agreement]
    games: int
    files: tuple[Path, ...] = ()


def compare_labels(
    labels: Sequence[Path],
    tolerance_seconds: float,
    *,
    form: str = "",
    stated: Stated = NOTHING,
    merge: Path | None = None,
) -> Comparison:
    """Compare label files of the same matches, and write one that holds the events of all.

    Args:
        labels: two or more files, or folders of them.
        tolerance_seconds: between two annotators' times of one event.
        form: their format; "" where it is certain by itself.
        stated: what they do not say themselves.
        merge: a new file, or folder, in the format of the first; None: none.

    Raises:
        UserError: fewer than two, files that cannot be read, or of different matches.
    """
    if len(labels) < 2:
        raise UserError(f"{labels[0]}: name at least two annotators' files")
    if not 0 <= tolerance_seconds <= LONGEST_TOLERANCE:
        raise UserError(f"--tolerance {tolerance_seconds}: seconds, from 0 to {LONGEST_TOLERANCE:.0f}")
    tolerance_ms = round(1000 * tolerance_seconds)
    forms = [form or guess(path) for path in labels]
    documents = [read_source(path, name, stated) for path, name in zip(labels, forms, strict=True)]
    games = same_games(labels, documents)
    pairs = {
        (labels[one], labels[other]): joined_agreement(
            agreement(sides[one], sides[other], tolerance_ms) for sides in games.values()
        )
        for one, other in combinations(range(len(labels)), 2)
    }
    if merge is None:
        return Comparison(pairs, len(games))
    write = FORMATS[forms[0]].write
    if write is None:
        raise UserError(f"--merge {merge}: {forms[0]} is read, not written; rmsnet data convert the files first")
    written = write(merged_document(labels, documents, games, tolerance_ms), stated)
    require_names(written)
    return Comparison(pairs, len(games), save(merge, written))
