"""How often one question errs at small levels, and whole lives of questions, on predictions.

    python -m benchmarks.gate_error_rates                a look, a minute
    python -m benchmarks.gate_error_rates --full         the table of docs/registry.md
    python -m benchmarks.gate_error_rates --lives 200    lives of twenty rounds, so many of each kind

Simulated predictions (`simulated_counts.py`), judged by the gate's own functions; no network. Challengers of single
questions are equal to the champion by construction. Many more lives, of models that have scores and no predictions:
`gate_lives.py`.
"""

import argparse
import math
import os
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import repeat

import numpy as np
import numpy.typing as npt
from scipy.stats import norm, t

from benchmarks.gate_lives import Bools, Doubles, Lives, Setting, World, interval, joined, play, rows, settings
from benchmarks.simulated_counts import Counts, Floats, Games, Kind, average_map, with_score
from rmsnet.evaluation.bootstrap import drawn_weights
from rmsnet.registry.gate import RESAMPLES, p_values, standard_errors

START = 35.0  # Average-mAP of the first champion, %
LIVES_AT_ONCE = 100

SAME = (Kind(0.0),)
OTHER = (Kind(0.0), Kind(0.0, place_seconds=9.0))
KINDS = {
    "equal": SAME,
    "finds more, places worse": OTHER,
    "less confident": (Kind(0.0), Kind(0.0, confidence=0.6)),
    "fails in one game of seven": (Kind(0.0), Kind(0.0, failing=0.15)),
}


@dataclass(frozen=True)
class Question:
    """Challengers against champions, in L lives.

    Attributes:
        games: how many.
        difference: (L,)
        draws: (B, L) of the resampled corpora.
    """

    games: int
    difference: Doubles
    draws: Floats

    @property
    def p_value(self) -> Doubles:
        """(L,)"""
        return p_values(self.difference, standard_errors(self.draws.astype(np.float64), self.games), self.games)


def weights(games: int) -> Floats:
    """(1 + B, G) all games once, then the gate's own resamples."""
    drawn = drawn_weights(games, RESAMPLES, seed=0)
    return np.concatenate([np.ones((1, games)), drawn]).astype(np.float32)


def question(challenger: Floats, champion: Floats, games: int) -> Question:
    """From the scores (1 + B, L) of both under `weights`."""
    difference = challenger - champion
    return Question(games, difference[0].astype(np.float64), difference[1:])


def expanded_percentile(asked: Question, level: float) -> Bools:
    """(L,) the gate as it was: Hesterberg's percentile of the resamples is above zero."""
    tail = norm.cdf(-math.sqrt(asked.games / (asked.games - 1)) * t.isf(level, asked.games - 1))
    return np.quantile(asked.draws, tail, axis=0) > 0


def swapped(challenger: Counts, champion: Counts, events: Floats, random: np.random.Generator, least: float) -> Doubles:
    """(L,) p-values of swapping the two in random games, drawn until ten swaps do as well (Besag and Clifford 1991)."""
    games, _, lives = challenger.shape
    twice, both = np.concatenate([events, events]), np.concatenate([challenger, champion])

    def differences(swap: Bools, left: npt.NDArray[np.int64]) -> Floats:
        first, second = np.hstack([~swap, swap]), np.hstack([swap, ~swap])
        one, two = (average_map(side.astype(np.float32), both[..., left], twice[:, left]) for side in (first, second))
        return one - two

    left = np.arange(lives)
    observed = differences(np.zeros((1, games), bool), left)[0]
    p_value, exceeding, drawn = np.ones(lives), np.zeros(lives, int), 0
    while len(left) and drawn < 10 / least:
        as_large = differences(random.random((200, games)) < 0.5, left) >= observed[left] - 1e-6
        counts = exceeding[left] + as_large.cumsum(axis=0)
        enough = counts[-1] >= 10
        p_value[left[enough]] = 10 / (drawn + 1 + (counts >= 10).argmax(axis=0)[enough])
        exceeding[left], drawn = counts[-1], drawn + 200
        left = left[~enough]
    p_value[left] = (exceeding[left] + 1) / (drawn + 1)
    return p_value


