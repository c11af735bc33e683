"""Sportscode's newer .SCTimeline, a JSON of rows with instances; read only, as far as its form is known.

    {"timeline": {"rows": [{"name": "Goal", "color": "#ff0000",
                            "instances": [{"startTime": 380.0, "endTime": 395.0, "labels": [{"name": "home"}]}]}]}}

Times are taken for seconds from the start of the video. Source: types that others found by looking at such files.
"""

import re
from collections import defaultdict
from typing import Any

import msgspec

from rmsnet.dataset.formats.document import Annotations, Mark, Timeline
from rmsnet.dataset.formats.json_rows import object_of, typed
from rmsnet.dataset.formats.sources import SourceFile
from rmsnet.dataset.formats.sportscode import UNGROUPED
from rmsnet.dataset.formats.stated import Stated
from rmsnet.dataset.formats.times import ms_of_seconds
from rmsnet.errors import UserError


class _Label(msgspec.Struct):
    name: str
    group: str | None = None


class _Instance(msgspec.Struct):
    startTime: int | float
    endTime: int | float
    notes: str = ""
    uniqueId: str = ""
    labels: list[_Label] = []


class _Row(msgspec.Struct):
    name: str
    color: str = ""
    instances: list[_Instance] = []


class _Rows(msgspec.Struct):
    rows: list[_Row]


class _File(msgspec.Struct):
    timeline: _Rows


def read_sctimeline(file: SourceFile, stated: Stated) -> Annotations:
    """A timeline, its events in order of time."""
    rows = typed(object_of(file), _File, file.where).timeline.rows
    marks = [
        _mark(row.name.strip(), instance, f"{file.where}: row {row.name!r}, instance {number}")
        for row in rows
        for number, instance in enumerate(row.instances, 1)
    ]
    timeline = Timeline(file.name, 1, tuple(sorted(marks, key=lambda mark: mark.position_ms)))
    colours = {row.name.strip(): row.color for row in rows if re.fullmatch("#[0-9a-fA-F]{6}", row.color)}
    sixteen = {name: tuple(257 * value for value in bytes.fromhex(text[1:])) for name, text in colours.items()}
    return Annotations(
        (timeline,),
        tuple(dict.fromkeys(row.name.strip() for row in rows)),
        {name: (red, green, blue) for name, (red, green, blue) in sixteen.items()},
    )


def _mark(label: str, instance: _Instance, where: str) -> Mark:
    try:
        start, end = ms_of_seconds(instance.startTime), ms_of_seconds(instance.endTime)
    except ValueError as error:
        raise UserError(f"{where}: {error}") from None
    if end < start:
        raise UserError(f"{where}: ends before it starts")
    said: dict[str, list[str]] = defaultdict(list)
    for given in instance.labels:
        said[given.group or UNGROUPED].append(given.name)
    extra: dict[str, Any] = {group: names if len(names) > 1 else names[0] for group, names in said.items()}
    extra |= {"ID": instance.uniqueId} if instance.uniqueId else {}
    extra |= {"free_text": instance.notes} if instance.notes else {}
    return Mark(1, start, label, end_ms=end, extra=extra)
