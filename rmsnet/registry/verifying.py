"""A decision arrived at once more, from nothing but what the store holds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rmsnet import tracking
from rmsnet.errors import CheckFailed, UserError
from rmsnet.files import content_hash
from rmsnet.params import RegisterParams
from rmsnet.registry.evidence import EVIDENCE_FILE, SIDES, Evidence, read_evidence
from rmsnet.registry.gate import Duel, duel, statistical_checks
from rmsnet.registry.history import Change, all_histories
from rmsnet.registry.levels import Level, next_level
from rmsnet.registry.questions import Question, asked_before, past_decisions, question_of, until
from rmsnet.registry.signing import require_signed
from rmsnet.registry.versions import find_version

SAME = 1e-12
"""Relative; the last digit that sums of another processor may differ in lies behind it."""


@dataclass(frozen=True)
class Verified:
    """What a decision says and what comes out now.

    Attributes:
        version: of the challenger.
        champion: that it was asked against.
        record: number in the history.
        kind: of the record.
        numbers: by name: (recorded, computed again).
    """

    version: int
    champion: int
    record: int
    kind: str
    numbers: Mapping[str, tuple[float, float]]


def verify(name: str, reference: str, key: Path | None = None) -> Verified:
    """Answer the latest question about a version again: files, labels, difference, p-value, level, verdict.

    Args:
        name: of the registered model.
        reference: number or alias of the version.
        key: public key of whom must have signed the version; None: nobody.

    Raises:
        UserError: no such version, one that nobody has signed, one about which no question was asked, or whose evidence
            is not to be had.
        CheckFailed: something is not what the history says.
    """
    version = find_version(name, reference)
    lines = all_histories(name)
    change, question = _latest(name, lines[name], version.version)
    evidence = _evidence(change, question)
    for number in (question.version, question.champion):
        folder = tracking.fetch_model(f"models:/{name}/{number}")  # refuses files other than those registered
        if key is not None and number == version.version:
            require_signed(f"models:/{name}/{number}", folder, key)
    made = duel(*(evidence.judged[side].judged for side in SIDES))
    params = RegisterParams(**question.params)
    level = _level(name, lines, question, params)
    checks = statistical_checks(made, evidence.judged["challenger"].corpus.classes, level, params)
    found = Verified(version.version, question.champion, change.number, change.kind, _numbers(question, made, level))
    for what, (told, now) in found.numbers.items():
        if abs(told - now) > SAME * max(abs(told), abs(now)):
            raise CheckFailed(
                f"{name} version {version.version}: {what} is {now!r}, record {change.number} says {told!r}"
            )
    if all(check.passed for check in checks) != question.passed:
        raise CheckFailed(f"{name} version {version.version}: the answer is not that of record {change.number}")
    return found


def _latest(name: str, changes: Sequence[Change], version: int) -> tuple[Change, Question]:
    for change in reversed(changes):
        question = question_of(change)
        if question is not None and question.version == version and change.decision:
            return change, question
    raise UserError(
        f"{name} version {version}: no question was asked about it (a first champion, or one that was forced or "
        "refused before the games were asked); there is nothing to compute again"
    )


def _evidence(change: Change, question: Question) -> Evidence:
    path = tracking.fetch_artifacts(str(change.decision)) / EVIDENCE_FILE
    if not path.exists():
        raise UserError(f"{change.decision}: its {EVIDENCE_FILE} is gone; restore it from a backup")
    if content_hash(path.read_bytes()) != question.evidence:
        raise CheckFailed(f"{path}: is not the file that record {change.number} of the history was made with")
    evidence = read_evidence(path)
    told: dict[str, Any] = {"labels": question.labels, "weights": tuple(question.weights)}
    held = {"labels": evidence.labels, "weights": tuple(evidence.weights[side] for side in SIDES)}
    for what in told:
        if told[what] != held[what]:
            raise CheckFailed(f"{path}: holds other {what} than record {change.number} of the history says")
    return evidence


def _level(name: str, lines: Mapping[str, Sequence[Change]], question: Question, params: RegisterParams) -> Level:
    """Of the question, from the histories as they were when it was asked for the first time."""
    first = asked_before(lines[name], question.identity) or question
    return next_level(past_decisions(until(lines, first.seen)), name, first.games, params)


def _numbers(question: Question, made: Duel, level: Level) -> dict[str, tuple[float, float]]:
    return {
        "difference": (question.difference, made.difference),
        "p-value": (question.p_value, made.p_value),
        "spread per game": (question.spread, made.spread),
        "level": (question.level, level.value),
        "question": (question.number, level.questions + 1),
    }
