"""The worst misses and false alarms, with the game and the time at which to look."""

from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from rmsnet.evaluation.assessment import Assessment
from rmsnet.evaluation.cells import Grid, Ints, events_on, predictions_on
from rmsnet.evaluation.counting import reach_of
from rmsnet.evaluation.matching import NOBODY, match, rank_of

LIMIT = 200


@dataclass(frozen=True)
class Miss:
    """An event that no prediction found, or only an unsure one.

    Attributes:
        game: league/season/game.
        half: 1 or 2.
        time: minutes and seconds in the half.
        label: its class.
        shown: whether the broadcast showed it.
        confidence: of the prediction that it took, None where it took none.
        nearest_seconds: from the event to the nearest prediction of its class in the half, None where there is none.
    """

    game: str
    half: int
    time: str
    label: str
    shown: bool
    confidence: float | None
    nearest_seconds: float | None


@dataclass(frozen=True)
class FalseAlarm:
    """A prediction that no event took.

    Attributes:
        game: league/season/game.
        half: 1 or 2.
        time: minutes and seconds in the half.
        label: its class.
        confidence: of it.
        nearest_label: class of the nearest event of any class in the half, None where there is none.
        nearest_seconds: from the prediction to that event.
    """

    game: str
    half: int
    time: str
    label: str
    confidence: float
    nearest_label: str | None
    nearest_seconds: float | None


Mistakes = tuple[list[Miss], list[FalseAlarm]]


def as_row(mistake: Miss | FalseAlarm) -> dict[str, Any]:
    return asdict(mistake)


def columns_of(kind: type[Miss] | type[FalseAlarm]) -> list[str]:
    return [item.name for item in fields(kind)]


def mistakes(assessment: Assessment, limit: int = LIMIT) -> Mistakes:
    """The worst mistakes at the largest tolerance, matched as in the development kit, the worst first.

    A miss is the worse the farther the nearest prediction of its class, then the less confident the prediction that
    found it; a false alarm is the worse the more confident it is.
    """
    corpus = assessment.corpus
    grid = Grid(len(corpus.halves), len(corpus.classes), corpus.frame_rate)
    event, visible = events_on(grid, corpus.truth)
    cell, confidence = predictions_on(grid, assessment.predictions)
    reach = reach_of(float(assessment.scores.tolerances[-1]), corpus.frame_rate)
    taker = match(grid, event, cell, rank_of(confidence), reach)

    def where(cells: Ints) -> list[tuple[str, int, str, str]]:
        seconds = (cells % grid.frames / corpus.frame_rate).astype(np.int64)
        columns = (grid.half_of(cells), grid.label_of(cells), seconds)
        return [
            (*corpus.halves[half], f"{second // 60:02d}:{second % 60:02d}", corpus.classes[label])
            for half, label, second in zip(*(column.tolist() for column in columns), strict=True)
        ]

    taken = np.full(len(event), np.nan)
    taken[taker[taker != NOBODY]] = confidence[taker != NOBODY]
    row = grid.row_start(event)
    _, to_prediction = _nearest(event, row, cell, grid.row_start(cell))
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

    alarms = np.flatnonzero(taker == NOBODY)
    alarms = alarms[np.argsort(-confidence[alarms], kind="stable")[:limit]]
    # Any class: events by half and frame.
    time = grid.half_of(event) * grid.frames + event % grid.frames
    order = np.argsort(time, kind="stable")
    alarm = cell[alarms]
    alarm_half = grid.half_of(alarm) * grid.frames
    nearest, to_event = _nearest(
        alarm_half + alarm % grid.frames, alarm_half, time[order], time[order] - time[order] % grid.frames
    )
    labels = [label for *_, label in where(event[order[nearest]])] if len(event) else [""] * len(alarms)
    false_alarms = [
        FalseAlarm(
            *place,
            float(confidence[index]),
            label if np.isfinite(distance) else None,
            _seconds(distance, corpus.frame_rate),
        )
        for index, place, label, distance in zip(alarms.tolist(), where(alarm), labels, to_event.tolist(), strict=True)
    ]
    return misses, false_alarms


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
