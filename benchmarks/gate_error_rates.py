"""How often the gate errs: one question at small levels, and all questions of a line of models in its whole life.

    python -m benchmarks.gate_error_rates            a look, less than two minutes on two cores
    python -m benchmarks.gate_error_rates --full     the tables of docs/registry.md

Simulated predictions (`simulated_counts.py`), judged by the gate's own functions; no network. A life begins with a
champion. In every round a challenger asks, or the best of several by their scores on other games; a gate answers, and
its champion goes on. All gates see the same challengers. Wrong is a promotion of a challenger that is not better than
the champion by construction. Intervals are 95 %, by Wilson.
"""

import argparse
import copy
import math
import os
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import repeat
from typing import Any

import numpy as np
import numpy.typing as npt
from online_fdr.core.abstract.abstract_spend_func import AbstractSpendFunc
from online_fdr.e_values import ELond, p_to_e_power
from online_fdr.p_values import AlphaSpending, LordPlusPlus, Saffron
from scipy.stats import norm, t

from benchmarks.simulated_counts import Counts, Floats, Games, Kind, average_map, with_score
from rmsnet.evaluation.bootstrap import drawn_weights
from rmsnet.params import RegisterParams
from rmsnet.registry.gate import RESAMPLES, p_values, standard_errors
from rmsnet.registry.levels import PastDecision, next_level, outlook, share

Bools = npt.NDArray[np.bool_]
Doubles = npt.NDArray[np.float64]

START = 35.0  # Average-mAP of the first champion, %
LIMIT = 25.0  # points above it that lives can reach
LIVES_AT_ONCE = 100
PROBES = (1.0, 2.0, 4.0)
PROBED_AFTER = 20  # rounds
LENGTHS = (5, 20, 100)  # rounds of a life

SAME = (Kind(0.0),)
OTHER = (Kind(0.0), Kind(0.0, place_seconds=9.0))
KINDS = {
    "equal": SAME,
    "finds more, places worse": OTHER,
    "less confident": (Kind(0.0), Kind(0.0, confidence=0.6)),
    "fails in one game of seven": (Kind(0.0), Kind(0.0, failing=0.15)),
}


# One question.


@dataclass(frozen=True)
class Question:
    """Challengers against champions, in L lives.

    Attributes:
        first_game: of those that are asked.
        games: how many.
        difference: (L,)
        draws: (B, L) of the resampled corpora.
    """

    first_game: int
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


def question(challenger: Floats, champion: Floats, games: range) -> Question:
    """From the scores (1 + B, L) of both under `weights`."""
    difference = challenger - champion
    return Question(games.start, len(games), difference[0].astype(np.float64), difference[1:])


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
    asked = question(*scores, range(games))
    by_swaps = swapped(challenger, champion, drawn.events, random, min(LEVELS))
    passed = [[asked.p_value <= level, expanded_percentile(asked, level), by_swaps <= level] for level in LEVELS]
    return np.sum(passed, axis=2).T


# A life.


Gate = Callable[[Question], Bools]
"""Whether the challengers pass (L,); it remembers what it answered."""


class Ours:
    """The gate's levels."""

    def __init__(self, control: str, lives: int) -> None:
        self.params = RegisterParams(control=control)  # type: ignore[arg-type]
        self.past: list[list[PastDecision]] = [[] for _ in range(lives)]

    def __call__(self, asked: Question) -> Bools:
        passed = asked.p_value <= [next_level(past, "line", (), self.params).value for past in self.past]
        for past, promoted in zip(self.past, passed.tolist(), strict=True):
            past.append(PastDecision("line", frozenset(), promoted, 0.0))
        return passed


class AnewForNewGames(Ours):
    """A budget for each set of games instead of one for the line: what it costs."""

    first_game = 0

    def __call__(self, asked: Question) -> Bools:
        if asked.first_game != self.first_game:
            self.first_game, self.past = asked.first_game, [[] for _ in self.past]
        return super().__call__(asked)


