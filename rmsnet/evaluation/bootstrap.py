"""Confidence intervals: the percentile bootstrap over games.

Average-mAP is a corpus metric, and what varies from one test set to the next is its games. So games are drawn with
replacement, and the metric of each drawn corpus is computed anew; predictions are matched only once (`metric.judge`).
Source: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from rmsnet.evaluation.cells import Floats
from rmsnet.evaluation.metric import Judged, Score, over_tolerances
from rmsnet.evaluation.threads import in_threads

RESAMPLES = 1000
LEVEL = 0.95
AT_ONCE = 64


@dataclass(frozen=True)
class Resampled:
    """The scores of corpora drawn from the games.

    Attributes:
        ap: (B, D, C) average precision of each corpus.
    """

    ap: Floats

    @property
    def average_map(self) -> Floats:
        """(B,)"""
        return over_tolerances(self.map_by_tolerance.T)

    @property
    def map_by_tolerance(self) -> Floats:
        """(B, D)"""
        return np.asarray(self.ap.mean(axis=2))

    @property
    def per_class(self) -> Floats:
        """(B, C)"""
        return over_tolerances(self.ap.swapaxes(0, 1))


@dataclass(frozen=True)
class Difference:
    """One prediction set against another on the same games: first minus second.

    Attributes:
        value: of all games.
        low: lower end of its confidence interval.
        high: upper end.
        probability_positive: share of resamples in which the first is better; a tie counts half.
    """

    value: float
    low: float
    high: float
    probability_positive: float


@dataclass(frozen=True)
class Comparison:
    """Two prediction sets on the same games.

    Attributes:
        average_map: difference of Average-mAP.
        per_class: difference of each class's mean average precision.
        games: how many games were resampled; below about 20 the interval is too narrow.
    """

    average_map: Difference
    per_class: tuple[Difference, ...]
    games: int


def resample(judged: Judged, resamples: int = RESAMPLES, seed: int = 0) -> Resampled:
    """Draw as many games as there are, with replacement, and score; `resamples` times.

    The draws depend on the number of games, `resamples` and `seed` alone: two prediction sets on the same games are
    resampled in pairs.

    Raises:
        ValueError: fewer than two games, which say nothing about other games.
    """
    if judged.games < 2:
        raise ValueError("a bootstrap over games needs at least two of them")
    weights = drawn_weights(judged.games, resamples, seed)
    return Resampled(of_corpora(judged.everything.average_precision, weights))


def of_corpora(score: Callable[[Floats], Floats], weights: Floats) -> Floats:
    """(B, …) what a score makes of (B, G) weights of the games, some corpora at a time."""
    parts = [weights[start : start + AT_ONCE] for start in range(0, len(weights), AT_ONCE)]
    return np.concatenate(list(in_threads(score, parts)))


def drawn_weights(games: int, resamples: int, seed: int) -> Floats:
    """(B, G) how often each game is in each of B corpora that are drawn with replacement."""
    drawn = np.random.default_rng(seed).integers(games, size=(resamples, games))
    weights = np.zeros((resamples, games))
    np.add.at(weights, (np.arange(resamples)[:, None], drawn), 1)
    return weights


def interval(samples: Floats, level: float = LEVEL) -> Floats:
    """(2, …) the percentile interval of (B, …) resampled scores."""
    return np.asarray(np.quantile(samples, [(1 - level) / 2, (1 + level) / 2], axis=0))


def compare(first: Judged, second: Judged, resamples: int = RESAMPLES, seed: int = 0) -> Comparison:
    """The paired bootstrap: both prediction sets are scored on the same resamples of the same games.

    Args:
        first: predictions judged against the events of some games.
        second: other predictions, judged against the same events of the same games at the same tolerances.
        resamples: how many corpora to draw.
        seed: of the draws.

    Raises:
        ValueError: fewer than two games, or not the same games, classes and tolerances.
    """
    if first.games != second.games or not np.array_equal(first.tolerances, second.tolerances):
        raise ValueError("the two were not judged on the same games at the same tolerances")
    drawn = (resample(first, resamples, seed), resample(second, resamples, seed))
    return paired((first.scores(), second.scores()), drawn, first.games)


def paired(scores: tuple[Score, Score], drawn: tuple[Resampled, Resampled], games: int) -> Comparison:
    """What `compare` makes of two prediction sets that have been scored and resampled, with the same seed, already."""
    (of_one, of_two), (one, two) = scores, drawn
    per_class = zip(of_one.per_class - of_two.per_class, (one.per_class - two.per_class).T, strict=True)
    return Comparison(
        _difference(of_one.average_map - of_two.average_map, one.average_map - two.average_map),
        tuple(_difference(value, samples) for value, samples in per_class),
        games,
    )


def _difference(value: float, samples: Floats) -> Difference:
    low, high = interval(samples)
    positive = np.mean(samples > 0) + np.mean(samples == 0) / 2
    return Difference(float(value), float(low), float(high), float(positive))
