"""All classes at once, at the largest tolerance: which class is taken for which, and precision over recall."""

import numpy as np

from rmsnet.evaluation.assessment import Assessment
from rmsnet.evaluation.average_precision import Curve
from rmsnet.evaluation.cells import Floats, Grid, Ints, events_on, predictions_on
from rmsnet.evaluation.counting import by_halves, reach_of
from rmsnet.evaluation.matching import NOBODY, match, rank_of
from rmsnet.spots import Predictions, Truth

NOTHING = "nothing"
"""Name of the row of false alarms and the column of missed events."""


class _Matched:
    """Events and predictions, matched as in the development kit: class by class."""

    def __init__(self, assessment: Assessment, truth: Truth, predictions: Predictions) -> None:
        corpus = assessment.corpus
        self.grid = Grid(len(corpus.halves), len(corpus.classes), corpus.frame_rate)
        self.event, _ = events_on(self.grid, truth)
        self.cell, self.confidence = predictions_on(self.grid, predictions)
        self.reach = reach_of(float(assessment.scores.tolerances[-1]), corpus.frame_rate)
        self.taker = match(self.grid, self.event, self.cell, rank_of(self.confidence), self.reach)


def confusion_matrix(assessment: Assessment) -> Ints:
    """(C + 1, C + 1) counts: row = annotated class, column = predicted class, the last of each is `NOTHING`.

    An event that its own class has found stands on the diagonal. The other events are offered to the predictions that
    are left, whatever their class; what nobody takes was missed, what takes nothing is a false alarm.
    """
    corpus = assessment.corpus
    parts = by_halves(
        lambda truth, predictions: _confused(_Matched(assessment, truth, predictions)),
        corpus.truth,
        assessment.predictions,
        len(corpus.halves),
    )
    empty = np.zeros((len(corpus.classes) + 1, len(corpus.classes) + 1), np.int64)
    return sum(parts, empty)


def _confused(found: _Matched) -> Ints:
    """The matrix of some halves."""
    classes = found.grid.classes
    matrix = np.zeros((classes + 1, classes + 1), np.int64)
    hit = found.taker != NOBODY
    np.add.at(matrix, (found.grid.label_of(found.event[found.taker[hit]]), found.grid.label_of(found.cell[hit])), 1)

    left = _others(len(found.event), found.taker[hit])
    event, event_label = _without_class(found.grid, found.event[left])
    cell, cell_label = _without_class(found.grid, found.cell[~hit])
    order = np.argsort(cell, kind="stable")
    cell, cell_label, confidence = cell[order], cell_label[order], found.confidence[~hit][order]
    anyone = Grid(found.grid.halves, 1, found.grid.frame_rate)
    by_time = np.argsort(event, kind="stable")
    event, event_label = event[by_time], event_label[by_time]
    taker = match(anyone, event, cell, rank_of(confidence), found.reach)
    taken = taker != NOBODY
    np.add.at(matrix, (event_label[taker[taken]], cell_label[taken]), 1)
    missed = _others(len(event), taker[taken])
    np.add.at(matrix, (event_label[missed], np.full(len(missed), classes)), 1)
    np.add.at(matrix, (classes, cell_label[~taken]), 1)
    return matrix


def _others(length: int, indices: Ints) -> Ints:
    """The indices of so many that are not among these."""
    others = np.ones(length, bool)
    others[indices] = False
    return np.flatnonzero(others)


def _without_class(grid: Grid, cell: Ints) -> tuple[Ints, Ints]:
    """(N,) cells of a grid of one class, and (N,) the class that they had."""
    return grid.half_of(cell) * grid.frames + cell % grid.frames, grid.label_of(cell)


def pooled_curve(assessment: Assessment, points: int = 200) -> Curve:
    """Precision over recall of the predictions of all classes together, thinned to at most so many points."""
    found = _Matched(assessment, assessment.corpus.truth, assessment.predictions)
    order = np.argsort(-found.confidence, kind="stable")
    confidence: Floats = found.confidence[order]
    hits = np.cumsum(found.taker[order] != NOBODY)
    number = np.arange(1, len(order) + 1)
    last_of_equals = np.append(confidence[1:] != confidence[:-1], True) if len(order) else np.zeros(0, bool)
    kept = np.flatnonzero(last_of_equals)
    kept = (
        kept[np.unique(np.linspace(0, len(kept) - 1, min(points, len(kept))).astype(np.int64))] if len(kept) else kept
    )
    return Curve(confidence[kept], hits[kept] / max(len(found.event), 1), hits[kept] / number[kept])
