"""At which level the next question is asked: one budget of errors for the whole life of a line of models.

A gate that asks every challenger at 5 % promotes an equal one sooner or later. So a line of models, which is a
registered model, has one budget, `register.error_rate`. A refusal spends of it and a promotion does not; after k
refusals a share 4 / (4 + k) of it is left, whatever the games are called and however many were added:

    question    1      2      3      10     20     100
    level       1 %    0.67 % 0.48 % 0.11 % 0.036 % 0.0019 %     of a budget of 5 %

- "strict": that is all. The chance that the line ever promotes a challenger that is not better stays below the budget:
  the levels of the questions before the first wrong promotion sum to less (alpha spending; Lan and DeMets 1983).
- "fdr": each promotion after the first opens another budget. The share of wrong promotions stays below it, and a line
  that keeps getting better keeps its sight (alpha investing; Foster and Stine 2008, in the form of Ramdas et al.,
  SAFFRON, 2018, with candidates = promotions).

Questions that other lines asked of any of the same games count as refusals: a new name buys no new budget.
"""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from rmsnet.params import RegisterParams

HALF_SPENT = 4
"""Refusals that spend half of a budget."""

POWER = 0.8
"""The chance with which a difference that the gate "can see" passes."""


@dataclass(frozen=True)
class PastDecision:
    """A question that was asked of some games, whatever came of it.

    Attributes:
        line: registered model whose champion was challenged.
        games: content hashes of the games.
        promoted: whether the challenger passed, became champion and was not taken back.
        spread: standard deviation of the difference per game, see `Duel.spread`.
    """

    line: str
    games: frozenset[str]
    promoted: bool
    spread: float


@dataclass(frozen=True)
class Level:
    """What the next question may err.

    Attributes:
        value: a challenger passes with a p-value of at most this.
        questions: earlier ones that count.
        elsewhere: how many of those were asked by other lines.
        promotions: of this line.
    """

    value: float
    questions: int
    elsewhere: int
    promotions: int


@dataclass(frozen=True)
class Outlook:
    """What the next question can see; differences in Average-mAP, in [0, 1].

    Attributes:
        games: how many there are.
        visible: the smallest difference that passes with a chance of 80 %, None where no question has told the spread.
        visible_at_first: what the first question could see on as many games, None likewise.
        fresh_games: more games on which the next question sees what the first could, None likewise. They restore the
            sight; the level stays what it is.
    """

    games: int
    visible: float | None
    visible_at_first: float | None
    fresh_games: int | None


def share(question: int) -> float:
    """Of a budget, what its question number 1, 2, … may spend; all of them together the whole."""
    return HALF_SPENT / ((HALF_SPENT + question - 1) * (HALF_SPENT + question))


def next_level(decisions: Sequence[PastDecision], line: str, games: Collection[str], params: RegisterParams) -> Level:
    """The level of a line's next question of some games.

    Args:
        decisions: of all lines, oldest first.
        line: registered model that is asked about.
        games: content hashes of the games it will be asked of.
        params: error_rate and control.
    """
    counted = [decision for decision in decisions if decision.line == line or not decision.games.isdisjoint(games)]
    refused, promotions = 0, []
    for decision in counted:
        if decision.line == line and decision.promoted:
            promotions.append(refused)
        else:
            refused += 1
    opened = [0, *(promotions[1:] if params.control == "fdr" else [])]
    odds = params.error_rate * math.fsum(share(refused - before + 1) for before in opened)
    elsewhere = sum(decision.line != line for decision in counted)
    return Level(odds / (1 + odds), len(counted), elsewhere, len(promotions))


def outlook(
    decisions: Sequence[PastDecision], line: str, games: Collection[str], params: RegisterParams, count: int
) -> Outlook:
    """What the next question can see on `count` games, by the spread of the latest one that counts.

    The other arguments are those of `next_level`.
    """
    spreads = [past.spread for past in decisions if past.line == line or not past.games.isdisjoint(games)]
    if not spreads:
        return Outlook(count, None, None, None)
    level, first = (next_level(past, line, games, params).value for past in (decisions, ()))
    visible, at_first = (visible_difference(value, count, spreads[-1]) for value in (level, first))
    needed = games_to_see(at_first, level, spreads[-1])
    return Outlook(count, visible, at_first, max(0, needed - count))


def visible_difference(level: float, games: int, spread: float) -> float:
    """The true difference that passes a level with a chance of `POWER`.

    Args:
        level: of the question.
        games: how many, at least two.
        spread: standard deviation of the difference per game.
    """
    from scipy.special import stdtrit

    return float((stdtrit(games - 1, POWER) - stdtrit(games - 1, level)) * spread / math.sqrt(games))


def games_to_see(difference: float, level: float, spread: float) -> int:
    """The fewest games on which a positive difference is visible at a level."""
    low, high = 1, 2
    while visible_difference(level, high, spread) > difference:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        if visible_difference(level, middle, spread) > difference:
            low = middle
        else:
            high = middle
    return high
