"""The label files of a dataset as rows, read so that nothing in them can stop the reading."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from rmsnet.dataset.class_lists import ClassList
from rmsnet.dataset.game_events import game_events
from rmsnet.dataset.labels import (
    LABELS,
    LAST_MS,
    Event,
    LabelFile,
    event_class,
    extra_time_of,
    in_extra_time,
    of_another_game,
    read_label_file,
    split_game_time,
    whole_number,
)
from rmsnet.dataset.soccernet import SPLITS, Dataset
from rmsnet.errors import UserError
from rmsnet.params import ExtractParams
from rmsnet.reading.names import as_text

Row = dict[str, Any]

GOOD = "good"
"""What a column that says what is wrong says when nothing is."""

_TWO_DIGITS = re.compile(r"\d+ - \d{2,3}:\d\d")


def clean(row: Row) -> Row:
    """The row with what is no text (controls, file names that are not UTF-8) written out."""
    return {key: as_text(value) if isinstance(value, str) else value for key, value in row.items()}


def labels_state(
    dataset: Dataset, split: str, game: str, classes: ClassList, unexpected: Iterable[str]
) -> tuple[str | None, str]:
    """What is wrong with a game's labels, and their events of extra time; None where there are none and need not be."""
    others = [name for name in unexpected if name.lower().startswith("label")]
    if others:
        return f"another label file beside {classes.label_file}: {', '.join(others)}", ""
    files = dataset.labels()
    try:
        if files.read(game, classes.label_file) is None:
            return (f"no {classes.label_file}" if split in SPLITS else None), ""
        if classes.entry is not None:
            game_events(files, game, classes, dataset.description)
            return GOOD, ""
        labels = _labels(dataset, game, classes)
    except UserError as error:
        return str(error), ""
    late = extra_time_of(labels.annotations)
    other = labels.other_game(game)
    return of_another_game(other) if other else GOOD, in_extra_time(late.values()) if late else ""


def _labels(dataset: Dataset, game: str, classes: ClassList) -> LabelFile:
    content = dataset.labels().read(game, classes.label_file)
    return read_label_file(content or b"", classes.label_file)


def event_rows(
    dataset: Dataset, readable: Iterable[tuple[str, str]], classes: ClassList, params: ExtractParams
) -> list[Row]:
    """A row per annotation of games, (split, game), whose labels can be read."""
    rows: list[Row] = []
    for split, game in readable:
        if classes.entry is not None:
            events = enumerate(game_events(dataset.labels(), game, classes, dataset.description))
            rows += [{"split": split, "game": game, "number": number, **_own_row(event)} for number, event in events]
            continue
        annotations = _labels(dataset, game, classes).annotations
        left_out = extra_time_of(annotations) if params.extra_time == "leave-out" else {}
        for number, annotation in enumerate(annotations):
            if number not in left_out:
                rows.append(
                    {"split": split, "game": game, "number": number, **clean(_event_row(annotation, classes.name))}
                )
    return rows


def _own_row(event: Event) -> Row:
    """An event of a label file that a reader of its format has understood."""
    return {
        "problem": GOOD,
        "label": event.label,
        "event": event.label,
        "time_form": GOOD,
        "half": event.half,
        "seconds": event.position_ms / 1000,
    }


def _event_row(annotation: Any, classes: str) -> Row:
    if not isinstance(annotation, dict):
        return {"problem": "not an object"}
    missing = [key for key in ("label", "gameTime") if not isinstance(annotation.get(key), str)]
    if missing:
        return {"problem": f"no text {' and no text '.join(missing)}"}
    label, game_time = annotation["label"], annotation["gameTime"]
    row: Row = {"problem": GOOD, "label": label, "game_time": game_time}
    if label in LABELS[classes]:
        row["event"] = event_class(label, classes)
    time = split_game_time(game_time)
    if time is not None:
        row |= {"half": time[0], "seconds": float(time[1])}
        row["time_form"] = GOOD if _TWO_DIGITS.fullmatch(game_time) else "one-digit minutes or seconds"
    if classes == "v2":
        row |= _position(annotation, row.get("seconds"))
        row["visibility"] = str(annotation.get("visibility", "visible"))
    return row


def _position(annotation: Mapping[str, Any], seconds: float | None) -> Row:
    """The time in milliseconds of a v2 annotation, and how far it is from its gameTime."""
    if "position" not in annotation:
        return {"position": GOOD}
    try:
        position_ms = whole_number(annotation["position"])
    except (ValueError, TypeError, OverflowError):
        return {"position": f"{annotation['position']!r} is no number of milliseconds"}
    if position_ms < 0:
        return {"position": f"{position_ms} ms is before the start of the half"}
    if position_ms >= LAST_MS:
        return {"position": f"{position_ms} ms is no time in a half"}
    gap = None if seconds is None else abs(position_ms // 1000 - seconds)
    return {"position": GOOD, "seconds": position_ms / 1000, "position_gap_seconds": gap}
