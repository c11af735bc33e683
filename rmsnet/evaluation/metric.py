"""Average-mAP as the SoccerNet development kit computes it, to the last bit, in NumPy.

Source: SoccerNet.Evaluation.ActionSpotting (package SoccerNet 0.2); Giancola et al. 2018, Deliege et al. 2021.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from rmsnet.evaluation.cells import Bools, Floats, Grid, Ints, events_on, nearest_is_visible, predictions_on
from rmsnet.evaluation.matching import hits, rank_of, windows
from rmsnet.spots import Predictions, Truth

LOOSE = tuple(range(5, 61, 5))
TIGHT = tuple(range(1, 6))

THRESHOLDS = np.linspace(0, 1, 200)
"""Confidences at which precision and recall are taken."""

RECALLS = np.arange(11) / 10
"""Recalls at which the interpolated precision is averaged."""

UNSHOWN_FACTOR = 17 / 13
"""The development kit's correction of the unshown Average-mAP: 13 of the 17 classes have events that are not shown."""


@dataclass(frozen=True)
class Score:
    """Average precisions, all in [0, 1] but for the unshown Average-mAP's factor.

    Attributes:
        average_map: Average-mAP, the mean of `map_by_tolerance` by the trapezoid rule.
        per_class: (C,) the same mean of each class's average precision.
        map_by_tolerance: (D,) mean over classes at each tolerance.
        ap: (D, C) average precision.
    """

    average_map: float
    per_class: Floats
    map_by_tolerance: Floats
    ap: Floats


@dataclass(frozen=True)
class Scores(Score):
    """A `Score` of all events, with those of the events that the broadcast showed and of those it did not.

    Attributes:
        tolerances: (D,) seconds.
        visible: shown events, against the predictions whose nearest event of the class was shown.
        unshown: the others, against the other predictions.
    """

    tolerances: Floats
    visible: Score
    unshown: Score


@dataclass(frozen=True)
class Counts:
    """All that precision and recall are made of, by game; sums over games are a corpus.

    Attributes:
        hits: (D, G, C, 200) hits with a confidence of at least each threshold, per tolerance, game and class.
        predictions: (G, C, 200) predictions with a confidence of at least each threshold.
        events: (G, C) events.
    """

    hits: Ints
    predictions: Ints
    events: Ints

    def average_precision(self) -> Floats:
        """(D, C) of all games together."""
        return eleven_point_ap(self.hits.sum(axis=1), self.predictions.sum(axis=0), self.events.sum(axis=0))


def average_map(
    truth: Truth,
    predictions: Predictions,
    *,
    halves: int,
    classes: int,
    frame_rate: float,
    tolerances: Sequence[float] = LOOSE,
) -> Scores:
    """Average-mAP of predictions, protocol `devkit`.

    Args:
        truth: the events, `half` in 0 … halves-1, `label` in 0 … classes-1.
        predictions: likewise.
        halves: number of halves; those without a row count too.
        classes: number of classes; one without an event scores 0 and stays in the mean.
        frame_rate: of the grid on which times are compared, frames per second; the official one is 2.
        tolerances: seconds, ascending; a prediction may be off by half of one.

    Raises:
        ValueError: a half, class or time outside the grid, tolerances that do not ascend.
    """
    everything, visible, unshown = count(
        truth,
        predictions,
        Grid(halves, classes, frame_rate),
        np.zeros(halves, np.int64),
        games=1,
        tolerances=tolerances,
    )
    return scores_of(
        everything.average_precision(), visible.average_precision(), unshown.average_precision(), tolerances
    )


def scores_of(everything: Floats, visible: Floats, unshown: Floats, tolerances: Sequence[float]) -> Scores:
    """Scores from (D, C) average precisions."""
    score = _score(everything)
    factor = UNSHOWN_FACTOR if len(tolerances) > 1 else 1.0
    return Scores(
        score.average_map,
        score.per_class,
        score.map_by_tolerance,
        score.ap,
        np.asarray(tolerances, np.float64),
        _score(visible),
        _score(unshown, factor),
    )


def _score(ap: Floats, factor: float = 1.0) -> Score:
    map_by_tolerance = np.array([np.mean(of_classes) for of_classes in ap])
    return Score(float(over_tolerances(map_by_tolerance)) * factor, over_tolerances(ap), map_by_tolerance, ap)