LEVELS = (0.05, 0.01, 0.001, 0.0001)
TESTS = ("the gate: Student's t", "expanded percentile", "swapped games")


def errors_at_levels(kind: str, kinship: float, games: int, seed: int) -> npt.NDArray[np.int64]:
    """(tests, levels) how many of LIVES_AT_ONCE equal challengers each test promotes."""
    random = np.random.default_rng(seed)
    drawn = Games(games, LIVES_AT_ONCE, random)
    champion, challenger = (drawn.counts(with_score(START, KINDS[kind][place]), kinship) for place in (0, -1))
    scores = [average_map(weights(games), counts, drawn.events) for counts in (challenger, champion)]
    asked = question(*scores, games)
    by_swaps = swapped(challenger, champion, drawn.events, random, min(LEVELS))
    passed = [[asked.p_value <= level, expanded_percentile(asked, level), by_swaps <= level] for level in LEVELS]
    return np.sum(passed, axis=2).T


class PredictedWorld(World):
    """Games and models that predict: a model's scores are those on all games and on the gate's resamples of them."""

    def __init__(self, setting: Setting, games: int, lives: int, random: np.random.Generator) -> None:
        super().__init__(setting, games, lives, random)
        self.drawn, self.weights = Games(games, lives, random), weights(games)

    def scores(self, quality: Doubles, fails: bool = False) -> Floats:
        """(1 + B, L) of a new model, `quality` points better than the first champion."""
        kind = with_score(START + quality, KINDS["fails in one game of seven" if fails else "equal"][-1])
        return average_map(self.weights, self.drawn.counts(kind, self.setting.kinship), self.drawn.events)

    def p_value(self, challenger: Floats, champion: Floats, games: int) -> Doubles:
        return question(challenger, champion, games).p_value


ROUNDS = 20


def play_batch(setting: Setting, lives: int, seed: int) -> dict[str, Lives]:
    return play(setting, lives, ROUNDS, seed, PredictedWorld)


def print_lives(lives: int) -> None:
    """A table for each kind of life that keeps its games."""
    batches = math.ceil(lives / LIVES_AT_ONCE)
    kinds = [setting for games in (20, 50) for setting in settings(games) if not setting.added]
    with ProcessPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for setting in kinds:
            played = list(pool.map(play_batch, repeat(setting), repeat(LIVES_AT_ONCE), range(batches)))
            print(f"\n{setting.games} games, {batches * LIVES_AT_ONCE} lives on predictions: {setting.name}\n")
            for number, line in enumerate(rows({name: joined([one[name] for one in played]) for name in played[0]})):
                print(f"| {' | '.join(line)} |")
                if number == 0:
                    print("|" + "---|" * len(line), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--lives", type=int, metavar="N", help="play so many lives of each kind instead")
    options, started = parser.parse_args(), time.monotonic()
    if options.lives:
        print_lives(options.lives)
        print(f"{time.monotonic() - started:.0f} s")
        return
    full = options.full
    numbers, batches = ((20, 50, 100), 20) if full else ((50,), 10)
    print("Equal challengers that pass, in %, at the level\n")
    print(f"| equal, but | games | test | {' | '.join(f'{100 * level:g} %' for level in LEVELS)} |\n|{'---|' * 7}")
    with ProcessPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for kind, kinship in [(kind, 0.0) for kind in KINDS] + [("equal", 0.7)]:
            for games in numbers:
                counts = sum(pool.map(errors_at_levels, repeat(kind), repeat(kinship), repeat(games), range(batches)))
                for test, passed in zip(TESTS, counts, strict=True):
                    cells = " | ".join(interval(number, batches * LIVES_AT_ONCE) for number in passed)
                    print(f"| {kind}{', one family' * (kinship > 0)} | {games} | {test} | {cells} |", flush=True)
    print(f"{time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
