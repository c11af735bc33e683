"""Hits, predictions and events of every game, counted as the development kit counts them (`devkit` and `calf`)."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import fields
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from rmsnet.evaluation.average_precision import THRESHOLDS, Counted, Counts, counts_type
from rmsnet.evaluation.cells import Floats, Grid, Ints, events_on, nearest_is_visible, predictions_on
from rmsnet.evaluation.matching import NOBODY, match_near, rank_of
from rmsnet.evaluation.suppression import not_suppressed
from rmsnet.evaluation.threads import in_threads
from rmsnet.spots import Predictions, Truth

Result = TypeVar("Result")
Spots = TypeVar("Spots", Truth, Predictions)

PREDICTIONS_AT_ONCE = 1 << 19


def count(
    truth: Truth,
    predictions: Predictions,
    grid: Grid,
    game_of_half: Ints,
    games: int,
    tolerances: Sequence[float],
    suppress: bool,
) -> tuple[Counted, Counted, Counted]:
    """Match predictions with events and count.

    Args:
        truth: the events.
        predictions: the predictions.
        grid: on which they are compared; has all of them.
        game_of_half: (halves,) which game each half belongs to.
        games: G, number of games.
        tolerances: D, seconds.
        suppress: whether predictions too close to better ones are left out at each tolerance (`calf`).

    Returns:
        Counts of all events, and of all games together of those that were shown and of those that were not.
    """
    group_of_row = (game_of_half[:, None] * grid.classes + np.arange(grid.classes)).ravel()
    groups = (games, grid.classes)
    # The last axis but one: not shown, shown.
    shape = (*groups, 2, len(THRESHOLDS))

    def count_some(truth: Truth, predictions: Predictions) -> tuple[Ints, list[Ints], list[Ints]]:
        """Of some halves: events and, at each tolerance, all predictions counted; the places of the hits."""
        event, shown = events_on(grid, truth)
        cell, confidence = predictions_on(grid, predictions)
        place = 2 * group_of_row[grid.row_of(cell)] + nearest_is_visible(grid, event, shown, cell)
        # A confidence of exactly a threshold reaches it; those above 1 reach all 200, none is below the first, 0.
        place = place * len(THRESHOLDS) + np.searchsorted(THRESHOLDS, confidence, side="right") - 1
        kept, hit = _kept_and_hits(grid, event, cell, confidence, tolerances, suppress)
        return (
            _histogram(2 * group_of_row[grid.row_of(event)] + shown, (*groups, 2)),
            [_histogram(place[chosen], shape) for chosen in kept],
            [place[chosen] for chosen in hit],
        )

    events = np.zeros((*groups, 2))
    found = np.zeros((len(tolerances) if suppress else 1, *shape))
    hit_places: list[list[Ints]] = [[] for _ in tolerances]
    for some_events, some_found, some_places in by_halves(count_some, truth, predictions, grid.halves):
        events += some_events
        for counts, more in zip(found, some_found, strict=True):
            counts += more
        for places, some in zip(hit_places, some_places, strict=True):
            places.append(some)
    kind = counts_type(found.sum(axis=(-2, -1)).max(initial=0), games)
    # Hits are few: one histogram of them all.
    hits = (_histogram(np.concatenate(places), shape) for places in hit_places)
    kinds = zip(
        _reaching(hits, len(tolerances), shape, kind),
        _reaching(found, len(found), shape, kind),
        (events.sum(axis=-1), *(events[..., kind].sum(axis=0, keepdims=True) for kind in (1, 0))),
        strict=True,
    )
    everything, visible, unshown = (Counted(*of_kind) for of_kind in kinds)
    return everything, visible, unshown


def _reaching(
    counts: Iterable[npt.NDArray[Any]], tolerances: int, shape: tuple[int, ...], kind: type[np.floating[Any]]
) -> list[Counts]:
    """Counts (G, C, 2, 200) at the highest threshold reached, by tolerance, as counts at every threshold reached.

    Returns:
        (G, D, C, 200) of all; (1, D, C, 200) of the shown and of the unshown, all games together.
    """
    games, classes, _, thresholds = shape
    everything = np.empty((games, tolerances, classes, thresholds), kind)
    visible, unshown = (np.empty((1, tolerances, classes, thresholds), kind) for _ in range(2))
    for place, of_one in enumerate(counts):
        everything[:, place] = _at_least(of_one[:, :, 0] + of_one[:, :, 1])
        unshown[0, place], visible[0, place] = _at_least(of_one.sum(axis=0)).swapaxes(0, 1)
    return [everything, visible, unshown]


def _at_least(counts: Ints) -> Ints:
    """Counts along the last axis as counts of it and of all behind it."""
    return counts[..., ::-1].cumsum(axis=-1)[..., ::-1]


def reach_of(tolerance: float, frame_rate: float) -> int:
    """Frames that a prediction may be off at a tolerance in seconds: half of it, rounded down."""
    return int(tolerance * frame_rate / 2)


def _histogram(places: Ints, shape: tuple[int, ...]) -> Ints:
    """How often each place of an array of this shape occurs."""
    return np.bincount(places, minlength=int(np.prod(shape))).reshape(shape)


def by_halves(
    work: Callable[[Truth, Predictions], Result], truth: Truth, predictions: Predictions, halves: int
) -> Iterator[Result]:
    """What `work` makes of the rows of some halves at a time, so that dense predictions need little memory."""
    return in_threads(
        lambda rows: work(_taken(truth, rows[0]), _taken(predictions, rows[1])), _batches(truth, predictions, halves)
    )


def _taken(spots: Spots, rows: Ints) -> Spots:
    return type(spots)(*(getattr(spots, column.name)[rows] for column in fields(spots)))


def _batches(truth: Truth, predictions: Predictions, halves: int) -> Iterator[tuple[Ints, Ints]]:
    """Rows of both, some halves at a time."""
    truth_order, truth_start = _by_half(truth.half, halves)
    order, start = _by_half(predictions.half, halves)
    half = 0
    while half < halves:
        fits = int(np.searchsorted(start, start[half] + PREDICTIONS_AT_ONCE, side="right")) - 1
        end = min(max(fits, half + 1), halves)
        yield truth_order[truth_start[half] : truth_start[end]], order[start[half] : start[end]]
        half = end


def _by_half(half: Ints, halves: int) -> tuple[Ints, Ints]:
    """Rows in the order of their halves, and (halves + 1,) where each half starts in that order."""
    order = np.argsort(half, kind="stable")
    return order, np.concatenate([[0], np.bincount(half, minlength=halves).cumsum()])


def _kept_and_hits(
    grid: Grid, event: Ints, cell: Ints, confidence: Floats, tolerances: Sequence[float], suppress: bool
) -> tuple[Sequence[Ints | slice], list[Ints]]:
    """Indices of the predictions that count at each tolerance (one set where all do), and of the hits at each."""
    reaches = [reach_of(tolerance, grid.frame_rate) for tolerance in tolerances]
    if not suppress:
        return [slice(None)], _hits(grid, event, cell, confidence, reaches)
    rank = rank_of(confidence)
    kept = [not_suppressed(grid, cell, rank, tolerance * grid.frame_rate) for tolerance in tolerances]
    hits = [
        here[_hits(grid, event, cell[here], confidence[here], [reach])[0]]
        for here, reach in zip(kept, reaches, strict=True)
    ]
    return kept, hits


def _hits(grid: Grid, event: Ints, cell: Ints, confidence: Floats, reaches: Sequence[int]) -> list[Ints]:
    """Indices of the hits at each reach."""
    near, takers = match_near(grid, event, cell, confidence, reaches)
    return [near[taker != NOBODY] for taker in takers]
