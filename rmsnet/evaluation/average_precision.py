"""From hits to average precision, of all games or of games that are drawn again: the two ways that are in use.

Either kind of evidence is kept game by game. A corpus is a weight for each game (how often it counts), so that a
bootstrap resample costs a product of matrices and no matching.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from rmsnet.evaluation.cells import Bools, Floats, Ints

THRESHOLDS = np.linspace(0, 1, 200)
"""Confidences at which the development kit takes precision and recall."""

RECALLS = np.arange(11) / 10
"""Recalls at which it averages the interpolated precision."""

Counts = npt.NDArray[np.floating[Any]]
"""Whole numbers in the narrowest type whose sums over all games are exact, see `counts_type`."""


def counts_type(largest: float, games: int) -> type[np.float32] | type[np.float64]:
    """What holds sums of counts, none of them above `largest`, over as many games: single precision where it can."""
    return np.float32 if largest * games <= 1 << np.finfo(np.float32).nmant else np.float64


@dataclass(frozen=True)
class Curve:
    """Precision over recall of one class at one tolerance, by falling confidence.

    Attributes:
        confidence: (P,) of the last prediction that counts.
        recall: (P,)
        precision: (P,)
    """

    confidence: Floats
    recall: Floats
    precision: Floats


class Evidence(Protocol):
    """What was found in each game.

    Attributes:
        events: (G, C) events.
    """

    @property
    def events(self) -> Floats: ...

    def average_precision(self, weights: Floats) -> Floats:
        """(B, D, C) average precision per tolerance and class of B corpora, each with (B, G) weights of the games."""
        ...

    def curves(self, tolerance: int) -> list[Curve]:
        """The curve of each class, all games together, at the tolerance with this index."""
        ...

    def interpolated_precision(self, weights: Floats, tolerance: int, recalls: Floats) -> Floats:
        """(B, C, R) the best precision at each of (R,) recalls or above, of B corpora with (B, G) weights of the games.

        It is 0 where no confidence brings that recall; the tolerance is given by its index.
        """
        ...


@dataclass(frozen=True)
class Counted:
    """Evidence of the development kit: counts at 200 confidences.

    Attributes:
        hits: (G, D, C, 200) hits with a confidence of at least each threshold.
        predictions: (G, D, C, 200) all predictions likewise; (G, 1, C, 200) where they are the same at all tolerances.
        events: (G, C) events.
    """

    hits: Counts
    predictions: Counts
    events: Floats

    def corpus(self, weights: Floats) -> tuple[Counts, Counts, Floats]:
        """Hits (B, D, C, 200), predictions (B, D or 1, C, 200) and events (B, C) of B corpora, of G games at most."""
        return _total(weights, self.hits), _total(weights, self.predictions), np.asarray(weights @ self.events)

    def average_precision(self, weights: Floats) -> Floats:
        """See `Evidence`; one tolerance after the other, so that what is computed stays in the processor's cache."""
        events = np.asarray(weights @ self.events)
        found = np.empty((len(weights), *self.hits.shape[1:3]))
        for place in range(found.shape[1]):
            hits = _total(weights, self.hits[:, place])
            if place < self.predictions.shape[1]:
                predictions = _total(weights, self.predictions[:, place])
            found[:, place] = mean_over_recalls(_best_from(_precision(hits, predictions), hits, events, RECALLS))
        return found

    def curves(self, tolerance: int) -> list[Curve]:
        """See `Evidence`; thresholds that no prediction reaches are left out."""
        hits, predictions, events = self.corpus(np.ones((1, len(self.events))))
        precision, recall = _precision(hits, predictions), hits / np.maximum(events, 1)[:, None, :, None]
        counts = np.broadcast_to(predictions, hits.shape)[0, tolerance]
        reached = [np.flatnonzero(count)[::-1] for count in counts]
        return [
            Curve(THRESHOLDS[places], recall[0, tolerance, label, places], precision[0, tolerance, label, places])
            for label, places in enumerate(reached)
        ]

    def interpolated_precision(self, weights: Floats, tolerance: int, recalls: Floats) -> Floats:
        """See `Evidence`."""
        hits = _total(weights, self.hits[:, tolerance])
        predictions = _total(weights, self.predictions[:, min(tolerance, self.predictions.shape[1] - 1)])
        return _best_from(_precision(hits, predictions), hits, np.asarray(weights @ self.events), recalls)


def _total(weights: Floats, counts: Counts) -> Counts:
    """(B, …) what (G, …) counts of G games are in B corpora."""
    flat = weights.astype(counts.dtype, copy=False) @ counts.reshape(len(counts), -1)
    return np.asarray(flat.reshape(len(weights), *counts.shape[1:]))


