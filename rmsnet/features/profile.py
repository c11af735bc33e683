"""What features look like: a profile of the training halves, and how far the features of another half lie from it.

A half is summed up by the mean and spread of each feature over all its frames, and by quantiles over frames taken
at even distances. The profile is the same over all training halves. The distance of a half from it is the mean over
the features of the Wasserstein-1 distance in training standard deviations: 0.3 says that a feature's values lie
0.3 standard deviations off, on average over frames and features. It sees another mean, another scale, another shape,
another order of the features.

Matches differ from each other, and only training halves can say how much: the profile holds how far they lie from
each other (each from the profile of the halves in the other four fifths) and a limit beyond the largest. The fewer
they are, the less they say, and the farther the limit lies (`drift_limit`). A minute of a half differs more from the
rest than a half from other halves: shorter windows have limits of their own, from windows of the training halves.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rmsnet.documents import read_document, structured
from rmsnet.errors import UserError
from rmsnet.features.bank import FrameBank

PROFILE_SCHEMA = 1
PROFILE_FILE = "profile.json"
"""Where the extract stage puts the profile of the train split, and the train stage a copy of it beside the model."""

PROBABILITIES = tuple(round((step + 0.5) / 10, 2) for step in range(10))
"""Of the quantiles: the middles of ten equal parts, so that their mean distance is the Wasserstein-1 distance."""

SAMPLED_FRAMES = 256
"""Frames of a half that its quantiles are taken from."""

PROFILE_FRAMES = 20_000
"""Frames of all training halves together that the profile's quantiles are taken from, about."""

LIMIT_FACTOR = 1.25
"""How far beyond the farthest training half a half may lie, as a ratio."""

LIMIT_LEVEL = 0.995
"""Share of the halves like those of the training that lie within the limit, where those say little."""

WINDOW_FRAMES = (1, 8, 64, 256, 1024)
"""Lengths of the windows that have a limit of their own."""

_WINDOWED_HALVES = 64
"""Of how many halves they are taken: their start and their middle."""

_LARGEST = 20.0
"""Logarithm of a limit beyond which nothing lies."""

_FOLDS = 5

_ROWS_AT_ONCE = 4096

Features = npt.NDArray[np.floating[Any]]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class HalfSummary:
    """The features of a half in short.

    Attributes:
        frames: T, how many.
        mean: (D,) of each feature over all frames.
        std: (D,) likewise.
        quantiles: (10, D) at PROBABILITIES.
    """

    frames: int
    mean: Floats
    std: Floats
    quantiles: Floats


@dataclass(frozen=True)
class Drift:
    """How far a half lies from the training data.

    Attributes:
        distance: mean over the features, in training standard deviations.
        limit: the largest that is not called drift.
        farthest: the features that lie farthest, with their distance, farthest first.
    """

    distance: float
    limit: float
    farthest: tuple[tuple[int, float], ...]

    @property
    def drifted(self) -> bool:
        return self.distance > self.limit

    @property
    def text(self) -> str:
        """A drift in a sentence."""
        return (
            f"the features lie {self.distance:.3f} training standard deviations from the training profile, "
            f"{self.distance / self.limit:.1f} times the limit of {self.limit:.3f}: another recipe or another kind of "
            "broadcast; do not trust the events"
        )


def sampled_frames(frames: int, limit: int = SAMPLED_FRAMES) -> npt.NDArray[np.int64]:
    """At most `limit` frame numbers at even distances, first and last included where there is more than one."""
    return np.linspace(0, frames - 1, min(frames, limit)).round().astype(np.int64)


def summarize(features: Features) -> HalfSummary:
    """Sum up a half.

    Args:
        features: (T, D), memory-mapped ones too: a part is read at a time. T is at least 1, all values are finite.
    """
    frames = len(features)
    total = np.zeros(features.shape[1])
    squares = np.zeros(features.shape[1])
    for start in range(0, frames, _ROWS_AT_ONCE):
        rows = np.asarray(features[start : start + _ROWS_AT_ONCE], np.float64)
        total += rows.sum(0)
        squares += np.einsum("td,td->d", rows, rows)
    return half_summary(frames, total, squares, features[sampled_frames(frames)])


