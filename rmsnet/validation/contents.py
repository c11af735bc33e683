"""What is in a feature file: one pass over its bytes, a part in memory at a time."""

import hashlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rmsnet.dataset.feature_files import Features
from rmsnet.features.profile import HalfSummary, half_summary, sampled_frames

_BYTES_AT_ONCE = 1 << 20
"""Small enough that the passes over a part find it in the processor's cache."""


@dataclass(frozen=True)
class Contents:
    """What is in a (T, D) feature file.

    Attributes:
        not_finite_rows: rows that hold NaN, infinity or what float32 or its square cannot hold.
        first_not_finite: the first of them, None where there is none.
        constant_rows: rows whose features are all the same number.
        repeated_rows: rows equal to the row before them.
        longest_repeat: rows of the longest stretch of equal rows, 1 where no row repeats.
        hash: SHA-256 of the rows' bytes: the one that processors compute in hardware.
        norms: (N,) of at most 256 rows, evenly spaced.
        summary: of the half, for the comparison with the training data; None where a row is not finite.
        sample: (S, D) rows for the profile of the training data, when this half is part of it.
    """

    not_finite_rows: int
    first_not_finite: int | None
    constant_rows: int
    repeated_rows: int
    longest_repeat: int
    hash: str
    norms: npt.NDArray[np.float32]
    summary: HalfSummary | None
    sample: Features


def read_contents(features: Features, sample: npt.NDArray[np.int64]) -> Contents:
    """Read a (T, D) matrix once, from its first byte to its last, and keep the (S,) rows numbered in `sample`.

    Equal and constant rows are searched for among those whose norms allow it, so that the one thing that is computed
    for every number is its square.
    """
    frames, width = features.shape
    digest = hashlib.sha256()
    total, squares = np.zeros(width), np.zeros(width)
    squared_norms = np.empty(frames, np.float32)
    repeats = np.zeros(frames, bool)
    constant = 0
    last = np.full((1, width), np.nan, np.float32)
    step = max(1, _BYTES_AT_ONCE // (width * features.itemsize))
    with np.errstate(over="ignore", invalid="ignore"):  # of rows that are not finite, or their squares: counted
        for start in range(0, frames, step):
            rows = np.ascontiguousarray(features[start : start + step], np.float32)
            digest.update(rows.data)
            squared = np.einsum("td,td->t", rows, rows)
            squared_norms[start : start + step] = squared
            total += rows.sum(0)
            squares += np.einsum("td,td->d", rows, rows)
            constant += _constant_rows(rows, squared)
            repeats[start : start + step] = _repeats(rows, squared, last)
            last = rows[-1:].copy()
    finite = np.isfinite(squared_norms)
    sampled = sampled_frames(frames)
    return Contents(
        int(frames - finite.sum()),
        None if finite.all() else int(finite.argmin()),
        constant,
        int(repeats.sum()),
        _longest_stretch(repeats),
        digest.hexdigest(),
        np.sqrt(squared_norms[sampled][finite[sampled]]),
        half_summary(frames, total, squares, features[sampled]) if finite.all() else None,
        np.array(features[sample], np.float32) if finite.all() else np.zeros((0, width), np.float32),
    )


def _constant_rows(rows: npt.NDArray[np.float32], squared: npt.NDArray[np.float32]) -> int:
    """Number of rows whose numbers are all the same: those with the norm of D times their first are looked at."""
    expected = rows.shape[1] * rows[:, 0] ** 2
    (candidates,) = np.nonzero(np.abs(squared - expected) <= 1e-3 * expected)
    return int((rows[candidates] == rows[candidates, :1]).all(1).sum())


def _repeats(
    rows: npt.NDArray[np.float32], squared: npt.NDArray[np.float32], last: npt.NDArray[np.float32]
) -> npt.NDArray[np.bool_]:
    """(T,) whether each row equals the one before it, the first one `last`: those of equal norm are looked at."""
    same = np.zeros(len(rows), bool)
    same[0] = np.array_equal(rows[:1], last)
    (candidates,) = np.nonzero(squared[1:] == squared[:-1])
    same[candidates + 1] = (rows[candidates] == rows[candidates + 1]).all(1)
    return same


def _longest_stretch(repeats: npt.NDArray[np.bool_]) -> int:
    """Rows of the longest stretch of equal rows."""
    (breaks,) = np.nonzero(~np.concatenate([[False], repeats, [False]]))
    return int(np.diff(breaks).max())