def _best_from(precision: Floats, hits: Counts, events: Floats, recalls: Floats) -> Floats:
    """(…, R) the best precision at each recall or above; 0 where none is.

    Args:
        precision: (…, P)
        hits: (…, P) whole numbers behind each precision, falling.
        events: (…) of which they are hits, or what broadcasts to it.
        recalls: (R,) ascending.
    """
    *rows, points = precision.shape
    if not precision.size:
        return np.zeros((*rows, len(recalls)))
    needed = np.broadcast_to(_hits_needed(events[..., None], recalls), (*rows, len(recalls)))
    start = np.arange(0, precision.size, points)[:, None]
    # Where each row's points with that recall begin and end, the highest recall first.
    bounds = np.concatenate([start, _reaching(hits, needed.reshape(-1, len(recalls)), start)[:, ::-1]], axis=1)
    cuts = bounds.reshape(-1)
    inside = np.searchsorted(cuts, precision.size)  # the last row's may lie at the end
    best = np.zeros(cuts.size)
    best[:inside] = np.maximum.reduceat(precision.reshape(-1), cuts[:inside])
    best = best.reshape(bounds.shape)[:, :-1]
    best = np.where(np.diff(bounds) > 0, best, 0)  # of nothing `reduceat` gives what comes next
    return np.maximum.accumulate(best, axis=1)[:, ::-1].reshape(*rows, len(recalls))


def _hits_needed(events: Floats, recalls: Floats) -> Floats:
    """The fewest hits that are, divided by the events, at least each recall as floating point has it."""
    several = np.maximum(events, 1)
    needed = np.ceil(recalls * several)
    needed -= (needed - 1) / several >= recalls
    needed += needed / several < recalls
    return np.asarray(needed)


def _reaching(hits: Counts, needed: Floats, start: Ints) -> Ints:
    """(N, R) where the hits of each row, which fall, go below what is needed: bisection, all rows at once.

    Args:
        hits: N rows of P.
        needed: (N, R)
        start: (N, 1) where each row begins.
    """
    flat, left = hits.reshape(-1), hits.shape[-1]
    needed = needed.astype(hits.dtype, copy=False)
    place = start + np.zeros(needed.shape[1], np.int64)
    while left > 1:
        half = left // 2
        place += half * (flat[place + half - 1] >= needed)
        left -= half
    return np.asarray(place + (flat[place] >= needed))


def _precision(hits: Counts, predictions: Counts) -> Floats:
    """0 where nothing is predicted."""
    return np.asarray(hits / np.maximum(predictions, 1, dtype=np.float64))


def mean_over_recalls(best: Floats) -> Floats:
    """(…) the mean of (…, 11) the best precision at each of `RECALLS` or above."""
    total = np.zeros(best.shape[:-1])
    for place in range(len(RECALLS)):
        # In the development kit's order: floating-point sums depend on it.
        total += best[..., place]
    return total / len(RECALLS)


@dataclass(frozen=True)
class Ranked:
    """Evidence of the 2018 protocol: predictions by falling confidence, the area under precision over recall.

    Attributes:
        hit: (D, N) whether each prediction, best first, is a hit at each tolerance.
        confidence: (N,) of each prediction.
        label: (N,) class of each prediction.
        game: (N,) game of each prediction.
        events: (G, C) events.
    """

    hit: Bools
    confidence: Floats
    label: Ints
    game: Ints
    events: Floats

    def average_precision(self, weights: Floats) -> Floats:
        """See `Evidence`."""
        ap = np.zeros((len(weights), len(self.hit), self.events.shape[1]))
        events = weights @ self.events
        for tolerance, label, game_of_hit, before in self._steps:
            # Precision falls between hits, so its envelope needs the hits alone.
            gain = weights[:, game_of_hit]
            precision = gain.cumsum(axis=1) / np.maximum(weights @ before, 1)
            envelope = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
            ap[:, tolerance, label] = (gain * envelope).sum(axis=1) / np.maximum(events[:, label], 1)
        return ap

    def curves(self, tolerance: int) -> list[Curve]:
        """See `Evidence`; a point at every hit."""
        curves = []
        for label, events in enumerate(self.events.sum(axis=0)):
            own = self.label == label
            hit = self.hit[tolerance, own]
            found = hit.cumsum()[hit]
            count = np.flatnonzero(hit) + 1
            curves.append(Curve(self.confidence[own][hit], found / max(events, 1), found / np.maximum(count, 1)))
        return curves

    def interpolated_precision(self, weights: Floats, tolerance: int, recalls: Floats) -> Floats:
        """See `Evidence`."""
        found = np.zeros((len(weights), self.events.shape[1], len(recalls)))
        events = weights @ self.events
        for of_tolerance, label, game_of_hit, before in self._steps:
            if of_tolerance == tolerance % len(self.hit) and len(game_of_hit):
                hits = weights[:, game_of_hit].cumsum(axis=1)
                precision = hits / np.maximum(weights @ before, 1)
                found[:, label] = _best_from(precision[:, ::-1], hits[:, ::-1], events[:, label], recalls)
        return found

    @cached_property
    def _steps(self) -> list[tuple[int, int, Ints, Floats]]:
        """Per tolerance and class: game of each hit (H,), and (G, H) predictions of each game up to that hit."""
        games, classes = self.events.shape
        steps = []
        for label in range(classes):
            own = np.flatnonzero(self.label == label)
            for tolerance, hit in enumerate(self.hit[:, own]):
                place = np.flatnonzero(hit)
                upto = np.zeros((games, len(place) + 1))
                np.add.at(upto, (self.game[own], np.searchsorted(place, np.arange(len(own)))), 1)
                steps.append((tolerance, label, self.game[own[place]], upto.cumsum(axis=1)[:, :-1]))
        return steps
