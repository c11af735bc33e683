"""xmeml, the XML of Final Cut Pro 7, for Premiere Pro and DaVinci Resolve: whole frames, 30000/1001 as 30 and "NTSC".

Places in a video count from its first frame; its time code stands beside. Markers belong to the sequence, whose ruler
shows them.
"""

from pathlib import Path
from xml.etree.ElementTree import Element, SubElement

from rmsnet.matches.exports.colours import nearest
from rmsnet.matches.exports.cuts import Cut, Source, Timeline, Written
from rmsnet.matches.exports.timecode import labels_a_second, timecode
from rmsnet.matches.exports.xml_document import document

VERSION = "5"

MOST_CHANNELS = 2
"""So many tracks of sound are laid."""

PREMIERE_COLOURS = {
    "RED": "4281740498",
    "ORANGE": "4280578025",
    "YELLOW": "4281049552",
    "CYAN": "4292277273",
    "BLUE": "4294741314",
    "PURPLE": "4289825711",
    "WHITE": "4294967295",
    "GREEN": "",
}
"""Of markers as Premiere writes them, 0xAABBGGRR of its palette; green is what a marker without one has."""


def write(timeline: Timeline) -> Written:
    """Raises UserError where the rate has no time code."""
    root = Element("xmeml", version=VERSION)
    sequence = SubElement(root, "sequence", id="sequence-1")
    _say(sequence, "name", timeline.name)
    _say(sequence, "duration", timeline.frames)
    _rate(sequence, timeline.cuts[0].source)
    _timecode(sequence, timeline.cuts[0].source, 0)
    media = SubElement(sequence, "media")
    video = SubElement(media, "video")
    _picture(SubElement(video, "format"), timeline.cuts[0].source)
    tracks = {"video-1": SubElement(video, "track")}
    channels = min(MOST_CHANNELS, max(source.channels for source in timeline.sources))
    sound = SubElement(media, "audio") if channels else media
    for channel in range(1, 1 + channels):
        tracks[f"audio-{channel}"] = SubElement(sound, "track")
        _say(tracks[f"audio-{channel}"], "outputchannelindex", channel)
    files = {path: f"file-{number}" for number, path in enumerate(timeline.files, start=1)}
    described: set[Path] = set()
    places = dict.fromkeys(tracks, 0)
    for number, (offset, cut) in enumerate(timeline.placed(), start=1):
        names = ["video-1", *(f"audio-{channel}" for channel in range(1, 1 + min(MOST_CHANNELS, cut.source.channels)))]
        for name in names:
            places[name] += 1
        for name in names:
            item = SubElement(tracks[name], "clipitem", id=f"clip-{number}-{name}")
            _clip(item, cut, offset, files[cut.source.path], cut.source.path not in described)
            described.add(cut.source.path)
            if name != "video-1":
                place = SubElement(item, "sourcetrack")
                _say(place, "mediatype", "audio")
                _say(place, "trackindex", name.removeprefix("audio-"))
            for other in names:
                kind, index = other.split("-")
                link = SubElement(item, "link")
                _say(link, "linkclipref", f"clip-{number}-{other}")
                _say(link, "mediatype", kind)
                _say(link, "trackindex", index)
                _say(link, "clipindex", places[other])
    for frame, _, _, moment in timeline.moments():
        marker = SubElement(sequence, "marker")
        _say(marker, "comment", moment.note)
        _say(marker, "name", moment.title)
        _say(marker, "in", frame)
        _say(marker, "out", -1)
        colour = PREMIERE_COLOURS[nearest(moment.colour, PREMIERE_COLOURS)]
        if colour:
            _say(marker, "pproColor", colour)
    return Written(document(root))


def _say(parent: Element, name: str, value: str | int) -> None:
    SubElement(parent, name).text = str(value)


def _rate(parent: Element, source: Source) -> None:
    rate = SubElement(parent, "rate")
    _say(rate, "timebase", labels_a_second(source.rate))
    _say(rate, "ntsc", "FALSE" if source.rate.denominator == 1 else "TRUE")


def _timecode(parent: Element, source: Source, frame: int) -> None:
    code = SubElement(parent, "timecode")
    _rate(code, source)
    _say(code, "string", timecode(frame, source.rate, source.drop))
    _say(code, "frame", frame)
    _say(code, "displayformat", "DF" if source.drop else "NDF")


def _picture(parent: Element, source: Source) -> None:
    about = SubElement(parent, "samplecharacteristics")
    _rate(about, source)
    _say(about, "width", source.size[0])
    _say(about, "height", source.size[1])
    _say(about, "pixelaspectratio", "square")


def _clip(item: Element, cut: Cut, offset: int, file: str, describe: bool) -> None:
    _say(item, "masterclipid", f"master-{file}")
    _say(item, "name", cut.name)
    _say(item, "duration", cut.source.frames)
    _rate(item, cut.source)
    _say(item, "start", offset)
    _say(item, "end", offset + cut.frames)
    _say(item, "in", cut.first)
    _say(item, "out", cut.behind)
    held = SubElement(item, "file", id=file)
    if describe:
        _file(held, cut.source)


def _file(held: Element, source: Source) -> None:
    """Once for each video; elsewhere its id stands for it."""
    _say(held, "name", source.name)
    _say(held, "pathurl", source.path.as_uri().replace("file:///", "file://localhost/", 1))
    _rate(held, source)
    _say(held, "duration", source.frames)
    _timecode(held, source, source.start)
    media = SubElement(held, "media")
    _picture(SubElement(media, "video"), source)
    if source.channels:
        sound = SubElement(media, "audio")
        _say(SubElement(sound, "samplecharacteristics"), "samplerate", source.sample_rate)
        _say(sound, "channelcount", source.channels)