def half_summary(frames: int, total: Floats, squares: Floats, sample: Features) -> HalfSummary:
    """The summary of a half from the (D,) sum and sum of squares over its frames and its (S, D) sampled frames."""
    mean = total / frames
    std = np.sqrt(np.maximum(squares / frames - mean**2, 0))
    return HalfSummary(frames, mean, std, _quantiles(sample))


def _quantiles(sample: Features) -> Floats:
    # Sorting contiguous rows is several times faster than sorting along the first axis.
    ordered = np.sort(np.ascontiguousarray(sample.T, np.float32), axis=1)
    place = np.asarray(PROBABILITIES) * (ordered.shape[1] - 1)
    below = np.floor(place).astype(np.int64)
    above = np.minimum(below + 1, ordered.shape[1] - 1)
    part = place - below
    quantiles: Floats = ((1 - part) * ordered[:, below] + part * ordered[:, above]).T.astype(np.float64)
    return quantiles


def build_profile(halves: Sequence[HalfSummary], samples: Sequence[Features]) -> dict[str, Any]:
    """The profile of training data.

    Args:
        halves: the training halves, all of the same width, the halves of a game side by side.
        samples: (S, D) frames of each of them: the quantiles of the whole are taken from them.

    Returns:
        A dict that JSON can hold: schema, frames, halves, width, mean, std, probabilities, quantiles, and the
        distances of the training halves (median, largest) with the limit made from them.

    Raises:
        UserError: fewer than two halves: one says nothing of how halves differ; values that are not finite.
    """
    if len(halves) < 2:
        raise UserError("a feature profile needs at least two halves to tell how halves differ")
    frames = sum(half.frames for half in halves)
    weights = np.array([half.frames / frames for half in halves])
    mean = weights @ np.stack([half.mean for half in halves])
    square = weights @ np.stack([half.std**2 + half.mean**2 for half in halves])
    std = np.sqrt(np.maximum(square - mean**2, 0))
    if not np.isfinite(std).all():
        raise UserError("the training features hold NaN or infinity; rmsnet validate names the files")
    quantiles = _quantiles(np.concatenate(list(samples)))
    distances = []
    for fold in np.array_split(np.arange(len(halves)), min(_FOLDS, len(halves))):
        others = [sample for number, sample in enumerate(samples) if number not in fold]
        without = _quantiles(np.concatenate(others))
        distances += [float(_distances(halves[number], std, without).mean()) for number in fold.tolist()]
    return {
        "schema": PROFILE_SCHEMA,
        "frames": frames,
        "halves": len(halves),
        "width": len(mean),
        "mean": _short(mean),
        "std": _short(std),
        "probabilities": list(PROBABILITIES),
        "quantiles": [_short(row) for row in quantiles],
        "drift": {
            "training_median": _short(np.median(distances)),
            "training_largest": _short(max(distances)),
            "limit": _short(drift_limit(distances)),
        },
    }


def drift_limit(distances: Sequence[float]) -> float:
    """The largest distance that is not called drift, from distances of training halves.

    Somewhat beyond the largest of them, and no less than the upper end of a prediction interval for one more: of two
    or four halves the largest is no bound (Student's t of the logarithms; Hahn and Meeker, Statistical Intervals, 4.7).
    """
    from scipy.special import stdtrit

    if len(distances) < 3:  # two halves are held against each other: one distance, of unknown spread
        return 2 * LIMIT_FACTOR * max(distances)
    logarithms = np.log(np.maximum(distances, 1e-12))
    count = len(logarithms)
    reach = float(stdtrit(count - 1, LIMIT_LEVEL)) * float(logarithms.std(ddof=1)) * np.sqrt(1 + 1 / count)
    return max(LIMIT_FACTOR * max(distances), float(np.exp(min(logarithms.mean() + reach, _LARGEST))))