class Published:
    """A procedure of online-fdr in each life."""

    def __init__(self, procedure: Callable[[], Any], lives: int, calibrate: bool = False) -> None:
        self.procedures = [procedure() for _ in range(lives)]
        self.calibrate = calibrate

    def __call__(self, asked: Question) -> Bools:
        evidence = [p_to_e_power(p, 0.5) if self.calibrate else p for p in asked.p_value.tolist()]
        return np.array([one.test_one(value) for one, value in zip(self.procedures, evidence, strict=True)])


class OurShares(AbstractSpendFunc):
    """The gate's sequence as a spending function of the library."""

    def __init__(self) -> None:
        super().__init__(None)

    def spend(self, index: int, alpha: float) -> float:
        return alpha * share(index + 1)


def gates(lives: int) -> dict[str, Gate]:
    return {
        "newest wins": lambda asked: np.ones(len(asked.difference), bool),
        "higher score wins": lambda asked: asked.difference > 0,
        "5 % each time, as before": lambda asked: expanded_percentile(asked, 0.05),
        "**the gate, fdr**": Ours("fdr", lives),
        "**the gate, strict**": Ours("strict", lives),
        "strict, anew for new games": AnewForNewGames("strict", lives),
        "alpha spending": Published(lambda: AlphaSpending(0.05, OurShares()), lives),
        "LORD++": Published(lambda: LordPlusPlus(0.05, 0.025), lives),
        "SAFFRON": Published(lambda: Saffron(0.05, 0.025, 0.5), lives),
        "e-LOND": Published(lambda: ELond(0.05), lives, calibrate=True),
    }


@dataclass(frozen=True)
class Setting:
    """A kind of life.

    Attributes:
        name: in the tables.
        games: at the start.
        better: points that a better challenger, one of ten, is above the best so far; 0: there is none.
        usual: points that the others are above the best so far.
        kinds: that the challengers take turns in; the champion is of the first.
        kinship: correlation of what two models find.
        candidates: the best of so many, by their scores on a hundred other games, asks.
        added: games added every 20 rounds.
        replaced: whether new games take the place of all others every 20 rounds.
        probed: whether better challengers ask as well, at the start and after 20 rounds, without consequences.
    """

    name: str
    games: int
    better: float = 0.0
    usual: float = 0.0
    kinds: tuple[Kind, ...] = SAME
    kinship: float = 0.0
    candidates: int = 1
    added: int = 0
    replaced: bool = False
    probed: bool = False


@dataclass
class Lives:
    """What a gate did in L lives.

    Attributes:
        promoted: (rounds, L)
        wrong: (rounds, L)
        gain: (rounds, L) points of the champion above the first one.
        probes: whether better challengers passed: (when, points) to (L,).
    """

    promoted: Bools
    wrong: Bools
    gain: Doubles
    probes: dict[tuple[str, float], Bools] = field(default_factory=dict)


class Champions:
    """Of one gate in L lives: what they find, how they score, how good they are."""

    def __init__(self, counts: Counts, scores: Floats) -> None:
        self.counts, self.scores = counts.copy(), scores.copy()
        self.quality = np.zeros(scores.shape[1])

    def replace(self, where: Bools, counts: Counts, scores: Floats, quality: Doubles) -> None:
        self.counts[..., where], self.scores[:, where] = counts[..., where], scores[:, where]
        self.quality[where] = quality[where]


def challengers(setting: Setting, number: int, best: Doubles, random: np.random.Generator) -> tuple[Kind, Doubles]:
    """The kind and the quality (L,) of those that ask in this round; `best` (L,) is moved to the best so far."""
    kind = setting.kinds[number % len(setting.kinds)]
    shape = (setting.candidates, len(best))
    new = (random.random(shape) < 0.1) & (best + setting.better <= LIMIT) & (setting.better > 0)
    quality = best + np.where(new, setting.better, setting.usual)
    chosen = np.zeros(len(best), int)
    if setting.candidates > 1:
        others = Games(100, len(best), random)
        once = np.ones((1, 100), np.float32)
        found = [average_map(once, others.counts(with_score(START + one, kind)), others.events)[0] for one in quality]
        chosen = np.argmax(found, axis=0)
    asks = quality[chosen, np.arange(len(best))]
    np.maximum(best, asks, out=best)
    return with_score(START + asks, kind), asks


