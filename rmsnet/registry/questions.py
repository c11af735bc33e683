"""The questions that were put to the gate, as the histories of all lines of models tell them.

A question is asked when everything that costs nothing is in order: two models, some games, one p-value. It is a part of
a record of the history, so that it is asked once: the same question gets the same answer, at the level of the first
time, and spends nothing again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rmsnet.errors import CheckFailed
from rmsnet.registry.history import Change, rolled_back
from rmsnet.registry.levels import PastDecision

GATE_PARAMS = ("error_rate", "control", "minimum_games", "class_allowance")
"""What of the register section a decision depends on."""


@dataclass(frozen=True)
class Question:
    """May a challenger replace a champion, by some games?

    Attributes:
        version: of the challenger.
        champion: version of the champion.
        number: which question of its line it was, 1, 2, …
        weights: hashes of the weights of challenger and champion.
        data_hash: of the frame bank of the games.
        games: keys of the games.
        labels: hash of the events.
        protocol: of the scores, with the tolerances.
        difference: of Average-mAP, challenger minus champion.
        p_value: see `Duel`.
        spread: see `Duel`.
        level: at which it was asked.
        passed: whether every statistical condition held.
        params: GATE_PARAMS and their values.
        seen: number of the last record of each line's history when the level was fixed.
        evidence: hash of the file from which it can be answered again.
    """

    version: int
    champion: int
    number: int
    weights: tuple[str, str]
    data_hash: str
    games: tuple[str, ...]
    labels: str
    protocol: str
    difference: float
    p_value: float
    spread: float
    level: float
    passed: bool
    params: Mapping[str, Any]
    seen: Mapping[str, int]
    evidence: str

    @property
    def identity(self) -> tuple[tuple[str, str], str, str]:
        """What makes two questions the same one."""
        return self.weights, self.data_hash, self.protocol


def question_of(change: Change) -> Question | None:
    """The question of a record, None where it answers none.

    Raises:
        CheckFailed: it was edited by hand.
    """
    if change.question is None:
        return None
    try:
        told: dict[str, Any] = dict(change.question)
        told |= {name: tuple(told[name]) for name in ("weights", "games")}
        made = Question(**told)
        if len(made.weights) != 2 or not all(0 <= number <= 1 for number in (made.p_value, made.level)):
            raise ValueError("impossible numbers")
    except (KeyError, TypeError, ValueError) as error:
        raise CheckFailed(
            f"record {change.number} of the history: its question was edited by hand ({error}); the gate cannot tell "
            "what the games have borne; only a forced act with a reason is left"
        ) from None
    return made


def as_record(question: Question) -> dict[str, Any]:
    return asdict(question)


def asked_before(changes: Sequence[Change], question: tuple[tuple[str, str], str, str]) -> Question | None:
    """The first time that a line has asked the question of this identity."""
    questions = (question_of(change) for change in changes)
    return next((asked for asked in questions if asked is not None and asked.identity == question), None)


def seen_of(lines: Mapping[str, Sequence[Change]]) -> dict[str, int]:
    """The last record of each line that has any."""
    return {line: changes[-1].number for line, changes in lines.items() if changes}


def past_decisions(lines: Mapping[str, Sequence[Change]]) -> list[PastDecision]:
    """The questions of all lines, oldest first.

    Args:
        lines: the history of each registered model.
    """
    found: dict[object, tuple[tuple[str, int], PastDecision]] = {}
    for line, changes in lines.items():
        taken_back = rolled_back(changes)
        for change in changes:
            question = question_of(change)
            if question is None:
                continue
            stays = change.models.get(question.version) not in taken_back
            promoted = question.passed and change.kind == "promote" and change.holds and stays
            when, first = found.get((line, question.identity), ((change.when, change.number), None))
            promoted |= first is not None and first.promoted  # asked again, it is the same question
            decision = PastDecision(line, frozenset(question.games), promoted, question.spread)
            found[line, question.identity] = when, decision
    return [decision for _, decision in sorted(found.values(), key=lambda item: item[0])]


def until(lines: Mapping[str, Sequence[Change]], seen: Mapping[str, int]) -> dict[str, list[Change]]:
    """The histories as they were when a level was fixed."""
    return {
        line: [change for change in changes if change.number <= seen.get(line, 0)] for line, changes in lines.items()
    }
