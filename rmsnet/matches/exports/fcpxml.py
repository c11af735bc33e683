"""FCPXML 1.10, for Final Cut Pro (from 10.6) and DaVinci Resolve: one project, times as exact fractions of a second.

What begins inside a video is said in the video's own time code: a clip that does not is "an edit with no media".
"""

from fractions import Fraction
from xml.etree.ElementTree import Element, SubElement

from rmsnet.matches.exports.cuts import Cut, Source, Timeline, Written
from rmsnet.matches.exports.xml_document import document

VERSION = "1.10"

LAYOUTS = {1: "mono", 2: "stereo"}
"""Of sound by channels; more are "surround"."""


def write(timeline: Timeline) -> Written:
    root = Element("fcpxml", version=VERSION)
    resources = SubElement(root, "resources")
    formats = {
        form: f"r{number}"
        for number, form in enumerate(dict.fromkeys(_format(source) for source in timeline.sources), start=1)
    }
    for (frame, (width, height)), name in formats.items():
        SubElement(resources, "format", id=name, frameDuration=seconds(frame), width=str(width), height=str(height))
    assets = {path: f"r{number}" for number, path in enumerate(timeline.files, start=1 + len(formats))}
    for path, source in timeline.files.items():
        _asset(resources, source, assets[path], formats[_format(source)])
    event = SubElement(SubElement(root, "library"), "event", name=timeline.name)
    first = timeline.cuts[0].source
    sequence = SubElement(
        SubElement(event, "project", name=timeline.name),
        "sequence",
        format=formats[_format(first)],
        duration=seconds(timeline.frames / timeline.rate),
        tcStart="0s",
        tcFormat="DF" if timeline.drop else "NDF",
    )
    channels = max(source.channels for source in timeline.sources)
    if channels:
        sequence.set("audioLayout", LAYOUTS.get(channels, "surround"))
    spine = SubElement(sequence, "spine")
    for offset, cut in timeline.placed():
        clip = SubElement(spine, "asset-clip", ref=assets[cut.source.path], offset=seconds(offset / timeline.rate))
        _clip(clip, cut, formats[_format(cut.source)])
    return Written(document(root))


def seconds(time: Fraction) -> str:
    """A time as the format writes it: 1001/30000s, 5s."""
    return f"{time}s"


def _format(source: Source) -> tuple[Fraction, tuple[int, int]]:
    """Duration of a frame and size of the picture."""
    return 1 / source.rate, source.size


def _asset(resources: Element, source: Source, name: str, form: str) -> None:
    asset = SubElement(
        resources,
        "asset",
        id=name,
        name=source.name,
        start=seconds(source.start / source.rate),
        duration=seconds(source.frames / source.rate),
        hasVideo="1",
        format=form,
        videoSources="1",
    )
    if source.channels:
        asset.set("hasAudio", "1")
        asset.set("audioSources", "1")
        asset.set("audioChannels", str(source.channels))
        asset.set("audioRate", str(source.sample_rate))
    SubElement(asset, "media-rep", kind="original-media", src=source.path.as_uri())


def _clip(clip: Element, cut: Cut, form: str) -> None:
    source = cut.source
    clip.set("name", cut.name)
    clip.set("start", seconds((source.start + cut.first) / source.rate))
    clip.set("duration", seconds(cut.frames / source.rate))
    clip.set("format", form)
    clip.set("tcFormat", "DF" if source.drop else "NDF")
    for moment in cut.moments:
        SubElement(
            clip,
            "marker",
            start=seconds((source.start + moment.frame) / source.rate),
            duration=seconds(1 / source.rate),
            value=moment.title,
            note=moment.note,
        )
