"""Who is champion and why: an append-only record of every change of an alias, which the aliases follow.

A change is appended first; replaying the records in their order says which of them hold: a record holds when every
alias it moves stood where the record says it did. Of two changes that start from the same state the first one holds
and the second does not, whoever was faster afterwards. Then the aliases are moved to where the records say. A process
that dies in between leaves a record whose aliases are not set yet; the next command that looks sets them.
Aliases that stand elsewhere without such a record were moved by hand, and become a record themselves.
"""

import getpass
import json
import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rmsnet import tracking
from rmsnet.errors import CheckFailed
from rmsnet.files import content_hash
from rmsnet.logs import log

if TYPE_CHECKING:
    from rmsnet.tracking import Version

CHAMPION = "champion"
CHALLENGER = "challenger"
PREVIOUS = "previous"

# `previous` first and `challenger` last: the move of `champion` alone decides what is served.
ALIASES = (PREVIOUS, CHAMPION, CHALLENGER)

RECORD_TAG = "record"
"""On a version: number and hash of the record of its latest decision."""

State = dict[str, int]
"""Alias to version."""


@dataclass(frozen=True)
class Change:
    """A record of the history.

    Attributes:
        number: 1, 2, … in the order of all changes.
        kind: "promote", "forced" (promoted against the gate), "refused" (by the gate: a challenger from then on),
            "rollback", or "outside" (by hand); in old records "register" for "refused", and "promote" for "forced".
        when: UTC, ISO 8601.
        who: user@host.
        why: the reason.
        decision: where the decision's files are, None where there was none.
        moves: alias to (version before, version after); None: no version.
        models: version to the id of its logged model, for every version that moves.
        holds: False for a change that came too late: what it started from was gone.
        applied: whether its aliases have been set.
        where: host and folder from which it was made; "" in old records.
        question: what was asked of the gate's games (`questions.py`), None where nothing was.
        previous: number and hash of the record before it that its writer had seen, None in old records.
        hash: of the record itself.
    """

    number: int
    kind: str
    when: str
    who: str
    why: str
    decision: str | None
    moves: Mapping[str, tuple[int | None, int | None]]
    models: Mapping[int, str]
    holds: bool
    applied: bool
    where: str = ""
    question: Mapping[str, Any] | None = None
    previous: tuple[int, str] | None = None
    hash: str = ""

    @property
    def text(self) -> str:
        """The moves in words."""
        return "; ".join(
            f"@{alias} {before or 'none'} → {after or 'none'}" for alias, (before, after) in self.moves.items()
        )


def history(name: str) -> tuple[list[Change], State]:
    """The changes of a registered model, oldest first, and where its aliases stand after them."""
    changes: list[Change] = []
    state: State = {}
    for number, record, applied in tracking.records(name):
        moves = {alias: (before, after) for alias, (before, after) in record["moves"].items()}
        holds = all(state.get(alias) == before for alias, (before, _) in moves.items())
        question = record.get("question")
        # Of two questions that were asked at the same level the first one is answered.
        holds &= question is None or not any(
            change.question for change in changes if change.number > _seen(question, name)
        )
        if holds:
            _move(state, moves)
        changes.append(
            Change(
                number,
                record["kind"],
                record["when"],
                record["who"],
                record["why"],
                record["decision"],
                moves,
                {int(version): model for version, model in record["models"].items()},
                holds,
                applied,
                record.get("where", ""),
                question,
                None if record.get("previous") is None else tuple(record["previous"]),
                record_hash(record),
            )
        )
    return changes, state


def _seen(question: Mapping[str, Any], name: str) -> int:
    return int(question.get("seen", {}).get(name, 0))


def record_hash(record: Mapping[str, Any]) -> str:
    return content_hash(json.dumps(record))


def _move(state: State, moves: Mapping[str, tuple[int | None, int | None]]) -> None:
    for alias, (_, after) in moves.items():
        if after is None:
            state.pop(alias, None)
        else:
            state[alias] = after


def all_histories(name: str) -> dict[str, list[Change]]:
    """The changes of every registered model of the store that has a history, and of this one."""
    return {line: history(line)[0] for line in {name, *tracking.lines()}}


def settle(name: str) -> tuple[list[Change], State]:
    """The history, after finishing what a dead process has left and recording what was moved by hand."""
    changes, state = history(name)
    if any(change.holds and not change.applied for change in changes):
        return _apply(name)
    actual = {alias: version for alias, version in tracking.aliases(name).items() if alias in ALIASES}
    if actual != state:
        moves = {alias: (state.get(alias), actual.get(alias)) for alias in ALIASES}
        moves = {alias: move for alias, move in moves.items() if move[0] != move[1]}
        number = _append(name, "outside", moves, "found like this: moved or deleted outside of rmsnet", None)
        settled = _apply(name)
        found = next(change for change in settled[0] if change.number == number)
        log.warning(
            f"{name}: aliases were moved by hand: {found.text}; it is in the history now (rmsnet registry "
            "history), and no decision stands behind it"
        )
        return settled
    return changes, state


