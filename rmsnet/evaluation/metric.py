"""Average-mAP: how a spotting result is judged, by one of three protocols that all exist (docs/evaluation.md).

Sources: SoccerNet.Evaluation.ActionSpotting of the package SoccerNet 0.2, whose numbers `devkit` gives to the last bit;
`segments` and `suppression` name the others.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal, get_args

import numpy as np

from rmsnet.evaluation.average_precision import Evidence
from rmsnet.evaluation.cells import Floats, Grid, Ints
from rmsnet.evaluation.counting import count
from rmsnet.evaluation.segments import rank_segments
from rmsnet.spots import Predictions, Truth

Protocol = Literal["devkit", "soccernet-2018", "calf"]
PROTOCOLS: tuple[Protocol, ...] = get_args(Protocol)

LOOSE = tuple(range(5, 61, 5))
TIGHT = tuple(range(1, 6))


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
        visible: shown events, against the predictions whose nearest event of the class was shown; None in
            `soccernet-2018`, which knows no visibility.
        unshown: the others, against the other predictions; None likewise.
    """

    tolerances: Floats
    visible: Score | None
    unshown: Score | None


@dataclass(frozen=True)
class Judged:
    """Predictions matched with events, game by game, ready to be scored as one corpus or as resampled ones.

    Attributes:
        games: G, number of games.
        tolerances: (D,) seconds.
        everything: evidence of all events.
        visible: of those that were shown, all games together; None where the protocol does not ask.
        unshown: of the others, likewise.
    """

    games: int
    tolerances: Floats
    everything: Evidence
    visible: Evidence | None
    unshown: Evidence | None

    def scores(self) -> Scores:
        """The scores of all games."""
        everything, visible, unshown = (
            None if evidence is None else evidence.average_precision(np.ones((1, len(evidence.events))))[0]
            for evidence in (self.everything, self.visible, self.unshown)
        )
        assert everything is not None
        all_events = score_of(everything)
        return Scores(
            all_events.average_map,
            all_events.per_class,
            all_events.map_by_tolerance,
            all_events.ap,
            self.tolerances,
            None if visible is None else score_of(visible),
            None if unshown is None else unshown_score_of(unshown),
        )


def average_map(
    truth: Truth,
    predictions: Predictions,
    *,
    halves: int,
    classes: int,
    frame_rate: float,
    tolerances: Sequence[float] = LOOSE,
    protocol: Protocol = "devkit",
) -> Scores:
    """Average-mAP of predictions.

    Args:
        truth: the events, `half` in 0 … halves-1, `label` in 0 … classes-1.
        predictions: likewise.
        halves: number of halves; those without a row count too.
        classes: number of classes; one without an event scores 0 and stays in the mean.
        frame_rate: of the grid on which times are compared, frames per second; the official one is 2.
        tolerances: seconds, ascending; a prediction may be off by half of one.
        protocol: "devkit", "soccernet-2018" or "calf".

    Raises:
        ValueError: a half, class or time outside the grid, tolerances that do not ascend.
    """
    return judge(
        truth,
        predictions,
        game_of_half=np.zeros(halves, np.int64),
        classes=classes,
        frame_rate=frame_rate,
        tolerances=tolerances,
        protocol=protocol,
    ).scores()


def score_of(ap: Floats) -> Score:
    """A score from (D, C) average precisions."""
    map_by_tolerance = np.array([np.mean(of_classes) for of_classes in ap])
    return Score(float(over_tolerances(map_by_tolerance)), over_tolerances(ap), map_by_tolerance, ap)


def unshown_score_of(ap: Floats) -> Score:
    """A score of unshown events.

    Over several tolerances the development kit multiplies their Average-mAP, and nothing else, by 17/13: 13 of its 17
    classes have such events.
    """
    score = score_of(ap)
    return replace(score, average_map=score.average_map * 17 / 13) if len(ap) > 1 else score


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


def judge(
    truth: Truth,
    predictions: Predictions,
    *,
    game_of_half: Ints,
    classes: int,
    frame_rate: float,
    tolerances: Sequence[float] = LOOSE,
    protocol: Protocol = "devkit",
) -> Judged:
    """Match predictions with events at every tolerance.

    Args:
        truth: the events.
        predictions: the predictions.
        game_of_half: (halves,) which game, 0 … G-1, each half belongs to.
        classes: C, number of classes.
        frame_rate: of the grid on which times are compared, frames per second.
        tolerances: seconds, ascending.
        protocol: how.

    Raises:
        ValueError: a half, class or time outside the grid, tolerances that do not ascend, an unknown protocol.
    """
    if protocol not in PROTOCOLS:
        raise ValueError(f"protocol {protocol!r} is none of {', '.join(PROTOCOLS)}")
    if not tolerances or any(one >= two for one, two in pairwise((0, *tolerances))):
        raise ValueError(f"tolerances must be positive and ascend: {list(tolerances)}")
    games = int(game_of_half.max(initial=-1)) + 1
    grid = Grid(len(game_of_half), classes, frame_rate)
    grid.check(truth)
    grid.check(predictions)
    seconds = np.asarray(tolerances, np.float64)
    if protocol == "soccernet-2018":
        ranked = rank_segments(truth, predictions, game_of_half, games=games, classes=classes, tolerances=tolerances)
        return Judged(games, seconds, ranked, None, None)
    counted = count(truth, predictions, grid, game_of_half, games, tolerances, suppress=protocol == "calf")
    return Judged(games, seconds, *counted)
