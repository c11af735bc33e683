"""The history replayed, and held against aliases, tags and files. It reads, and changes nothing."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from rmsnet import tracking
from rmsnet.errors import UserError
from rmsnet.params import RegisterParams
from rmsnet.registry.card import FORCED_TAG
from rmsnet.registry.history import ALIASES, CHAMPION, Change, State, all_histories, gaps, history, last_of_champion
from rmsnet.registry.levels import next_level
from rmsnet.registry.questions import past_decisions, question_of, until
from rmsnet.registry.taken_back import TAKEN_BACK, standing

if TYPE_CHECKING:
    from rmsnet.tracking import Version

VERDICTS = {"promote": ("promoted", "forced"), "forced": ("forced",), "refused": ("refused",), "register": ("refused",)}
"""What the tag of a version may say after a record of this kind; old records called a forced act "promote"."""


def differences(name: str) -> tuple[list[Change], list[str]]:
    """The changes of a registered model, and every difference between them and what the store holds, in lines."""
    changes, state = history(name)
    versions = tracking.versions(name)
    found = [
        *gaps(changes, versions),
        *_aliases(state, tracking.aliases(name)),
        *_by_hand(changes),
        *_tags(changes, versions),
        *_levels(name, all_histories(name)),
        *_files(name, versions),
    ]
    return changes, found


def _aliases(state: State, actual: Mapping[str, int]) -> Iterator[str]:
    for alias in ALIASES:
        if actual.get(alias) != state.get(alias):
            yield f"@{alias} is version {actual.get(alias) or 'none'}, by the history {state.get(alias) or 'none'}"


def _by_hand(changes: Sequence[Change]) -> Iterator[str]:
    last = last_of_champion(changes)
    if last is not None and last.kind == "outside" and last.moves[CHAMPION][1] is not None:
        yield f"the champion was set by hand (record {last.number}, {last.when}): no decision stands behind it"


def _tags(changes: Sequence[Change], versions: Sequence["Version"]) -> Iterator[str]:
    for version in versions:
        about = [change for change in changes if change.holds and _about(change) == version.version]
        decided = [change for change in about if change.kind in VERDICTS]
        told = version.tags.get("decision")
        allowed = VERDICTS[decided[-1].kind] if decided else ()
        if standing(version, changes) == TAKEN_BACK:  # as which old stores do not tag it
            allowed = (*allowed, TAKEN_BACK)
        if decided and told not in allowed:
            yield f"version {version.version} is tagged {told!r}, record {decided[-1].number} says {decided[-1].kind}"
        if not decided and told in ("promoted", "forced", TAKEN_BACK):
            yield f"version {version.version} is tagged {told!r}, and no record says so"
        forced = any(change.kind == "forced" for change in decided)
        if forced != (FORCED_TAG in version.tags):
            yield f"version {version.version}: its tag {FORCED_TAG!r} {'is gone' if forced else 'has no record'}"


def _about(change: Change) -> int | None:
    """The version that a decision was about."""
    if change.question is not None:
        return int(change.question["version"])
    for alias in ("champion", "challenger") if change.kind != "refused" else ("challenger", "champion"):
        if alias in change.moves:
            return change.moves[alias][1]
    return None


def _levels(name: str, lines: Mapping[str, Sequence[Change]]) -> Iterator[str]:
    """Whether each question was asked at the level that those before it had left."""
    asked: set[object] = set()
    for change in lines[name]:
        question = question_of(change)
        if question is None or question.identity in asked:
            continue
        asked.add(question.identity)
        past = past_decisions(until(lines, question.seen))
        level = next_level(past, name, question.games, RegisterParams(**question.params)).value
        if abs(level - question.level) > 1e-12 * level:
            yield f"record {change.number} was asked at {question.level:.6g}, those before it had left {level:.6g}"


def _files(name: str, versions: Sequence["Version"]) -> Iterator[str]:
    for version in versions:
        try:
            tracking.fetch_model(f"models:/{name}/{version.version}")
        except UserError as error:
            yield str(error)
