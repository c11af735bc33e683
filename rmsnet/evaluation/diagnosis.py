"""What a score does not say: are confidences true, where do hits lie in time, how sure is precision over recall.

Everything is at the largest tolerance, matched as in the development kit, whatever the protocol of the scores.
"""

from dataclasses import dataclass

import numpy as np

from rmsnet.evaluation.assessment import Assessment
from rmsnet.evaluation.bootstrap import drawn_weights, interval, of_corpora
from rmsnet.evaluation.cells import Floats, Grid, Ints, events_on, predictions_on
from rmsnet.evaluation.counting import by_halves, reach_of
from rmsnet.evaluation.matching import NOBODY, match_near
from rmsnet.spots import Predictions, Truth

BINS = 10
"""Of equal width, from 0 to 1; a confidence outside counts in the nearest."""

MOST_TIMING_BINS = 25

RECALLS = np.linspace(0, 1, 51)
"""At which precision gets its interval."""


@dataclass(frozen=True)
class Reliability:
    """How often predictions of a confidence are right (Guo et al., On Calibration of Modern Neural Networks, 2017).

    Attributes:
        count: (BINS,) predictions.
        confidence: (BINS,) their mean confidence, 0 where there is none.
        precision: (BINS,) the share that is right, 0 where there is none.
        ends: (2, BINS) the 95 % interval of that share over games, not a number where too few resamples have any; None
            where nothing was resampled.
    """

    count: Floats
    confidence: Floats
    precision: Floats
    ends: Floats | None

    @property
    def expected_error(self) -> float:
        """Expected calibration error: the mean distance of confidence and precision, by predictions; 0 without any."""
        return float(self.count @ np.abs(self.confidence - self.precision) / max(self.count.sum(), 1))

    @property
    def overconfidence(self) -> float:
        """Mean confidence minus precision of all predictions."""
        return float(self.count @ (self.confidence - self.precision) / max(self.count.sum(), 1))


@dataclass(frozen=True)
class Timing:
    """How far the hits of a class are from their events.

    Attributes:
        seconds: (H,) prediction minus event, on the grid's frames: positive is late.
    """

    seconds: Floats

    @property
    def median(self) -> float | None:
        return float(np.median(self.seconds)) if len(self.seconds) else None

    @property
    def mean_distance(self) -> float | None:
        return float(np.abs(self.seconds).mean()) if len(self.seconds) else None


@dataclass(frozen=True)
class Bands:
    """Interpolated precision over recall, with its interval over games.

    Attributes:
        precision: (C, R) the best precision at each of `RECALLS` or above.
        ends: (2, C, R) the 95 % interval; None where nothing was resampled.
    """

    precision: Floats
    ends: Floats | None


@dataclass(frozen=True)
class Diagnosis:
    """Of one set of predictions.

    Attributes:
        reliability: of each class, and last of all predictions.
        timing: of each class.
        bands: precision over recall.
        reach_seconds: the farthest that a hit can be off.
    """

    reliability: tuple[Reliability, ...]
    timing: tuple[Timing, ...]
    bands: Bands
    reach_seconds: float


def diagnose(assessment: Assessment) -> Diagnosis:
    """Reliability, timing errors and bands of an assessment, resampled as often as its scores were."""
    judged, resampled = assessment.judged, assessment.resampled
    weights = None if resampled is None else drawn_weights(judged.games, len(resampled.ap), seed=0)
    counts, label, seconds = _found(assessment)
    every = np.concatenate([counts, counts.sum(axis=1, keepdims=True)], axis=1)
    once = np.ones((1, judged.games))
    evidence = judged.everything
    drawn = (
        None
        if weights is None
        else of_corpora(lambda some: evidence.interpolated_precision(some, -1, RECALLS), weights)
    )
    return Diagnosis(
        tuple(reliability(every[:, place], weights) for place in range(every.shape[1])),
        tuple(Timing(seconds[label == place]) for place in range(len(assessment.corpus.classes))),
        Bands(
            evidence.interpolated_precision(once, -1, RECALLS)[0],
            None if drawn is None else interval(drawn),
        ),
        _reach_frames(assessment) / assessment.corpus.frame_rate,
    )


