"""The worst misses and false alarms, with the game and the time at which to look."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from rmsnet.evaluation.assessment import Assessment
from rmsnet.evaluation.cells import Floats, Grid, Ints, events_on, predictions_on
from rmsnet.evaluation.counting import by_halves, reach_of
from rmsnet.evaluation.matching import NOBODY, match_near
from rmsnet.spots import Predictions, Truth

LIMIT = 200


@dataclass(frozen=True)
class Place:
    """Where to look.

    Attributes:
        game: league/season/game.
        half: 1 or 2.
        time: minutes and seconds in the half.
        minute: as people say it.
        label: class of what is there.
    """

    game: str
    half: int
    time: str
    minute: str
    label: str


@dataclass(frozen=True)
class Miss(Place):
    """An event that no prediction found, or only an unsure one.

    Attributes:
        shown: whether the broadcast showed it.
        confidence: of the prediction that it took, None where it took none.
        nearest_seconds: from the event to the nearest prediction of its class in the half, None where there is none.
    """

    shown: bool
    confidence: float | None
    nearest_seconds: float | None


@dataclass(frozen=True)
class FalseAlarm(Place):
    """A prediction that no event took.

    Attributes:
        confidence: of it.
        nearest_label: class of the nearest event of any class in the half, None where there is none.
        nearest_seconds: from the prediction to that event.
    """

    confidence: float
    nearest_label: str | None
    nearest_seconds: float | None


Mistakes = tuple[list[Miss], list[FalseAlarm]]


def mistakes(assessment: Assessment, limit: int = LIMIT) -> Mistakes:
    """The worst mistakes at the largest tolerance, matched as in the development kit, the worst first.

    A miss is the worse the farther the nearest prediction of its class, then the less confident the prediction that
    found it; a false alarm is the worse the more confident it is.
    """
    corpus = assessment.corpus
    grid = Grid(len(corpus.halves), len(corpus.classes), corpus.frame_rate)
    reach = reach_of(float(assessment.scores.tolerances[-1]), corpus.frame_rate)

    def of_some(truth: Truth, predictions: Predictions) -> tuple[npt.NDArray[Any], ...]:
        """Cell of each event, whether it was shown, confidence of its prediction, distance to the nearest; alarms."""
        event, visible = events_on(grid, truth)
        cell, confidence = predictions_on(grid, predictions)
        near, (taker,) = match_near(grid, event, cell, confidence, [reach])
        hit = near[taker != NOBODY]
        taken = np.full(len(event), np.nan)
        taken[taker[taker != NOBODY]] = confidence[hit]
        _, to_prediction = _nearest(event, grid.row_start(event), cell, grid.row_start(cell))
        free = np.ones(len(cell), bool)
        free[hit] = False
        alarms = _highest(confidence, np.flatnonzero(free), limit)
        return event, visible, taken, to_prediction, cell[alarms], confidence[alarms]

    parts = by_halves(of_some, corpus.truth, assessment.predictions, grid.halves)
    event, visible, taken, to_prediction, alarm, alarm_confidence = map(np.concatenate, zip(*parts, strict=True))

    def where(cells: Ints) -> list[tuple[str, int, str, str, str]]:
        seconds = (cells % grid.frames / corpus.frame_rate).astype(np.int64)
        columns = (grid.half_of(cells), grid.label_of(cells), seconds)
        places = []
        for half, label, second in zip(*(column.tolist() for column in columns), strict=True):
            game, number = corpus.halves[half]
            minute = corpus.periods[number - 1].said(1000 * second)
            places.append((game, number, f"{second // 60:02d}:{second % 60:02d}", minute, corpus.classes[label]))
        return places

    # Not found before found; among the former the loneliest first, among the latter the least confident.
    worst = np.lexsort((np.where(np.isnan(taken), -to_prediction, taken), ~np.isnan(taken)))[:limit]
    misses = [
        Miss(
            *place,
            bool(visible[index]),
            None if np.isnan(taken[index]) else float(taken[index]),
            _seconds(to_prediction[index], corpus.frame_rate),
        )
        for index, place in zip(worst.tolist(), where(event[worst]), strict=True)
    ]

    best = np.argsort(-alarm_confidence, kind="stable")[:limit]
    alarm, alarm_confidence = alarm[best], alarm_confidence[best]
    # Any class: events by half and frame.
    time = grid.half_of(event) * grid.frames + event % grid.frames
    order = np.argsort(time, kind="stable")
    alarm_half = grid.half_of(alarm) * grid.frames
    nearest, to_event = _nearest(
        alarm_half + alarm % grid.frames, alarm_half, time[order], time[order] - time[order] % grid.frames
    )
    labels = [label for *_, label in where(event[order[nearest]])] if len(event) else [""] * len(alarm)
    false_alarms = [
        FalseAlarm(
            *place,
            sureness,
            label if np.isfinite(distance) else None,
            _seconds(distance, corpus.frame_rate),
        )
        for place, sureness, label, distance in zip(
            where(alarm), alarm_confidence.tolist(), labels, to_event.tolist(), strict=True
        )
    ]
    return misses, false_alarms


def _highest(confidence: Floats, chosen: Ints, limit: int) -> Ints:
    """The `chosen` indices, ascending as they are, of the `limit` highest confidences and of what equals the last."""
    if len(chosen) <= limit:
        return chosen
    least = np.partition(confidence[chosen], -limit)[-limit]
    kept: Ints = chosen[confidence[chosen] >= least]
    return kept


def _nearest(place: Ints, row: Ints, others: Ints, other_row: Ints) -> tuple[Ints, Any]:
    """(N,) index of the nearest of `others` (ascending) in the same row, and its distance; infinity where none is."""
    best = np.zeros(len(place), np.int64)
    distance = np.full(len(place), np.inf)
    after = np.searchsorted(others, place)
    for candidate in (after - 1, after):
        there = (candidate >= 0) & (candidate < len(others))
        there[there] = other_row[candidate[there]] == row[there]
        far = np.where(there, np.abs(others[np.where(there, candidate, 0)] - place) if len(others) else 0, np.inf)
        closer = far < distance
        best[closer], distance[closer] = candidate[closer], far[closer]
    return best, distance


def _seconds(frames: float, frame_rate: float) -> float | None:
    return round(float(frames) / frame_rate, 3) if np.isfinite(frames) else None
