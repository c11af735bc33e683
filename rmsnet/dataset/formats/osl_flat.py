"""OSL's flat version 1, which later tools open as an empty project: a list of videos with SoccerNet's annotations.

{"version": 1, "labels": ["PASS", …], "videos": [{"path": "game/1_224p.mkv",
                                                  "annotations": [{"gameTime": "1 - 00:01", "label": "PASS", …}]}]}
"""

from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

import msgspec

from rmsnet.dataset.formats.document import Annotations, Timeline
from rmsnet.dataset.formats.json_rows import rows_of, typed
from rmsnet.dataset.formats.soccernet_labels import mark_of
from rmsnet.dataset.formats.sources import SourceFile
from rmsnet.dataset.formats.times import rate


class _Video(msgspec.Struct):
    path: str = ""
    path_video: str = ""
    path_features: str = ""
    annotations: list[dict[str, Any]] = []
    source_fps: float | None = None


def read_flat(file: SourceFile, root: dict[str, Any]) -> Annotations:
    """A file of version 1 with a list of videos; `<game>/<half>_….mkv` is a half of a game."""
    rows = rows_of(root, "videos", file.where)
    timelines = tuple(_timeline(row, f"{file.where}: videos[{number}]", number) for number, row in enumerate(rows))
    classes = tuple(typed(root.get("labels", []), list[str], f"{file.where}: labels"))
    extra = {key: value for key, value in root.items() if key not in ("videos", "labels", "version")}
    return Annotations(timelines, classes, extra=extra, notes=(f"{file.where}: OSL version 1 (flat)",))


def _timeline(row: dict[str, Any], where: str, number: int) -> Timeline:
    video = typed(row, _Video, where)
    path = video.path or video.path_video or video.path_features or f"video_{number + 1}"
    read = [mark_of(each, f"{where}.annotations[{place}]")[0] for place, each in enumerate(video.annotations)]
    halves = {mark.half for mark in read}
    pure = PurePosixPath(path.replace("\\", "/").lstrip("/"))
    is_half = len(halves) == 1 and pure.name.startswith(f"{min(halves)}_")
    name = pure.parent.as_posix() if is_half else pure.with_suffix("").as_posix()
    fps = None if video.source_fps is None else rate(video.source_fps, f"{where}.source_fps")
    extra = {key: value for key, value in row.items() if key != "annotations"}
    half = min(halves) if is_half else 1
    return Timeline(name, half, tuple(replace(mark, half=half) for mark in read), fps, video=path, extra=extra)
