"""What a gate does in the whole life of a line of models, however often it is asked.

    python -m benchmarks.gate_lives            a look, half a minute
    python -m benchmarks.gate_lives --full     the tables of docs/registry.md

A life begins with a champion. In every round a challenger asks, or the best of three by their scores on a hundred other
games; a gate answers, and its champion goes on, with the luck that it had in these games. All gates see the same
challengers. Wrong is a promotion of a challenger that is not better than the champion by construction. A model has a
score in each game: its quality and luck, so much that the difference of two models of no kinship varies by SPREAD
points from game to game, as it does between ours. The p-value is the gate's own. Intervals are 95 %, Wilson's.
"""

import argparse
import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
from online_fdr.core.abstract.abstract_spend_func import AbstractSpendFunc
from online_fdr.p_values import AlphaSpending, LordPlusPlus, Saffron

from rmsnet.params import RegisterParams
from rmsnet.registry.gate import p_values
from rmsnet.registry.levels import PastDecision, next_level, share

Bools = npt.NDArray[np.bool_]
Doubles = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]

SPREAD = 16.0
LIMIT = 25.0  # points above the first champion that lives can reach
LENGTHS = (5, 20, 100)  # rounds
PROBES = (1.0, 2.0, 4.0)
PROBED_AFTER = 20
CHANGES_EVERY = 20
FAILING = 1 / 7  # of the games, in which a model of the kind that fails loses SPREAD / √2 points
STRICT, FDR = RegisterParams(control="strict"), RegisterParams(control="fdr")

Gate = Callable[[Doubles, int], Bools]
"""Whether challengers pass (L,), from their p-values and the number of their games; it remembers what it answered."""


@cache
def level_after(promotions: tuple[bool, ...], params: RegisterParams) -> float:
    """The gate's level after such answers."""
    past = [PastDecision("line", frozenset(), promoted, 0.0) for promoted in promotions]
    return next_level(past, "line", (), params).value


class Ours:
    """The gate's levels."""

    def __init__(self, params: RegisterParams, lives: int) -> None:
        self.params = params
        self.past: list[tuple[bool, ...]] = [()] * lives

    def levels(self) -> Doubles:
        return np.array([level_after(past, self.params) for past in self.past])

    def __call__(self, p_value: Doubles, games: int) -> Bools:
        passed = p_value <= self.levels()
        self.past = [(*past, promoted) for past, promoted in zip(self.past, passed.tolist(), strict=True)]
        return passed


class Published:
    """A procedure of online-fdr in each life."""

    def __init__(self, procedure: Callable[[], Any], lives: int) -> None:
        self.procedures = [procedure() for _ in range(lives)]

    def __call__(self, p_value: Doubles, games: int) -> Bools:
        return np.array([one.test_one(p) for one, p in zip(self.procedures, p_value.tolist(), strict=True)])


class OurShares(AbstractSpendFunc):
    """The gate's sequence as a spending function of the library."""

    def __init__(self) -> None:
        super().__init__(None)

    def spend(self, index: int, alpha: float) -> float:
        return alpha * share(index + 1)


def gates(lives: int) -> dict[str, Gate]:
    return {
        "newest wins": lambda p_value, games: np.ones(len(p_value), bool),
        "higher score wins": lambda p_value, games: p_value < 0.5,
        "5 % each time, as before": lambda p_value, games: p_value <= 0.05,
        "**the gate, fdr**": Ours(FDR, lives),
        "**the gate, strict**": Ours(STRICT, lives),
        "alpha spending": Published(lambda: AlphaSpending(0.05, OurShares()), lives),
        "LORD++": Published(lambda: LordPlusPlus(0.05, 0.025), lives),
        "SAFFRON": Published(lambda: Saffron(0.05, 0.025, 0.5), lives),
    }


