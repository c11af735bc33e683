"""OSL JSON 2.0 written: annotations for people, predictions in one file, predictions a file per video."""

from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

from rmsnet.dataset.formats.document import Annotations, Mark, Timeline, written_names
from rmsnet.dataset.formats.json_rows import encoded
from rmsnet.dataset.formats.soccernet_results import RESULTS
from rmsnet.dataset.formats.stated import Stated
from rmsnet.dataset.formats.times import frame_of_ms, game_time

HEAD = "action"
"""What the only question is called in OpenSportsLib's own files."""

DEFAULTS: Mapping[str, Any] = {"dataset_name": "", "description": "", "modalities": ["video"], "metadata": {}}
"""What the annotation tool expects at the top, where nothing is known."""


def plain_labels(classes: Iterable[str]) -> dict[str, Any]:
    """The class list of a file that asks one question."""
    return {HEAD: {"type": "single_label", "labels": list(classes)}}


def plain_inputs(path: str, fps: Fraction | None) -> list[dict[str, Any]]:
    """The inputs of an item that is a video."""
    return [{"type": "video", "path": path} | ({} if fps is None else {"fps": float(fps)})]


def write_osl(document: Annotations, stated: Stated) -> dict[str, bytes]:
    """A file of annotations; heads that it came with stay."""
    given = document.extra.get("labels")
    labels = given if isinstance(given, dict) and given else plain_labels(document.used_classes)
    root = {
        "version": "2.0",
        **DEFAULTS,
        **document.extra,
        "labels": labels,
        "data": [
            {
                "id": name,
                **_inputs(name, timeline),
                **timeline.extra,
                "events": [_event(mark, next(iter(labels))) for mark in timeline.marks],
            }
            for name, timeline in written_names(document)
        ],
    }
    return {"annotations.json": encoded(root)}


def write_predictions(document: Annotations, stated: Stated) -> dict[str, bytes]:
    """All predictions in one file, without class lists."""
    root = {
        "version": "2.0",
        **{key: value for key, value in document.extra.items() if key != "labels"},
        "task": "localization",
        "metadata": {**_metadata(document), "type": "predictions", "created_by": "rmsnet"},
        "data": [_predicted(name, timeline, HEAD) for name, timeline in written_names(document)],
    }
    return {"predictions.json": encoded(root)}


def write_results_per_video(document: Annotations, stated: Stated) -> dict[str, bytes]:
    """A file `<video>/results_spotting.json` for each video."""
    root = {
        "version": "2.0",
        **{key: value for key, value in document.extra.items() if key != "labels"},
        "task": "action_spotting",
        "metadata": {**_metadata(document), "type": "predictions", "created_by": "rmsnet"},
    }
    return {
        f"{name}/{RESULTS}": encoded({**root, "data": [_predicted(name, timeline, HEAD)]})
        for name, timeline in written_names(document)
    }


def _metadata(document: Annotations) -> dict[str, Any]:
    given = document.extra.get("metadata")
    return given if isinstance(given, dict) else {}


def _inputs(name: str, timeline: Timeline) -> dict[str, Any]:
    """The footage; where nobody says what its file is called, we must."""
    return {"inputs": plain_inputs(timeline.video or f"{name}.mp4", timeline.fps)}


def _predicted(name: str, timeline: Timeline, head: str) -> dict[str, Any]:
    events = []
    for mark in timeline.marks:
        frame = {} if timeline.fps is None else {"frame": frame_of_ms(mark.position_ms, timeline.fps)}
        time = {"gameTime": game_time(mark.half, mark.position_ms), **frame}
        events.append({**time, **_event(mark, head, 1.0)})
    return {"id": name, **_inputs(name, timeline), **timeline.extra, "events": events}


def _event(mark: Mark, head: str, certain: float | None = None) -> dict[str, Any]:
    event: dict[str, Any] = {
        **mark.extra,
        "head": mark.head or head,
        "label": mark.label,
        "position_ms": mark.position_ms,
    }
    if mark.team:
        event["team"] = mark.team
    if not mark.visible:
        event["visibility"] = "not shown"
    if mark.end_ms is not None:
        event["end_ms"] = mark.end_ms
    confidence = certain if mark.confidence is None else mark.confidence
    if confidence is not None:
        # OpenSportsLib reads the one, the annotation tool the other.
        event["confidence"] = event["confidence_score"] = confidence
    return event