def play(setting: Setting, rounds: int, seed: int) -> dict[str, Lives]:
    """LIVES_AT_ONCE lives under every gate."""
    random, lives, used = np.random.default_rng(seed), LIVES_AT_ONCE, range(setting.games)
    changes = (rounds - 1) // 20
    most = 3 * len(used) if setting.probed else len(used) * (1 + changes * setting.replaced) + changes * setting.added
    world = Games(most, lives, random)

    def scored(counts: Counts, games: range) -> Floats:
        part = slice(games.start, games.stop)
        return average_map(weights(len(games)), counts[part], world.events[part])

    first = world.counts(with_score(START, setting.kinds[0]), setting.kinship)
    names = gates(lives)
    champions = {name: Champions(first, scored(first, used)) for name in names}
    shape = (rounds, lives)
    made = {name: Lives(np.zeros(shape, bool), np.zeros(shape, bool), np.zeros(shape)) for name in names}
    better = {points: world.counts(with_score(START + points, SAME[0]), setting.kinship) for points in PROBES}

    def probe(when: str) -> None:
        for points, counts in better.items():
            scores = scored(counts, used)
            for name, gate in names.items():
                asked = question(scores, champions[name].scores, used)
                made[name].probes[when, points] = copy.deepcopy(gate)(asked)
                if isinstance(gate, Ours) and points == 4 and when != "first":
                    # As many games as the gate says it needs to see what it saw at first.
                    refusals = [PastDecision("line", frozenset(), False, 1.0)] * PROBED_AFTER
                    more = range(len(used) + (outlook(refusals, "line", used, gate.params).fresh_games or 0))
                    asked = question(scored(counts, more), scored(champions[name].counts, more), more)
                    made[name].probes["with fresh games", points] = copy.deepcopy(gate)(asked)

    best = np.zeros(lives)
    for number in range(rounds):
        if setting.probed and number in (0, PROBED_AFTER):
            probe("first" if number == 0 else "after 20")
        if (setting.added or setting.replaced) and number and number % 20 == 0:
            gone = len(used) if setting.replaced else 0
            used = range(used.start + gone, used.stop + gone + setting.added)
            for holder in champions.values():
                holder.scores = scored(holder.counts, used)
        kind, quality = challengers(setting, number + 1, best, random)
        counts = world.counts(kind, setting.kinship)
        scores = scored(counts, used)
        for name, gate in names.items():
            holder, record = champions[name], made[name]
            record.promoted[number] = gate(question(scores, holder.scores, used))
            record.wrong[number] = record.promoted[number] & (quality <= holder.quality)
            holder.replace(record.promoted[number], counts, scores, quality)
            record.gain[number] = holder.quality
    return made


# Tables.


def settings(games: int) -> list[Setting]:
    """Every kind of life that starts with so many games."""
    plain = [
        Setting("equal", games, probed=True),
        Setting("equal, one family", games, kinship=0.7, probed=True),
        Setting("equal, but of another kind", games, kinds=OTHER),
        Setting("1 point worse", games, usual=-1.0),
        *(Setting(f"one of ten is {points:g} better", games, better=points) for points in PROBES),
        *(
            Setting(f"one of ten is {points:g} better, one family", games, better=points, kinship=0.7)
            for points in (2, 4)
        ),
    ]
    of_three = [
        replace(setting, name=f"best of three: {setting.name}", candidates=3, probed=False) for setting in plain
    ]
    growing = [
        replace(
            setting, name=f"{games // 4} games more every 20 rounds: {setting.name}", added=games // 4, probed=False
        )
        for setting in plain
    ]
    replaced = Setting("new games every 20 rounds: equal", games, replaced=True)
    return [*plain, of_three[0], of_three[7], growing[0], growing[7], replaced]