@dataclass(frozen=True)
class Setting:
    """A kind of life.

    Attributes:
        name: in the tables.
        games: at the start.
        better: points that a better challenger, one of ten, is above the best so far; 0: there is none.
        usual: points that the others are above the best so far.
        failing: whether every second challenger is as good on average, but fails in some games.
        kinship: correlation of the luck of two models.
        candidates: of which the best by other games asks.
        added: games added every CHANGES_EVERY rounds.
    """

    name: str
    games: int
    better: float = 0.0
    usual: float = 0.0
    failing: bool = False
    kinship: float = 0.0
    candidates: int = 1
    added: int = 0


@dataclass
class Lives:
    """What a gate did in L lives.

    Attributes:
        promoted: (rounds, L)
        wrong: (rounds, L)
        gain: (rounds, L) points of the champion above the first one.
        seen: whether one that is so many points better passes: (when, points) to (L,).
    """

    promoted: Bools
    wrong: Bools
    gain: Doubles
    seen: dict[tuple[str, float], Bools]


class World:
    """The games of L lives."""

    def __init__(self, setting: Setting, games: int, lives: int, random: np.random.Generator) -> None:
        self.setting, self.shape, self.random = setting, (games, lives), random
        self.family = random.standard_normal(self.shape, np.float32)

    def scores(self, quality: Doubles, fails: bool = False) -> Floats:
        """(G, L) of a new model in each game."""
        kinship, own = self.setting.kinship, self.random.standard_normal(self.shape, np.float32)
        luck = math.sqrt(kinship) * self.family + math.sqrt(1 - kinship) * own
        if fails:
            # As good on average: what it loses in some games it gains in the others.
            luck += (FAILING - (self.random.random(self.shape, np.float32) < FAILING)).astype(np.float32)
        return np.asarray(quality + SPREAD / math.sqrt(2) * luck, np.float32)

    def p_value(self, challenger: Floats, champion: Floats, games: int) -> Doubles:
        """(L,) of the scores of both, on the first of the games."""
        difference = (challenger[:games] - champion[:games]).astype(np.float64)
        error = difference.std(axis=0, ddof=1) / math.sqrt(games)
        return p_values(difference.mean(axis=0), error, games)


def challengers(setting: Setting, best: Doubles, random: np.random.Generator) -> Doubles:
    """The quality (L,) of those that ask in this round; `best` (L,) is moved to the best so far."""
    shape = (setting.candidates, len(best))
    new = (random.random(shape) < 0.1) & (best + setting.better <= LIMIT) & (setting.better > 0)
    quality = best + np.where(new, setting.better, setting.usual)
    luck = SPREAD / math.sqrt(2 * 100) * math.sqrt(1 - setting.kinship) * random.standard_normal(shape)
    asks = quality[np.argmax(quality + luck, axis=0), np.arange(len(best))]
    np.maximum(best, asks, out=best)
    return asks


