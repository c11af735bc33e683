"""A process that reads with OpenTimelineIO: JSON requests on its standard input, an answer a line.

A process of its own, because the library may abort the one that has used it when that ends.
"""

import json
import os
import sys

import opentimelineio as otio


def seen(timeline):
    """What a timeline holds, times as [frame, frames] and rates apart."""
    return {
        "name": timeline.name,
        "tracks": [
            {"kind": track.kind, "items": [item_seen(item) for item in track]}
            for track in (*timeline.video_tracks(), *timeline.audio_tracks())
        ],
        "markers": [marker_seen(marker) for marker in timeline.tracks.markers],
    }


def item_seen(item):
    media = getattr(item, "media_reference", None)
    available = None if media is None else media.available_range
    return {
        "kind": type(item).__name__,
        "name": item.name,
        "rate": item.source_range.start_time.rate,
        "source": range_seen(item.source_range),
        "record": range_seen(item.range_in_parent()),
        "media": getattr(media, "target_url", None),
        "available": None if available is None else range_seen(available),
        "markers": [marker_seen(marker) for marker in item.markers],
    }


def range_seen(times):
    return [times.start_time.value, times.duration.value]


def marker_seen(marker):
    return {
        "name": marker.name,
        "frame": marker.marked_range.start_time.value,
        "color": marker.color,
        "comment": marker.comment,
    }


def answer(request):
    if "frames" in request:
        rate = request["rate"]
        return [
            otio.opentime.to_timecode(otio.opentime.RationalTime(frame, rate), rate, request["drop"])
            for frame in request["frames"]
        ]
    read = otio.adapters.read_from_string(request["text"], request["adapter"], **request["options"])
    return seen(read if isinstance(read, otio.schema.Timeline) else read[0])


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)
    os._exit(0)
