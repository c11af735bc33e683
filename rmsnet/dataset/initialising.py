"""The first dataset.json of a folder of one's own matches, out of what a few options say and what lies there."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rmsnet.dataset.description import DESCRIPTION, ClassEntry, Description, FeatureKind, LabelsEntry, read_description
from rmsnet.dataset.formats.reading import read_source
from rmsnet.dataset.formats.registry import format_name
from rmsnet.dataset.formats.stated import Stated, stated_classes
from rmsnet.dataset.periods import HALVES, Period
from rmsnet.errors import UserError
from rmsnet.files import write_json

_PERIODS = re.compile(r"(?:(\d{1,2})x|((?:[^,x]+,)*[^,x]+)x)(\d{1,3}(?:\.\d+)?)")


def init_dataset(
    root: Path,
    *,
    name: str = "",
    labels: str = "",
    label_format: str = "csv",
    times: str = "",
    classes: str = "",
    features: Sequence[str] = (),
    periods: str = "",
    whole_match: bool = False,
) -> dict[str, Any]:
    """Write dataset.json.

    Args:
        root: folder of the games.
        name: what the dataset calls itself; "" the folder's name.
        labels: name of the label file of each game.
        label_format: of it, one of `rmsnet data convert`.
        times: how a table writes times.
        classes: names with commas between, or a file of them; "" those that the label files use.
        features: NAME:RATE or NAME:RATE:FIRST for kinds of features that lie there.
        periods: "2x30" or "Q1,Q2,Q3,Q4x12": how many or which, and their minutes; "" two halves of 45.
        whole_match: a file holds a whole match, and times in the label file count from its start.

    Returns:
        The content of dataset.json.

    Raises:
        UserError: there is another dataset.json, no game with such a label file and no classes stated, or an impossible
            description.
    """
    root = Path(root)
    if not root.is_dir():
        raise UserError(f"{root}: no such folder; put the games there, a folder each")
    if not labels:
        raise UserError("--labels: say what the label file of a game is called, such as --labels events.csv")
    form = format_name(label_format, "--format")
    games = sorted({path.parent.relative_to(root).as_posix() for path in root.rglob(labels)})
    if not games and not classes:
        raise UserError(
            f"{root}: no folder in it holds a file {labels}; --labels says what it is called; of matches that nobody "
            "has labelled yet say what there is to label (--classes goal,card)"
        )
    try:
        made = Description(
            name or root.resolve().name,
            simulated=False,
            classes=tuple(ClassEntry(one) for one in _classes(root, games, labels, form, times, classes)),
            labels=LabelsEntry(labels, form, times, clock="file" if whole_match else "period"),
            features=tuple(_features(text) for text in features),
            periods=_periods(periods) if periods else HALVES,
            files="match" if whole_match else "period",
        )
    except ValueError as error:
        raise UserError(f"{root / DESCRIPTION}: {error}") from None
    document = _document(made)
    if (root / DESCRIPTION).exists() and read_description(root)[1] != document:
        raise UserError(
            f"{root / DESCRIPTION}: there is one already, that says something else; edit it, or move it away"
        )
    write_json(root / DESCRIPTION, document)
    return document


def _classes(root: Path, games: Sequence[str], labels: str, form: str, times: str, said: str) -> list[str]:
    if said:
        return list(stated_classes(said)) if Path(said).is_file() else [part.strip() for part in said.split(",")]
    found: Counter[str] = Counter()
    for game in games:
        found.update(mark.label for mark in read_source(root / game / labels, form, Stated((), None, times)).marks)
    return [name for name, _ in found.most_common()]


def _features(text: str) -> FeatureKind:
    name, *numbers = text.split(":")
    try:
        rate = float(numbers[0])
        first = float(numbers[1]) if len(numbers) > 1 else 1 / rate
    except (ValueError, IndexError, ZeroDivisionError):
        raise UserError(
            f"--features {text}: is not like clip:2 or clip:25:0 (name, rows a second, seconds of row 0)"
        ) from None
    return FeatureKind(name, 0, rate, first)


def _periods(text: str) -> tuple[Period, ...]:
    found = _PERIODS.fullmatch(text)
    if found is None:
        raise UserError(f"--periods {text}: is not like 2x30 (halves of 30 minutes) or Q1,Q2,Q3,Q4x12")
    minutes = float(found[3])
    if found[2]:
        return tuple(Period(name.strip(), minutes) for name in found[2].split(","))
    if not minutes.is_integer():
        raise UserError(f"--periods {text}: minutes that are counted through a match are whole")
    return tuple(Period("", minutes, round(minutes) * number) for number in range(int(found[1])))


def _document(made: Description) -> dict[str, Any]:
    """The description without what is as usual."""
    plain: dict[str, Any] = {"name": made.name, "simulated": made.simulated}
    plain["classes"] = [{key: value for key, value in asdict(entry).items() if value} for entry in made.classes]
    plain["labels"] = {key: value for key, value in asdict(made.labels).items() if value} if made.labels else None
    if made.features:
        plain["features"] = [asdict(kind) for kind in made.features]
    if made.periods != HALVES:
        plain["periods"] = [asdict(period) for period in made.periods]
    if made.files != "period":
        plain["files"] = made.files
    return plain