def play(
    setting: Setting, lives: int, rounds: int = max(LENGTHS), seed: int = 0, made_of: type[World] = World
) -> dict[str, Lives]:
    """So many lives under every gate, in a world where models have scores, or predictions."""
    random, games = np.random.default_rng(seed), setting.games
    most = games + setting.added * (rounds // CHANGES_EVERY)
    world, names = made_of(setting, most, lives, random), gates(lives)
    first, shape = world.scores(np.zeros(lives)), (rounds, lives)
    champions = {name: (first.copy(), np.zeros(lives)) for name in names}
    made = {name: Lives(np.zeros(shape, bool), np.zeros(shape, bool), np.zeros(shape), {}) for name in names}
    best = np.zeros(lives)
    for number in range(rounds):
        if number in (0, PROBED_AFTER) and not (setting.better or setting.usual):
            probe(world, made, names, champions, games, "first" if number == 0 else "after 20")
        if number and number % CHANGES_EVERY == 0:
            games += setting.added
        quality = challengers(setting, best, random)
        scores = world.scores(quality, setting.failing and number % 2 == 0)
        for name, gate in names.items():
            (held, theirs), record = champions[name], made[name]
            passed = gate(world.p_value(scores, held, games), games)
            record.promoted[number], record.wrong[number] = passed, passed & (quality <= theirs)
            held[:, passed], theirs[passed] = scores[:, passed], quality[passed]
            record.gain[number] = theirs
    return made


def probe(
    world: World,
    made: Mapping[str, Lives],
    names: Mapping[str, Gate],
    champions: Mapping[str, tuple[Floats, Doubles]],
    games: int,
    when: str,
) -> None:
    """Whether a better one would pass now, at the gate's levels; nothing comes of it."""
    for points in PROBES:
        for name, gate in names.items():
            if isinstance(gate, Ours):
                held, theirs = champions[name]
                scores, levels = world.scores(theirs + points), gate.levels()
                made[name].seen[when, points] = world.p_value(scores, held, games) <= levels


def settings(games: int) -> list[Setting]:
    """Every kind of life that starts with so many games."""
    plain = [
        Setting("equal", games),
        Setting("equal, one family", games, kinship=0.7),
        Setting("equal, every second fails in some games", games, failing=True),
        Setting("1 point worse", games, usual=-1.0),
        *(Setting(f"one of ten is {points:g} better", games, better=points) for points in PROBES),
        Setting("one of ten is 2 better, one family", games, better=2.0, kinship=0.7),
    ]
    equal, better = plain[0], plain[-1]
    return [
        *plain,
        *(replace(kind, name=f"{kind.name}, the best of three asks", candidates=3) for kind in (equal, better)),
        *(replace(kind, name=f"{kind.name}, games added", added=games // 4) for kind in (equal, better)),
    ]


def joined(parts: Sequence[Lives]) -> Lives:
    """Lives that were played in batches, as one."""

    def beside(arrays: Iterable[npt.NDArray[Any]]) -> npt.NDArray[Any]:
        return np.concatenate(list(arrays), axis=-1)

    seen = {key: beside(part.seen[key] for part in parts) for key in parts[0].seen}
    columns = (beside(getattr(part, name) for part in parts) for name in ("promoted", "wrong", "gain"))
    return Lives(*columns, seen)


def interval(hits: float, of: int) -> str:
    """A share and its 95 % interval (Wilson), in %."""
    if not of:
        return "-"
    p, z = hits / of, 1.96
    middle, half = p + z * z / (2 * of), z * math.sqrt(p * (1 - p) / of + z * z / (4 * of * of))
    low, high = ((middle + sign * half) / (1 + z * z / of) for sign in (-1, 1))
    return "{} [{}, {}]".format(*(f"{100 * x:.2g}" if x < 0.01 else f"{100 * x:.1f}" for x in (p, max(0.0, low), high)))


def rows(results: Mapping[str, Lives]) -> Iterator[list[str]]:
    """The lines of a table, with its head."""
    seen = list(max((lives.seen for lives in results.values()), key=len))
    played = len(next(iter(results.values())).wrong)
    lengths = [length for length in LENGTHS if length <= played]
    yield [
        "gate",
        *(f"any wrong in {length} rounds" for length in lengths),
        "wrong of all promotions",
        "share in a life, mean",
        "points gained",
        *(f"+{points:g} passes, {when}" for when, points in seen),
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
            *(interval(passed.sum(), count) if (passed := lives.seen.get(key)) is not None else "" for key in seen),
        ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true")
    full, started = parser.parse_args().full, time.monotonic()
    lives, numbers = (2000, (20, 50, 100)) if full else (200, (50,))
    for games in numbers:
        for setting in settings(games):
            print(f"\n{games} games, {lives} lives: {setting.name}\n")
            for number, line in enumerate(rows(play(setting, lives))):
                print(f"| {' | '.join(line)} |")
                if number == 0:
                    print("|" + "---|" * len(line), flush=True)
    print(f"{time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
