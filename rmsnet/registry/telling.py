"""The history of a registered model, told in sentences."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rmsnet.registry.history import CHALLENGER, CHAMPION, Change
from rmsnet.style.words import chance, percent

if TYPE_CHECKING:
    from rmsnet.tracking import Version


def told(change: Change, versions: Mapping[int, "Version"]) -> str:
    """A change of the history in a sentence: which version, what became of it, why.

    Args:
        change: of the history.
        versions: of the registered model by number; of one that was deleted the number alone is told.
    """

    def called(number: int | None) -> str:
        tags = versions[number].tags if number is not None and number in versions else {}
        notes = [tags.get("variant", ""), "simulated" if tags.get("simulated") == "true" else ""]
        return f"version {number} ({', '.join(filter(None, notes))})" if any(notes) else f"version {number}"

    (before, after), asked, why = change.moves.get(CHAMPION, (None, None)), change.question, change.why
    if asked is not None and (change.kind == "promote" or asked["p_value"] > asked["level"]):
        why = (
            f"{percent(asked['difference'], 1, '+')} points against version {asked['champion']}; equal models show as "
            f"much in {chance(asked['p_value'])} of cases, {chance(asked['level'])} may"
        )
    if change.kind == "outside":
        said = f"{change.text}: {why}"
    elif change.kind == "rollback":
        said = f"{called(after)} is @champion again, version {before} was taken back: {why}"
    elif change.kind in ("promote", "forced"):
        said = f"{called(after)} is @champion{' against the gate' * (change.kind == 'forced')}: {why}"
    else:
        refused = change.moves[CHALLENGER][1] if asked is None else asked["version"]
        said = f"{called(refused)} is refused: {why}"
    return said if change.holds else f"came too late: {said}"
