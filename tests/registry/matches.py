"""Simulated predictions of two models on the same games, for the error rates of the gate. No feature, no network.

Everything is drawn per game: how hard the game is for both, and what each model makes of each event. Two models that
are drawn alike are equal by construction: which of them is called challenger is a coin's choice.
"""

from dataclasses import replace

import numpy as np

from rmsnet.evaluation.average_precision import Counted
from rmsnet.evaluation.metric import Judged, judge
from rmsnet.spots import Predictions, Truth

EVENTS_OF_A_GAME = 14
MINUTES = 45
TOLERANCES = (5.0, 20.0, 40.0, 60.0)


def predictions_of(truth: Truth, difficulty, recall: float, random: np.random.Generator) -> Predictions:
    """What a model finds: events it hits with some error in time, and false alarms."""
    hit = random.random(len(truth.half)) < recall * difficulty[truth.half // 2]
    error = random.normal(0, 6_000, len(truth.half)).astype(np.int64)
    halves = len(difficulty) * 2
    alarms = random.integers(0, halves, 5 * halves)
    return Predictions(
        np.concatenate([truth.half[hit], alarms]),
        np.concatenate(
            [np.clip(truth.position_ms + error, 0, None)[hit], random.integers(0, 60_000 * MINUTES, len(alarms))]
        ),
        np.concatenate([truth.label[hit], random.integers(0, truth.label.max() + 1, len(alarms))]),
        np.concatenate([random.beta(5, 2, int(hit.sum())), random.beta(2, 3, len(alarms))]),
    )


def pool(games: int, recalls: tuple[float, float], classes: int = 1, seed: int = 0) -> tuple[Judged, Judged]:
    """Two models of given recalls, judged on many games, from which samples are taken."""
    random = np.random.default_rng(seed)
    events = games * EVENTS_OF_A_GAME
    truth = Truth(
        np.sort(random.integers(0, 2 * games, events)),
        random.integers(0, 60_000 * MINUTES, events),
        random.integers(0, classes, events),
        np.ones(events, bool),
    )
    difficulty = random.beta(6, 2, games)
    one, two = (
        judge(
            truth,
            predictions_of(truth, difficulty, recall, random),
            game_of_half=np.arange(2 * games) // 2,
            classes=classes,
            frame_rate=2.0,
            tolerances=TOLERANCES,
        )
        for recall in recalls
    )
    return one, two


def sample(pair: tuple[Judged, Judged], games: int, equal: bool, random: np.random.Generator) -> tuple[Judged, Judged]:
    """Some games of the pool; with `equal`, the models change sides in half of them, which makes them equal."""
    one, two = (judged.everything for judged in pair)
    assert isinstance(one, Counted)
    assert isinstance(two, Counted)
    drawn = random.choice(len(one.events), games, replace=False)
    swap = random.random(games) < 0.5 if equal else np.zeros(games, bool)

    def side(mine: Counted, other: Counted) -> Judged:
        parts = {
            name: np.where(
                swap.reshape(-1, *[1] * (getattr(mine, name).ndim - 1)),
                getattr(other, name)[drawn],
                getattr(mine, name)[drawn],
            )
            for name in ("hits", "predictions", "events")
        }
        return replace(pair[0], games=games, everything=Counted(**parts), visible=None, unshown=None)

    return side(one, two), side(two, one)
