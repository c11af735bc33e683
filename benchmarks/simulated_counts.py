"""Simulated predictions of many models in many lives, as counts per game, scored many corpora at a time.

What `rmsnet.evaluation` keeps of a game (hits and predictions with a confidence of at least each threshold), with fewer
thresholds and one class, so that thousands of lives of a gate can be played. A game is some 14 events, easy or hard for
all models alike; a model finds an event, places it with an error and gives it a confidence, and gives false alarms.
Two models of the same kind are equal by construction.
"""

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import numpy.typing as npt

TOLERANCES = np.array([5.0, 20.0, 40.0, 60.0])
THRESHOLDS = 20
ROWS = len(TOLERANCES) + 1  # of hits, and one of predictions
EVENTS_OF_A_GAME = 14
AT_ONCE = 50

Counts = npt.NDArray[np.uint8]
"""(G, ROWS · THRESHOLDS, L) of each game of each life."""

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Kind:
    """What a model is like.

    Attributes:
        recall: chance to find an event of the easiest game, in each life (L,) or in all.
        place_seconds: standard deviation of the error in time.
        confidence: scale of the confidences.
        failing: share of games in which it finds nothing.
    """

    recall: npt.NDArray[np.float64] | float
    place_seconds: float = 6.0
    confidence: float = 1.0
    failing: float = 0.0


class Games:
    """The games of L lives.

    Attributes:
        events: (G, L) how many each game has.
    """

    def __init__(self, games: int, lives: int, random: np.random.Generator) -> None:
        self.shape = (games, lives)
        self.random = random
        count = random.poisson(EVENTS_OF_A_GAME, self.shape)
        self.events = count.astype(np.float32)
        self._game = np.repeat(np.arange(count.size), count.ravel())
        self._ease = random.beta(6, 2, count.size)
        self._family = self._luck()

    def _luck(self) -> tuple[npt.NDArray[np.float64], ...]:
        """Of each event: whether it is found, how well it is placed, how sure the model is."""
        random, events = self.random, len(self._game)
        return random.random(events), np.abs(random.standard_normal(events)), random.beta(5, 2, events)

    def counts(self, kind: Kind, kinship: float = 0.0) -> Counts:
        """What a new model of this kind finds.

        Args:
            kind: of the model.
            kinship: correlation of what two models find; members of a family have most of their luck in common.
        """
        (games, lives), random = self.shape, self.random
        recall = np.broadcast_to(np.asarray(kind.recall), (games, lives)).ravel() * self._ease
        if kind.failing:
            recall = recall * (random.random(len(recall)) >= kind.failing)
        luck = self._luck()
        if kinship:
            shared = random.random(len(self._game)) < np.sqrt(kinship)
            luck = tuple(np.where(shared, theirs, own) for theirs, own in zip(self._family, luck, strict=True))
        found = luck[0] < recall[self._game]
        game, error, confidence = self._game[found], luck[1][found] * kind.place_seconds, luck[2][found]
        # A hit counts at every tolerance that is twice its error or more.
        tolerance = np.searchsorted(TOLERANCES / 2, error)
        hits = np.bincount(
            (game * ROWS + tolerance) * THRESHOLDS + _threshold(confidence * kind.confidence),
            minlength=games * lives * ROWS * THRESHOLDS,
        ).astype(np.uint8)
        hits = hits.reshape(games, lives, ROWS, THRESHOLDS)
        alarms = random.poisson(10, games * lives)
        alarm = np.repeat(np.arange(games * lives), alarms)
        false = np.bincount(
            alarm * THRESHOLDS + _threshold(random.beta(2, 3, len(alarm)) * kind.confidence),
            minlength=games * lives * THRESHOLDS,
        ).astype(np.uint8)
        predictions = hits.sum(axis=2, dtype=np.uint8) + false.reshape(games, lives, THRESHOLDS)
        both = np.concatenate([hits[:, :, :-1].cumsum(axis=2, dtype=np.uint8), predictions[:, :, None]], axis=2)
        at_least = both[..., ::-1].cumsum(axis=-1, dtype=np.uint8)[..., ::-1]
        return np.ascontiguousarray(at_least.reshape(games, lives, -1).swapaxes(1, 2))


def _threshold(confidence: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    return (confidence * THRESHOLDS).astype(np.int64).clip(0, THRESHOLDS - 1)


def average_map(weights: Floats, counts: Counts, events: Floats) -> Floats:
    """(B, L) Average-mAP of B corpora of each life.

    Args:
        weights: (B, G) how often each game counts.
        counts: (G, ROWS · THRESHOLDS, L) of a model.
        events: (G, L) of the games.
    """
    games, _, lives = counts.shape
    flat = counts.reshape(games, -1).astype(np.float32)
    scores = []
    for start in range(0, len(weights), AT_ONCE):
        part = weights[start : start + AT_ONCE]
        total = (part @ flat).reshape(len(part), ROWS, THRESHOLDS, lives)
        scores.append(_score(total, part @ events))
    return np.concatenate(scores)


def _score(total: Floats, events: Floats) -> Floats:
    """(B, L) Average-mAP from (B, ROWS, THRESHOLDS, L) counts, (B, L) events; as `interpolated`."""
    hits, predictions = total[:, :-1], total[:, -1:]
    envelope = hits / np.maximum(predictions, 1)
    for place in range(1, THRESHOLDS):
        np.maximum(envelope[:, :, place], envelope[:, :, place - 1], out=envelope[:, :, place])
    # Of the eleven recalls, those that each threshold reaches; the best precision at or above a recall is that of the
    # highest threshold that reaches it.
    reached = np.floor(hits * (10 / np.maximum(events, 1))[:, None, None] + np.float32(1e-4)) + 1
    reached[:, :, :-1] -= reached[:, :, 1:]
    envelope *= reached
    ap = envelope.sum(axis=2) / 11
    return np.asarray((ap[:, :-1] + ap[:, 1:]).sum(axis=1) / (2 * (ROWS - 2)))


def with_score(score: npt.NDArray[np.float64] | float, kind: Kind) -> Kind:
    """This kind of model with the recall that gives such an Average-mAP, in %, on a hundred games on average."""
    return replace(kind, recall=np.interp(score, *_scores_by_recall(kind)))


@cache
def _scores_by_recall(kind: Kind) -> tuple[tuple[float, ...], tuple[float, ...]]:
    once, recalls, scores = np.ones((1, 100), np.float32), np.linspace(0.5, 1.3, 17), []
    for recall in recalls:
        games = Games(100, 200, np.random.default_rng(0))  # the same luck at each recall
        scores.append(100 * float(average_map(once, games.counts(replace(kind, recall=recall)), games.events).mean()))
    return tuple(np.maximum.accumulate(scores).tolist()), tuple(recalls.tolist())
