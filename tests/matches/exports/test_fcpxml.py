"""FCPXML: its fractions as they stand, its structure read back by OpenTimelineIO's adapter."""

from fractions import Fraction
from xml.etree import ElementTree as ET

import pytest

from rmsnet.matches.exports import fcpxml
from rmsnet.matches.exports.cuts import reel, whole
from rmsnet.matches.exports.timecode import frame_of
from tests.matches.exports.timelines import NTSC, RATES, event, moment, periods_of_one_file, source, timeline

EVENTS = [event(100), event(103.4), event(9.5, half=2)]


def seconds(text):
    assert text.endswith("s")
    return Fraction(text[:-1])


@pytest.mark.parametrize(
    ("rate", "says"), [(Fraction(24000, 1001), "1001/24000s"), (NTSC, "1001/30000s"), (Fraction(25), "1/25s")]
)
def test_a_frame_lasts_a_fraction_of_a_second_never_a_rounded_rate(rate, says):
    root = ET.fromstring(fcpxml.write(timeline(source(rate), [(0, 10, [])])).text)
    assert root.find("resources/format").get("frameDuration") == says


@pytest.mark.parametrize("rate", RATES)
def test_every_time_is_a_whole_frame_of_the_rate(rate):
    start = frame_of("10:00:00:00", rate)
    sources = [source(rate, start=start), source(rate, half=2, start=start)]
    (written,) = reel("match", sources, EVENTS)
    root = ET.fromstring(fcpxml.write(written).text)
    assert root.get("version") == "1.10"
    clips = root.findall(".//spine/asset-clip")
    for clip, (offset, cut) in zip(clips, written.placed(), strict=True):
        assert seconds(clip.get("offset")) * rate == offset
        assert seconds(clip.get("start")) * rate == start + cut.first
        assert seconds(clip.get("duration")) * rate == cut.frames
        assert [seconds(one.get("start")) * rate for one in clip.findall("marker")] == [
            start + one.frame for one in cut.moments
        ]
    assets = root.findall("resources/asset")
    for asset, film in zip(assets, sources, strict=True):
        assert seconds(asset.get("start")) * rate == start
        assert seconds(asset.get("duration")) * rate == film.frames
        assert asset.find("media-rep").get("src") == f"file:///video%20of%20match/{film.half}_720p.mkv"


def test_drop_frame_is_said_of_the_sequence_and_of_the_clips():
    root = ET.fromstring(fcpxml.write(timeline(source(NTSC, drop=True), [(0, 10, [])])).text)
    assert root.find(".//sequence").get("tcFormat") == root.find(".//asset-clip").get("tcFormat") == "DF"


def test_references_lead_somewhere_and_names_cannot_break_out():
    written = timeline(source(), [(0, 100, [moment(7, 'Yellow->red "card" & <b>')])], 'A & B "reel" <i>')
    root = ET.fromstring(fcpxml.write(written).text)
    ids = {one.get("id") for one in root.find("resources")}
    used = {one.get(name) for one in root.iter() for name in ("ref", "format") if one.get(name)}
    assert used == ids
    assert root.find(".//project").get("name") == 'A & B "reel" <i>'
    assert root.find(".//marker").attrib == {
        "start": "7/25s",
        "duration": "1/25s",
        "value": 'Yellow->red "card" & <b>',
        "note": "confidence 93 %",
    }


def test_a_silent_video_says_nothing_of_sound():
    assert "udio" not in fcpxml.write(timeline(source(channels=0), [(0, 10, [])])).text


@pytest.mark.parametrize("make", [reel, whole])
def test_halves_of_one_file_are_of_one_asset(read_otio, make):
    (written,) = make("match", periods_of_one_file(), [event(100), event(9, half=2)])
    text = fcpxml.write(written).text
    root = ET.fromstring(text)
    (asset,) = root.findall("resources/asset")
    assert [clip.get("ref") for clip in root.iter("asset-clip")] == [asset.get("id")] * 2
    assert [clip["source"] for clip in read_otio(text, "fcpx_xml")["tracks"][0]["items"]] == [
        [cut.first, cut.frames] for cut in written.cuts
    ]


@pytest.mark.parametrize("make", [reel, whole])
def test_opentimelineio_reads_sequence_clips_and_markers(read_otio, make):
    events = [event(100), event(103), event(9, half=2)]  # its reader rounds fractions of a second down
    (written,) = make("match", [source(start=90000), source(half=2)], events)
    read = read_otio(fcpxml.write(written).text, "fcpx_xml")
    assert read["name"] == written.name
    for clip, (offset, cut) in zip(read["tracks"][0]["items"], written.placed(), strict=True):
        assert clip["name"] == cut.name
        assert clip["source"] == [cut.source.start + cut.first, cut.frames]
        assert clip["record"] == [offset, cut.frames]
        assert [(one["name"], one["frame"]) for one in clip["markers"]] == [
            (one.title, cut.source.start + one.frame) for one in cut.moments
        ]
