"""OpenTimelineIO's format, which scripts and newer programs read: JSON whose objects say their schema.

Written without its library: what that keeps until the process ends can abort it then.
"""

import json
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from rmsnet.matches.exports.colours import nearest
from rmsnet.matches.exports.cuts import Cut, Moment, Timeline, Written

COLOURS = ("RED", "PINK", "ORANGE", "YELLOW", "GREEN", "CYAN", "BLUE", "PURPLE", "MAGENTA", "WHITE")

Object = Mapping[str, Any]


def write(timeline: Timeline) -> Written:
    kinds = ["Video", "Audio"] if any(source.channels for source in timeline.sources) else ["Video"]
    stack = {"OTIO_SCHEMA": "Stack.1", "name": "tracks", "children": [_track(timeline, kind) for kind in kinds]}
    written = {"OTIO_SCHEMA": "Timeline.1", "name": timeline.name, "global_start_time": None, "tracks": stack}
    return Written(json.dumps(written, indent=2, ensure_ascii=False) + "\n")


def _track(timeline: Timeline, kind: str) -> Object:
    children = [
        _gap(cut) if kind == "Audio" and not cut.source.channels else _clip(cut, kind == "Video")
        for cut in timeline.cuts
    ]
    return {"OTIO_SCHEMA": "Track.1", "name": kind, "kind": kind, "children": children}


def _clip(cut: Cut, marked: bool) -> Object:
    source = cut.source
    media = {
        "OTIO_SCHEMA": "ExternalReference.1",
        "name": source.name,
        "target_url": source.path.as_uri(),
        "available_range": _range(source.start, source.frames, source.rate),
    }
    return {
        "OTIO_SCHEMA": "Clip.2",
        "name": cut.name,
        "source_range": _range(source.start + cut.first, cut.frames, source.rate),
        "media_references": {"DEFAULT_MEDIA": media},
        "active_media_reference_key": "DEFAULT_MEDIA",
        "markers": [_marker(cut, moment) for moment in cut.moments] if marked else [],
    }


def _marker(cut: Cut, moment: Moment) -> Object:
    return {
        "OTIO_SCHEMA": "Marker.2",
        "name": moment.title,
        "comment": moment.note,
        "color": nearest(moment.colour, COLOURS),
        "marked_range": _range(cut.source.start + moment.frame, 1, cut.source.rate),
        "metadata": {"rmsnet": {"class": moment.label}},
    }


def _gap(cut: Cut) -> Object:
    return {"OTIO_SCHEMA": "Gap.1", "name": "", "source_range": _range(0, cut.frames, cut.source.rate)}


def _range(frame: int, frames: int, rate: Fraction) -> Object:
    return {"OTIO_SCHEMA": "TimeRange.1", "start_time": _time(frame, rate), "duration": _time(frames, rate)}


def _time(frame: int, rate: Fraction) -> Object:
    """Frames as floats, and the float next to the rate: so the format has it."""
    return {"OTIO_SCHEMA": "RationalTime.1", "value": float(frame), "rate": float(rate)}
