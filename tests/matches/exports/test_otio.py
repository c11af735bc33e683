"""OpenTimelineIO's own format, read by its own library."""

import pytest

from rmsnet.matches.exports import otio
from rmsnet.matches.exports.cuts import reel
from tests.matches.exports.timelines import RATES, event, source


@pytest.mark.parametrize("rate", RATES)
def test_the_library_reads_cuts_media_and_markers(read_otio, rate):
    events = [event(100, confidence=0.5), event(9.5, half=2)]
    (written,) = reel("match", [source(rate, start=1800), source(rate, half=2, channels=0)], events)
    read = read_otio(otio.write(written).text, "otio_json")
    assert read["name"] == "match reel"
    picture, sound = read["tracks"]
    for clip, (offset, cut) in zip(picture["items"], written.placed(), strict=True):
        assert clip["name"] == cut.name
        assert clip["rate"] == float(rate)
        assert clip["source"] == [cut.source.start + cut.first, cut.frames]
        assert clip["record"] == [offset, cut.frames]
        assert clip["media"] == cut.source.path.as_uri()
        assert clip["available"] == [cut.source.start, cut.source.frames]
        assert [one["frame"] for one in clip["markers"]] == [cut.source.start + one.frame for one in cut.moments]
    assert picture["items"][0]["markers"][0] == {
        "name": "Goal 2'",
        "frame": 1800 + written.cuts[0].moments[0].frame,
        "color": "GREEN",
        "comment": "confidence 50 %",
    }
    assert [(item["kind"], item["record"]) for item in sound["items"]] == [
        (kind, item["record"]) for kind, item in zip(("Clip", "Gap"), picture["items"], strict=True)
    ]