def over_tolerances(values: Floats) -> Floats:
    """(D, …) values at each tolerance to their mean (…) by the trapezoid rule: the ends count half.

    Tolerances count as evenly spaced, whatever they are; a single one is its own mean.
    """
    if len(values) == 1:
        return np.asarray(values[0])
    integral = np.zeros(values.shape[1:])
    # In the development kit's order: floating-point sums depend on it.
    for one, next_one in pairwise(values):
        integral = integral + (one + next_one) / 2
    return integral / (len(values) - 1)


def eleven_point_ap(hits: Floats | Ints, predictions: Floats | Ints, events: Floats | Ints) -> Floats:
    """Interpolated average precision: the mean over 11 recalls of the best precision at that recall or above.

    Args:
        hits: (…, 200) at each threshold.
        predictions: (…, 200) at each threshold.
        events: (…) in all.

    Returns:
        (…) average precision; 0 where there is no event.
    """
    precision = hits / np.maximum(predictions, 1)
    recall = hits / np.maximum(events, 1)[..., None]
    total = np.zeros(hits.shape[:-1])
    for level in RECALLS:
        total += np.where(recall >= level, precision, 0).max(axis=-1)
    return total / len(RECALLS)


def count(
    truth: Truth,
    predictions: Predictions,
    grid: Grid,
    game_of_half: Ints,
    *,
    games: int,
    tolerances: Sequence[float],
) -> tuple[Counts, Counts, Counts]:
    """Match every prediction at every tolerance and count.

    Args:
        truth: the events.
        predictions: the predictions.
        grid: on which they are compared.
        game_of_half: (halves,) which game each half belongs to.
        games: G, number of games.
        tolerances: seconds, ascending.

    Returns:
        The counts of all events, of those that were shown, and of those that were not.

    Raises:
        ValueError: a half, class or time outside the grid, tolerances that do not ascend.
    """
    reaches = _reaches(tolerances, grid.frame_rate)
    event, visible = events_on(grid, truth)
    cell, confidence = predictions_on(grid, predictions)
    nearest_visible = nearest_is_visible(grid, event, visible, cell)

    size = games * grid.classes
    event_group = game_of_half[grid.half_of(event)] * grid.classes + grid.label_of(event)
    group = game_of_half[grid.half_of(cell)] * grid.classes + grid.label_of(cell)
    # A confidence of exactly a threshold reaches it; those above 1 reach all 200, none is below the first, 0.
    bucket = group * len(THRESHOLDS) + np.searchsorted(THRESHOLDS, confidence, side="right") - 1

    def at_least(which: Ints) -> Ints:
        """(games, classes, 200) of the predictions `which`, how many have at least each threshold."""
        exactly = np.bincount(bucket[which], minlength=size * len(THRESHOLDS))
        exactly = exactly.reshape(games, grid.classes, len(THRESHOLDS))
        return exactly[..., ::-1].cumsum(axis=-1)[..., ::-1]

    # Only predictions near an event can be hits; in dense predictions they are few.
    low, high = windows(grid, event, cell, reaches[-1])
    near = _covered(low, high, len(cell))
    rank = rank_of(confidence[near])
    hit_of_tolerance = [near[hits(grid, event, cell[near], rank, reach)] for reach in reaches]

    def counts(keep_event: Ints, keep: Bools | None) -> Counts:
        def kept(which: Ints) -> Ints:
            return which if keep is None else which[keep[which]]

        return Counts(
            np.stack([at_least(kept(hit)) for hit in hit_of_tolerance]),
            at_least(kept(np.arange(len(cell)))),
            np.bincount(event_group[keep_event], minlength=size).reshape(games, grid.classes),
        )

    return (
        counts(np.arange(len(event)), None),
        counts(np.flatnonzero(visible), nearest_visible),
        counts(np.flatnonzero(~visible), ~nearest_visible),
    )


def _reaches(tolerances: Sequence[float], frame_rate: float) -> list[int]:
    """Frames that a prediction may be off at each tolerance: half of it, rounded down."""
    if not tolerances or any(one >= two for one, two in zip((0, *tolerances), tolerances, strict=False)):
        raise ValueError(f"tolerances must be positive and ascend: {list(tolerances)}")
    return [int(tolerance * frame_rate / 2) for tolerance in tolerances]


def _covered(low: Ints, high: Ints, length: int) -> Ints:
    """Indices that lie in at least one of the ranges low … high-1."""
    change = np.bincount(low, minlength=length + 1) - np.bincount(high, minlength=length + 1)
    return np.flatnonzero(change.cumsum()[:-1])