def last_of_champion(changes: Sequence[Change]) -> Change | None:
    """The last change of the champion that holds."""
    return next((change for change in reversed(changes) if change.holds and CHAMPION in change.moves), None)


def change_aliases(
    name: str,
    kind: str,
    targets: Mapping[str, int | None],
    expected: Mapping[str, int],
    why: str,
    decision: str | None,
    question: Mapping[str, Any] | None = None,
) -> Change:
    """Move aliases, all or none, from where the caller has seen them.

    Args:
        name: of the registered model.
        kind: see `Change`.
        targets: alias to version; None: take the alias away.
        expected: the aliases when the caller decided.
        why: the reason.
        decision: where the decision's files are.
        question: what was asked of the gate's games for it.

    Raises:
        CheckFailed: somebody else has moved one of these aliases, or asked the gate, since; nothing is changed.
    """
    moves = {alias: (expected.get(alias), after) for alias, after in targets.items() if expected.get(alias) != after}
    number = _append(name, kind, moves, why, decision, question)
    changes, _ = _apply(name)
    ours = next(change for change in changes if change.number == number)
    if not ours.holds:
        current = tracking.aliases(name)
        now = ", ".join(f"@{alias} is {current.get(alias) or 'none'}" for alias in moves) or "another question came"
        raise CheckFailed(
            f"{name}: somebody else was first: {now} now, not as when this was decided ({ours.text}); "
            "nothing changed; decide again"
        )
    return ours


def _append(
    name: str,
    kind: str,
    moves: Mapping[str, tuple[int | None, int | None]],
    why: str,
    decision: str | None,
    question: Mapping[str, Any] | None = None,
) -> int:
    known = {version.version: version.model_id for version in tracking.versions(name)}
    asked = None if question is None else int(question["version"])
    moved = {version for move in (*moves.values(), (asked,)) for version in move if version in known}
    earlier = tracking.records(name)
    record = {
        "kind": kind,
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "who": who(),
        "why": why,
        "decision": decision,
        "moves": moves,
        "models": {version: known[version] for version in sorted(moved)},
        "where": where(),
        "question": question,
        "previous": (earlier[-1][0], record_hash(earlier[-1][1])) if earlier else None,
    }
    about = moves.get(CHAMPION, next(iter(moves.values()), (None, asked)))[1]
    text = "; ".join(f"@{alias} {before or 'none'} → {after or 'none'}" for alias, (before, after) in moves.items())
    return tracking.append_record(name, about if about in known else None, record, f"{kind}: {text}. {why}")


def _apply(name: str) -> tuple[list[Change], State]:
    """Set the aliases to where the records say; again while others append."""
    while True:
        changes, state = history(name)
        actual = tracking.aliases(name)
        left = {version.version for version in tracking.versions(name)}
        for alias in ALIASES:
            # A version that was deleted meanwhile cannot be pointed at; `settle` records that next time.
            target = state.get(alias) if state.get(alias) in left else None
            if actual.get(alias) != target:
                tracking.set_alias(name, alias, target)
        for change in changes:
            if change.holds and not change.applied:
                tracking.mark_applied(name, change.number)
        again, _ = history(name)
        if len(again) == len(changes):
            return again, state


def gaps(changes: Sequence[Change], versions: Sequence["Version"]) -> list[str]:
    """What is missing from a history, or was changed in it, in phrases.

    Args:
        changes: of a registered model.
        versions: of the same: each names the record of its latest decision.
    """
    hashes = {change.number: change.hash for change in changes}
    numbers = set(range(1, max(hashes, default=0) + 1))
    found = [f"record {number} is missing" for number in sorted(numbers - set(hashes))]
    for change in changes:
        before, digest = change.previous or (0, "")
        if before in hashes and hashes[before] != digest:
            found.append(f"record {before} is not the one that record {change.number} followed")
    for version in versions:
        number, _, digest = version.tags.get(RECORD_TAG, "").partition(" ")
        if number and hashes.get(int(number)) != digest:
            found.append(f"version {version.version} was decided by a record {number} that is not there")
    return found


def rolled_back(changes: Sequence[Change]) -> set[str]:
    """Ids of the logged models that were champion and taken back, unless promoted again since."""
    taken: set[str] = set()
    for change in changes:
        if not change.holds or CHAMPION not in change.moves:
            continue
        before, after = change.moves[CHAMPION]
        if change.kind == "rollback" and before is not None:
            taken.add(change.models.get(before, ""))
        elif change.kind in ("promote", "forced") and after is not None:
            taken.discard(change.models.get(after, ""))
    return taken


def who() -> str:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = f"uid {os.getuid()}"
    return f"{user}@{socket.gethostname()}"


def where() -> str:
    return f"{socket.gethostname()}:{Path.cwd()}"


def as_json(change: Change) -> dict[str, Any]:
    return {**change.__dict__, "moves": {alias: list(move) for alias, move in change.moves.items()}}