def interval(hits: float, of: int) -> str:
    """A share and its 95 % interval (Wilson), in %."""
    if not of:
        return "-"
    p, z = hits / of, 1.96
    middle, half = p + z * z / (2 * of), z * math.sqrt(p * (1 - p) / of + z * z / (4 * of * of))
    low, high = ((middle + sign * half) / (1 + z * z / of) for sign in (-1, 1))
    return "{} [{}, {}]".format(*(f"{100 * x:.2g}" if x < 0.01 else f"{100 * x:.1f}" for x in (p, max(0.0, low), high)))


def rows(results: Mapping[str, Lives], rounds: int) -> Iterator[list[str]]:
    """The lines of a table, with its head."""
    lengths = [length for length in LENGTHS if length <= rounds]
    probed = list(max((lives.probes for lives in results.values()), key=len))
    yield [
        "gate",
        *(f"any wrong in {length} rounds" for length in lengths),
        "wrong of all promotions",
        "share in a life, mean",
        "points gained",
        *(f"+{points:g} passes, {when}" for when, points in probed),
    ]
    for name, lives in results.items():
        count = lives.wrong.shape[1]
        wrong, promoted = lives.wrong.sum(axis=0), lives.promoted.sum(axis=0)
        yield [
            name,
            *(interval(lives.wrong[:length].any(axis=0).sum(), count) for length in lengths),
            interval(wrong.sum(), int(promoted.sum())),
            f"{100 * (wrong / np.maximum(promoted, 1)).mean():.1f}",
            f"{lives.gain[-1].mean():+.2f}",
            *(interval(passed.sum(), count) if (passed := lives.probes.get(key)) is not None else "" for key in probed),
        ]


def joined(parts: list[dict[str, Lives]]) -> dict[str, Lives]:
    def all_of(name: str, what: str) -> npt.NDArray[Any]:
        return np.concatenate([getattr(part[name], what) for part in parts], axis=1)

    return {
        name: Lives(
            *(all_of(name, what) for what in ("promoted", "wrong", "gain")),
            {key: np.concatenate([part[name].probes[key] for part in parts]) for key in parts[0][name].probes},
        )
        for name in parts[0]
    }


def show(lines: Iterator[list[str]]) -> None:
    for number, line in enumerate(lines):
        print(f"| {' | '.join(line)} |")
        if number == 0:
            print("|" + "---|" * len(line))
    print(flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true")
    full, started = parser.parse_args().full, time.monotonic()
    numbers = (20, 50, 100) if full else (50,)
    batches, rounds, scale = (300, 100, 4) if full else (10, 20, 1)
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        print("Equal challengers that pass, in %, at the level")
        print(
            f"\n| equal, but | games | test | {' | '.join(f'{100 * level:g} %' for level in LEVELS)} |\n|{'---|' * 7}"
        )
        for kind, kinship in [(kind, 0.0) for kind in KINDS] + [("equal", 0.7)]:
            for games in numbers:
                counts = sum(pool.map(errors_at_levels, repeat(kind), repeat(kinship), repeat(games), range(batches)))
                for test, passed in zip(TESTS, counts, strict=True):
                    cells = [interval(number, batches * LIVES_AT_ONCE) for number in passed]
                    print(
                        f"| {kind}{', one family' * (kinship > 0)} | {games} | {test} | {' | '.join(cells)} |",
                        flush=True,
                    )
        for games in numbers:
            for setting in settings(games):
                parts = scale if setting.better or setting.usual or not full else 10
                lives = joined(list(pool.map(play, repeat(setting), repeat(rounds), range(parts))))
                print(f"\n{games} games, {parts * LIVES_AT_ONCE} lives: {setting.name}\n")
                show(rows(lives, rounds))
    print(f"{time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
