"""OSL JSON, version 2.0, of OpenSportsLib and its annotation tool: annotations, and predictions in the same form.

    {"version": "2.0", "dataset_name": …, "labels": {"action": {"type": "single_label", "labels": ["PASS", …]}},
     "data": [{"id": "m1", "inputs": [{"type": "video", "path": "m1.mp4", "fps": 25.0}],
               "events": [{"head": "action", "label": "PASS", "position_ms": 1160}]}]}

Its predecessors, two different "version 1", are read as well: "1.0" has this form, the flat one is in `osl_flat.py`.
"""

from collections import Counter
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

import msgspec

from rmsnet.dataset.formats.document import Annotations, Timeline
from rmsnet.dataset.formats.json_rows import object_of, rows_of, typed
from rmsnet.dataset.formats.osl_event import mark_of, utc
from rmsnet.dataset.formats.osl_flat import read_flat
from rmsnet.dataset.formats.osl_writing import DEFAULTS, plain_inputs, plain_labels
from rmsnet.dataset.formats.sources import SourceFile
from rmsnet.dataset.formats.stated import Stated, unknown_labels
from rmsnet.dataset.formats.times import rate
from rmsnet.errors import UserError

VERSIONS = ("2.0", "2", "1.0")


class _Item(msgspec.Struct):
    events: list[dict[str, Any]] = []
    inputs: list[dict[str, Any]] = []
    id: str | None = None
    name: str | None = None

    @property
    def first(self) -> dict[str, Any]:
        """The input whose clock the events have."""
        return self.inputs[0] if self.inputs else {}


def read_osl(file: SourceFile, stated: Stated) -> Annotations:
    """A file of annotations or predictions, of any version."""
    root = object_of(file)
    version = str(root.get("version", "2.0"))
    if "data" not in root and "videos" in root:
        return read_flat(file, root)
    if "data" not in root:
        raise UserError(f"{file.where}: not an OSL file (neither 'data', version 2.0, nor 'videos', version 1)")
    if version not in VERSIONS:
        raise UserError(f"{file.where}: OSL version {version} is not known; save it as 2.0")
    rows = rows_of(root, "data", file.where)
    items = [typed(row, _Item, f"{file.where}: data[{number}]") for number, row in enumerate(rows)]
    odd = Counter({"version 1.0 is read as 2.0": 1} if version == "1.0" else {})
    timelines = tuple(
        _timeline(row, item, name, f"{file.where}: data[{number}]", odd)
        for number, (row, item, name) in enumerate(zip(rows, items, _names(items), strict=True))
    )
    heads = _heads(root.get("labels"))
    _look_at_media(file, items, odd)
    classes = tuple(dict.fromkeys(name for labels in heads.values() for name in labels))
    strangers = [
        mark for timeline in timelines for mark in timeline.marks if mark.label not in heads.get(mark.head, classes)
    ]
    notes = [f"{file.where}: {what}" + (f" ({count} times)" if count > 1 else "") for what, count in odd.items()]
    if heads and strangers:
        unknown = unknown_labels(Counter(mark.label for mark in strangers), classes)
        notes.append(f"{file.where}: labels that no list of their head has: {unknown or 'of another head'}; kept")
    written = {**DEFAULTS, "labels": plain_labels(classes)}
    extra = {key: value for key, value in root.items() if key not in ("data", "version") and written.get(key) != value}
    return Annotations(timelines, classes, extra=extra, notes=tuple(notes))


def _names(items: list[_Item]) -> list[str]:
    """The name of each item; a name that was there gets a number, as the annotation tool does it."""
    names: dict[str, None] = {}
    for number, item in enumerate(items, 1):
        path = PurePosixPath(str(item.first.get("path", "")).replace("\\", "/").lstrip("/"))
        name = item.id or item.name or (path.with_suffix("").as_posix() if path.name else f"sample_{number}")
        copy, tried = 1, name
        while tried in names:
            copy += 1
            tried = f"{name}__{copy}"
        names[tried] = None
    return list(names)


def _timeline(row: dict[str, Any], item: _Item, name: str, where: str, odd: Counter[str]) -> Timeline:
    fps = None if item.first.get("fps") is None else rate(item.first["fps"], f"{where}.inputs[0].fps")
    origin = utc(item.first.get("UTC_time_start"))
    marks = tuple(
        mark_of(event, fps, origin, f"{where}.events[{number}]", odd) for number, event in enumerate(item.events)
    )
    path = str(item.first.get("path", ""))
    written = {"inputs": plain_inputs(path, fps)}
    extra = {key: value for key, value in row.items() if key not in ("id", "events") and written.get(key) != value}
    return Timeline(name, 1, marks, fps, video=path, extra=extra)


def _heads(labels: Any) -> Mapping[str, tuple[str, ...]]:
    """The class list of each head."""
    if not isinstance(labels, dict):
        return {}
    listed = {head: value.get("labels") for head, value in labels.items() if isinstance(value, dict)}
    return {head: tuple(map(str, names)) for head, names in listed.items() if isinstance(names, list)}


def _look_at_media(file: SourceFile, items: list[_Item], odd: Counter[str]) -> None:
    paths = [str(given["path"]) for item in items for given in item.inputs if given.get("path")]
    absent = [path for path in paths if file.folder is not None and not (file.folder / path).exists()]
    if absent:
        odd[f"{len(absent)} of {len(paths)} media are not there (first: {absent[0]}); events are read without"] += 1
    if any(given.get("start_ms") for item in items for given in item.inputs):
        odd["an input starts within its file (start_ms); positions are taken from the start of the sample"] += 1
