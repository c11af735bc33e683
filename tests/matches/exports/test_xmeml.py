"""xmeml, read back by OpenTimelineIO's adapter."""

from fractions import Fraction
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from rmsnet.errors import UserError
from rmsnet.matches.exports import xmeml
from rmsnet.matches.exports.cuts import reel, whole
from rmsnet.matches.exports.timecode import frame_of
from tests.matches.exports.timelines import NTSC, RATES, event, moment, periods_of_one_file, source, timeline

EVENTS = [event(100), event(103.4), event(9.5, half=2)]


@pytest.mark.parametrize("make", [reel, whole])
@pytest.mark.parametrize("rate", RATES)
def test_opentimelineio_reads_the_same_frames_at_every_rate(read_otio, rate, make):
    start = frame_of("10:00:00:00", rate)
    (written,) = make("match", [source(rate, start=start), source(rate, half=2)], EVENTS)
    read = read_otio(xmeml.write(written).text, "fcp_xml")
    assert [track["kind"] for track in read["tracks"]] == ["Video", "Audio", "Audio"]
    for track in read["tracks"]:
        for clip, (offset, cut) in zip(track["items"], written.placed(), strict=True):
            assert clip["name"] == cut.name
            assert clip["record"] == [offset, cut.frames]
            assert clip["source"] == [cut.source.start + cut.first, cut.frames]
            assert clip["rate"] == pytest.approx(float(rate), rel=1e-4)
            assert clip["available"] == [cut.source.start, cut.source.frames]
    assert [(one["name"], one["frame"]) for one in read["markers"]] == [
        (one.title, frame) for frame, _, _, one in written.moments()
    ]


def test_drop_frame_is_said_with_the_first_label_of_the_file():
    start = frame_of("10:00:00;00", NTSC)
    text = xmeml.write(timeline(source(NTSC, drop=True, start=start), [(0, 10, [])])).text
    code = ET.fromstring(text).find(".//file/timecode")
    assert [code.find(name).text for name in ("string", "frame", "displayformat")] == ["10:00:00;00", str(start), "DF"]
    assert ET.fromstring(text).find("sequence/rate/ntsc").text == "TRUE"


def test_a_file_is_described_once_and_named_as_an_address():
    text = xmeml.write(timeline(source(path=Path("/a b/50 % é.mkv")), [(0, 10, []), (20, 30, [])])).text
    addresses = [one.text for one in ET.fromstring(text).iter("pathurl")]
    assert addresses == ["file://localhost/a%20b/50%20%25%20%C3%A9.mkv"]
    assert {one.get("id") for one in ET.fromstring(text).iter("file")} == {"file-1"}


def test_halves_of_one_file_are_of_one_file():
    (written,) = reel("match", periods_of_one_file(), EVENTS)
    root = ET.fromstring(xmeml.write(written).text)
    assert [one.text for one in root.iter("pathurl")] == ["file://localhost/video%20of%20match/match.mkv"]
    assert {one.get("id") for one in root.iter("file")} == {"file-1"}


def test_links_lead_to_clips_and_a_silent_half_leaves_its_place_in_the_sound_free():
    sources = [source(), source(half=2, channels=0)]
    (written,) = reel("match", sources, EVENTS)
    root = ET.fromstring(xmeml.write(written).text)
    assert {one.text for one in root.iter("linkclipref")} == {one.get("id") for one in root.iter("clipitem")}
    assert [len(track.findall("clipitem")) for track in root.iter("track")] == [2, 1, 1]
    silent = ET.fromstring(xmeml.write(timeline(sources[1], [(0, 9, [])])).text)
    assert silent.find("sequence/media/audio") is None


def test_markers_have_the_colours_that_premiere_gives_them():
    moments = [moment(frame, colour=colour) for frame, colour in enumerate(["#f0c020", "#2be179", "#ccd5df"])]
    root = ET.fromstring(xmeml.write(timeline(source(), [(0, 10, moments)])).text)
    assert [marker.findtext("pproColor") for marker in root.iter("marker")] == ["4281049552", None, "4294967295"]


def test_a_rate_without_time_code_is_refused():
    with pytest.raises(UserError, match="frames a second have no time code"):
        xmeml.write(timeline(source(Fraction(25, 2)), [(0, 10, [])]))
