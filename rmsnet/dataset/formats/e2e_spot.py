"""The frame lists of E2E-Spot and T-DEED: annotations and, with scores, predictions; often packed as .json.gz.

    [{"video": "usopen_1", "num_frames": 250, "fps": 25.0, "events": [{"frame": 29, "label": "far_court_serve"}]}, …]

Frames are numbered from 0. Beside the lists lies `class.txt`, a class a line.
"""

from collections import Counter
from typing import Any

import msgspec

from rmsnet.dataset.formats.document import Annotations, Mark, Timeline, written_names
from rmsnet.dataset.formats.json_rows import encoded, json_of, others, shown, typed
from rmsnet.dataset.formats.sources import SourceFile
from rmsnet.dataset.formats.stated import Stated
from rmsnet.dataset.formats.times import frame_of_ms, ms_of_frame, rate
from rmsnet.errors import UserError

CLASSES = "class.txt"


class _Video(msgspec.Struct):
    video: str
    fps: float | None = None
    num_frames: int | None = None
    num_events: int | None = None
    events: list[dict[str, Any]] | None = None


class _Event(msgspec.Struct):
    frame: int
    label: str
    score: float | None = None
    team: str = ""
    visibility: str = ""


def read_frames(file: SourceFile, stated: Stated) -> Annotations:
    """A list of videos with events at frames."""
    rows = typed(json_of(file), list[dict[str, Any]], file.where)
    videos = [typed(row, _Video, f"{file.where}[{number}]") for number, row in enumerate(rows)]
    odd: Counter[str] = Counter()
    timelines = tuple(
        _timeline(row, video, f"{file.where}[{number}]", stated, odd)
        for number, (row, video) in enumerate(zip(rows, videos, strict=True))
    )
    notes = tuple(f"{file.where}: {what} ({count} times)" for what, count in odd.items())
    return Annotations(timelines, _classes(file), notes=notes)


def _classes(file: SourceFile) -> tuple[str, ...]:
    listed = file.beside(CLASSES)
    return () if listed is None else tuple(listed.lines())


def _timeline(row: dict[str, Any], video: _Video, where: str, stated: Stated, odd: Counter[str]) -> Timeline:
    # FineDiving says -1: its frames have no times.
    fps = rate(video.fps, f"{where}.fps") if video.fps is not None and video.fps > 0 else stated.fps
    if fps is None and video.events:
        raise UserError(f"{where}: {video.video!r} says no frame rate (fps {video.fps}); name it with --frame-rate")
    if video.events is None:
        odd["no 'events'; those of SoccerNet are in its label files"] += 1
    events = video.events or []
    if video.num_events not in (None, len(events)):
        odd["num_events is not the number of events; all were read"] += 1
    marks = []
    for number, given in enumerate(events):
        event = typed(given, _Event, f"{where}.events[{number}]")
        if event.frame < 0:
            raise UserError(f"{where}.events[{number}]: frame {event.frame} is before the first, 0")
        if video.num_frames is not None and event.frame >= video.num_frames:
            odd["an event behind the last frame; kept"] += 1
        try:
            position_ms = ms_of_frame(event.frame, fps or rate(1))
        except ValueError as error:
            raise UserError(f"{where}.events[{number}].frame: {error}") from None
        extra = others(given, _Event)
        visible = shown(event.visibility, extra)
        marks.append(Mark(1, position_ms, event.label.strip(), event.team, visible, None, event.score, extra=extra))
    return Timeline(video.video, 1, tuple(marks), fps, video.num_frames, extra=others(row, _Video))


def write_frames(document: Annotations, stated: Stated) -> dict[str, bytes]:
    """A list of videos, and the class list.

    Raises:
        UserError: no rate is known.
    """
    listed = []
    for name, timeline in written_names(document):
        fps = stated.fps or timeline.fps
        if fps is None:
            raise UserError(f"{name}: times become frames, and no rate is known; name it with --frame-rate")
        predicted = any(mark.confidence is not None for mark in timeline.marks)
        item: dict[str, Any] = {**timeline.extra, "video": name, "fps": float(fps)}
        if timeline.frames is not None and fps == timeline.fps:
            item["num_frames"] = timeline.frames
        if not predicted:
            item["num_events"] = len(timeline.marks)
        item["events"] = [_event(mark, frame_of_ms(max(mark.position_ms, 0), fps)) for mark in timeline.marks]
        listed.append(item)
    classes = document.used_classes
    lines = {CLASSES: "".join(f"{name}\n" for name in classes).encode()} if classes else {}
    return {"events.json": encoded(listed), **lines}


def _event(mark: Mark, frame: int) -> dict[str, Any]:
    event: dict[str, Any] = {**mark.extra, "frame": frame, "label": mark.label}
    if mark.confidence is not None:
        event["score"] = mark.confidence
    if mark.team:
        event["team"] = mark.team
    if not mark.visible:
        event["visibility"] = "not shown"
    return event
