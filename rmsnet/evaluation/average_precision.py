"""From hits to average precision, of all games or of games that are drawn again: the two ways that are in use.

Either kind of evidence is kept game by game. A corpus is a weight for each game (how often it counts), so that a
bootstrap resample costs a product of matrices and no matching.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from rmsnet.evaluation.cells import Bools, Floats, Ints

THRESHOLDS = np.linspace(0, 1, 200)
"""Confidences at which the development kit takes precision and recall."""

RECALLS = np.arange(11) / 10
"""Recalls at which it averages the interpolated precision."""


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

    hits: Floats
    predictions: Floats
    events: Floats

    def corpus(self, weights: Floats) -> tuple[Floats, Floats, Floats]:
        """Hits (B, D, C, 200), predictions (B, D or 1, C, 200) and events (B, C) of B corpora."""

        def total(counts: Floats) -> Floats:
            flat = weights @ counts.reshape(len(counts), -1)
            return np.asarray(flat.reshape(len(weights), *counts.shape[1:]))

        return total(self.hits), total(self.predictions), total(self.events)

    def average_precision(self, weights: Floats) -> Floats:
        """See `Evidence`."""
        hits, predictions, events = self.corpus(weights)
        precision, recall = precision_and_recall(hits, predictions, events)
        return interpolated(precision, recall)

    def curves(self, tolerance: int) -> list[Curve]:
        """See `Evidence`; thresholds that no prediction reaches are left out."""
        hits, predictions, events = self.corpus(np.ones((1, len(self.events))))
        precision, recall = precision_and_recall(hits, predictions, events)
        counts = np.broadcast_to(predictions, hits.shape)[0, tolerance]
        reached = [np.flatnonzero(count)[::-1] for count in counts]
        return [
            Curve(THRESHOLDS[places], recall[0, tolerance, label, places], precision[0, tolerance, label, places])
            for label, places in enumerate(reached)
        ]

    def interpolated_precision(self, weights: Floats, tolerance: int, recalls: Floats) -> Floats:
        """See `Evidence`."""
        at = min(tolerance, self.predictions.shape[1] - 1)
        one = Counted(self.hits[:, [tolerance]], self.predictions[:, [at]], self.events)
        precision, recall = (values[:, 0] for values in precision_and_recall(*one.corpus(weights)))
        return _best_from(precision, recall, recalls)


def _best_from(precision: Floats, recall: Floats, recalls: Floats) -> Floats:
    """(…, R) the best precision at each recall or above, from (…, P) of both, recall falling; 0 where none is."""
    best = np.maximum.accumulate(precision, axis=-1)
    found = np.zeros((*precision.shape[:-1], len(recalls)))
    for place, least in enumerate(recalls):
        reaching = (recall >= least).sum(axis=-1, keepdims=True)
        best_here = np.take_along_axis(best, np.maximum(reaching - 1, 0), axis=-1)
        found[..., place] = np.where(reaching, best_here, 0)[..., 0]
    return found


def precision_and_recall(hits: Floats, predictions: Floats, events: Floats) -> tuple[Floats, Floats]:
    """(B, D, C, 200) precision and recall from what `Counted.corpus` gives; 0 where nothing is divided by nothing."""
    precision = hits / np.maximum(predictions, 1)
    recall = hits / np.maximum(events, 1)[:, None, :, None]
    return precision, recall


def interpolated(precision: Floats, recall: Floats) -> Floats:
    """(…) the mean over 11 recalls of the best precision at that recall or above, from (…, 200) of each."""
    total = np.zeros(precision.shape[:-1])
    for level in RECALLS:
        # In the development kit's order: floating-point sums depend on it.
        total += precision.max(axis=-1, where=recall >= level, initial=0)
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
                precision, recall = hits / np.maximum(weights @ before, 1), hits / np.maximum(events[:, [label]], 1)
                found[:, label] = _best_from(precision[:, ::-1], recall[:, ::-1], recalls)
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