def profile_frames(frames: int, halves: int) -> npt.NDArray[np.int64]:
    """Numbers of the frames that a half of `frames` frames gives to the profile of so many halves."""
    return sampled_frames(frames, max(16, min(SAMPLED_FRAMES, PROFILE_FRAMES // halves)))


def feature_profile(halves: Sequence[Features]) -> dict[str, Any]:
    """The profile of training halves, each (T, D), that may be memory-mapped: one is read at a time.

    Raises:
        UserError: see `build_profile`.
    """
    made = build_profile(
        [summarize(features) for features in halves],
        [np.array(features[profile_frames(len(features), len(halves))], np.float32) for features in halves],
    )
    made["drift"]["windows"] = _window_limits(made, halves)
    return made


def _window_limits(profile: Mapping[str, Any], halves: Sequence[Features]) -> dict[str, float]:
    """The limit for windows of each length that at least two training halves have."""
    chosen = [halves[number] for number in sampled_frames(len(halves), _WINDOWED_HALVES).tolist()]
    std, quantiles = np.asarray(profile["std"]), np.asarray(profile["quantiles"])
    limits = {}
    for frames in WINDOW_FRAMES:
        starts = [(half, start) for half in chosen if len(half) > 2 * frames for start in (0, len(half) // 2)]
        windows = [np.array(half[start : start + frames]) for half, start in starts]
        if windows:
            limits[str(frames)] = _short(
                drift_limit([float(_distances(summarize(window), std, quantiles).mean()) for window in windows])
            )
    return limits


def bank_profile(bank: FrameBank) -> dict[str, Any]:
    """The profile of a (training) bank.

    Raises:
        UserError: see `build_profile`.
    """
    return feature_profile([bank.features[half.first_frame : half.first_frame + half.frames] for half in bank.halves])


def drift(profile: Mapping[str, Any], half: HalfSummary, farthest: int = 5) -> Drift:
    """How far a half lies from a training profile.

    Args:
        profile: as `build_profile` gives it, also from JSON.
        half: of `summarize`.
        farthest: how many features to name.

    Raises:
        UserError: the profile is none, or one of features of another width.
    """
    known = structured(profile, _Profile, "feature profile", _AGAIN)
    if known.width != len(half.mean):
        raise UserError(f"the features are {len(half.mean)} wide, those of the training profile {known.width}")
    distances = _distances(half, np.asarray(known.std), np.asarray(known.quantiles))
    order = np.argsort(-distances, kind="stable")[:farthest]
    found = tuple((int(index), float(distances[index])) for index in order)
    return Drift(float(distances.mean()), known.drift.for_frames(half.frames), found)


def read_profile(path: Path) -> dict[str, Any]:
    """A profile.json.

    Raises:
        UserError: there is none, or it is none.
    """
    profile = read_document(path, dict[str, Any], advice=_AGAIN)
    structured(profile, _Profile, str(path), _AGAIN)
    return profile


_AGAIN = "not a feature profile of this version; train the model again"


@dataclass(frozen=True)
class _Limits:
    """Of halves, and of windows by their length in frames."""

    limit: float
    windows: dict[int, float] = field(default_factory=dict)

    def for_frames(self, frames: int) -> float:
        """The limit for so many frames: of windows that are no longer, or of halves."""
        if not self.windows or frames > 2 * max(self.windows):
            return self.limit
        fitting = max((length for length in self.windows if length <= frames), default=min(self.windows))
        return max(self.limit, self.windows[fitting])


@dataclass(frozen=True)
class _Profile:
    """What `drift` reads of a profile."""

    schema: int
    width: int
    std: list[float]
    quantiles: list[list[float]]
    drift: _Limits

    def __post_init__(self) -> None:
        if self.schema != PROFILE_SCHEMA:
            raise ValueError(f"schema {self.schema}, not {PROFILE_SCHEMA}")
        widths = {self.width, len(self.std), *map(len, self.quantiles)}
        if len(widths) > 1 or not self.width or len(self.quantiles) != len(PROBABILITIES):
            raise ValueError("std and quantiles are not of its width")


def _distances(half: HalfSummary, std: Floats, quantiles: Floats) -> Floats:
    """(D,) Wasserstein-1 distance of each feature in training standard deviations."""
    # A feature that never changed in training has no scale of its own: it is measured on a small one.
    floor = max(1e-3 * float(std.mean()), 1e-12)
    distances: Floats = np.abs(half.quantiles - quantiles).mean(0) / np.maximum(std, floor)
    return distances


def _short(values: Any) -> Any:
    """Floats with six significant digits: half the size in JSON."""
    if np.ndim(values):
        return [_short(value) for value in values]
    return float(f"{float(values):.6g}")