def _reach_frames(assessment: Assessment) -> int:
    return reach_of(float(assessment.scores.tolerances[-1]), assessment.corpus.frame_rate)


def reliability(counts: Floats, weights: Floats | None) -> Reliability:
    """Bins from what was counted in each game.

    Args:
        counts: (G, BINS, 3) predictions, the sum of their confidences, hits.
        weights: (B, G) how often each game is in each of B resamples; None: no intervals.
    """
    number, confidence, hits = counts.sum(axis=0).T
    several = np.maximum(number, 1)
    ends = None
    if weights is not None:
        drawn_number, drawn_hits = weights @ counts[..., 0], weights @ counts[..., 2]
        shares = np.divide(drawn_hits, drawn_number, out=np.full_like(drawn_hits, np.nan), where=drawn_number > 0)
        known = np.isfinite(shares).mean(axis=0) > 1 / 2
        ends = np.full((2, len(number)), np.nan)
        ends[:, known] = np.nanquantile(shares[:, known], [0.025, 0.975], axis=0)
    return Reliability(number, confidence / several, hits / several, ends)


def _found(assessment: Assessment) -> tuple[Floats, Ints, Floats]:
    """(G, C, BINS, 3) predictions, sums of confidences and hits; of each hit its class and seconds off."""
    corpus = assessment.corpus
    classes = len(corpus.classes)
    grid = Grid(len(corpus.halves), classes, corpus.frame_rate)
    reach = _reach_frames(assessment)
    place_of = {game: place for place, game in enumerate(corpus.games)}
    game_of_half = np.array([place_of[game] for game, _ in corpus.halves], np.int64)
    shape = (len(place_of), classes, BINS)

    def of_some(truth: Truth, predictions: Predictions) -> tuple[Floats, Ints, Floats]:
        event, _ = events_on(grid, truth)
        cell, confidence = predictions_on(grid, predictions)
        near, (taker,) = match_near(grid, event, cell, confidence, [reach])
        hit, taken = near[taker != NOBODY], taker[taker != NOBODY]
        right = np.zeros(len(cell))
        right[hit] = 1
        sure = np.minimum(confidence, 1)
        bin_of = np.minimum((sure * BINS).astype(np.int64), BINS - 1)
        place = (game_of_half[grid.half_of(cell)] * classes + grid.label_of(cell)) * BINS + bin_of
        columns = (
            np.bincount(place, weights, minlength=int(np.prod(shape))).reshape(shape) for weights in (None, sure, right)
        )
        return np.stack([*columns], axis=-1), grid.label_of(cell[hit]), (cell[hit] - event[taken]) / grid.frame_rate

    counts = np.zeros((*shape, 3))
    labels, seconds = [], []
    for some, label, away in by_halves(of_some, corpus.truth, assessment.predictions, grid.halves):
        counts += some
        labels.append(label)
        seconds.append(away)
    return counts, np.concatenate(labels), np.concatenate(seconds)


def timing_histogram(timing: Timing, reach_seconds: float, frame_rate: float) -> tuple[Floats, Ints]:
    """Edges in seconds and hits between them: an odd number of equal bins, the middle one around 0.

    Args:
        timing: of a class.
        reach_seconds: the farthest a hit can be off.
        frame_rate: of the grid; every bin holds as many of its frames.
    """
    reach = round(reach_seconds * frame_rate)
    width = -(-(2 * reach + 1) // MOST_TIMING_BINS)
    width += width % 2 == 0
    side = -(-(2 * reach + 1 - width) // (2 * width))
    edges = (np.arange(2 * side + 2) - side - 0.5) * width / frame_rate
    return np.asarray(edges, np.float64), np.histogram(timing.seconds, edges)[0].astype(np.int64)
