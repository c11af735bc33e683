"""What a video says of itself: rate, length, time code, size, sound."""

from collections.abc import Sequence
from contextlib import suppress
from fractions import Fraction
from itertools import islice
from typing import Any

from rmsnet.errors import UserError
from rmsnet.matches.exports.cuts import Source
from rmsnet.matches.exports.timecode import DROP_FRAME, frame_of, spoken
from rmsnet.video.files import Footage, file_of, half_video
from rmsnet.video.opening import demuxed, open_video

RATES = (
    *(Fraction(1000 * whole, 1001) for whole in (24, 30, 48, 60, 120)),
    *(Fraction(whole) for whole in (24, 25, 30, 48, 50, 60, 100, 120)),
)
"""The rates that videos are made at. What a header says is an average, 19001/317 for 60000/1001."""

SAME = Fraction(1, 2000)
"""Rates closer than this share of themselves are one; 29.97 and 30 are 1/1000 apart."""

SAMPLE_PACKETS = 500
"""So many of the first pictures are looked at: do they come at one rate?"""

REORDERED_PACKETS = 16
"""Among so many packets pictures change their order."""

OFF_FRAMES = Fraction(1, 4)
"""So far from its place at a constant rate a picture may be; milliseconds are coarse at 60 a second."""


def source_of(half: int, video: Footage) -> tuple[Source, tuple[str, ...]]:
    """The video of a half, and what an editor should know of it, a line each.

    Raises:
        UserError: a video that cannot be used.
    """
    path, shown = file_of(video), half_video(video)
    recording = shown.recording
    container, stream = open_video(path)
    with container:
        zero = max(Fraction(0), _seconds(stream.start_time, stream) - recording.start)
        tag, sound = _timecode_tag(container), next(iter(container.streams.audio), None)
        size = (round(stream.codec_context.width * (stream.sample_aspect_ratio or 1)), stream.codec_context.height)
        channels, sample_rate = (sound.codec_context.channels, sound.codec_context.sample_rate) if sound else (0, 0)
        header = Fraction(stream.average_rate) if stream.average_rate else None
        rate, steady = _rate(header, _first_times(container, stream))
    notes = []
    if recording.clock.breaks:
        notes.append(
            f"{path.name}: {recording.remarks[0]}; editing programs may count otherwise: join its parts on one clock "
            "before cutting to the frame"
        )
    elif not steady:
        notes.append(
            f"{path.name}: its pictures do not come at one rate ({spoken(header or rate)} a second on the whole): "
            f"exports count {spoken(rate)}; convert it to a constant rate before cutting to the frame"
        )
    start, drop, odd = _start(tag, rate)
    notes += [f"{path.name}: {odd}"] if odd else []
    source = Source(
        half,
        path.resolve(),
        rate,
        frames=max(1, round((Fraction(recording.seconds) - zero) * rate)),
        start=start,
        drop=drop,
        zero=zero,
        kick_off=Fraction(shown.start_seconds),
        end=shown.end,
        size=size,
        channels=channels,
        sample_rate=sample_rate,
    )
    return source, tuple(notes)


def _seconds(ticks: int | None, stream: Any) -> Fraction:
    return (ticks or 0) * Fraction(stream.time_base)


def _timecode_tag(container: Any) -> str | None:
    """The time code of the first frame, wherever the format keeps it; None: it has none."""
    for metadata in (*(stream.metadata for stream in container.streams), container.metadata):
        for key, value in metadata.items():
            if key.lower() == "timecode":
                return str(value).strip()
    return None


def _first_times(container: Any, stream: Any) -> list[Fraction]:
    """When the first pictures are shown, in seconds of the file's clock."""
    packets = islice(demuxed(container, [stream]), SAMPLE_PACKETS)
    times = sorted(_seconds(packet.pts, stream) for packet in packets if packet is not None and packet.pts is not None)
    return times[:-REORDERED_PACKETS] if len(times) == SAMPLE_PACKETS else times


def _rate(header: Fraction | None, times: Sequence[Fraction]) -> tuple[Fraction, bool]:
    """The rate, and whether all pictures come at it.

    The header's is taken where the first pictures keep to it, else the one that they keep to. Where they keep to none
    it is the usual rate nearest to the average.
    """
    measured = (len(times) - 1) / (times[-1] - times[0]) if len(times) > 1 and times[-1] > times[0] else None
    average = header or measured or Fraction(25)
    for rate in (_usual(average), _usual(measured or average)):
        if all(abs((time - times[0]) * rate - number) <= OFF_FRAMES for number, time in enumerate(times)):
            return rate, True
    return min(RATES, key=lambda rate: abs(rate - average)), False


def _usual(rate: Fraction) -> Fraction:
    """The usual rate that is meant by an average, else the average."""
    nearest = min(RATES, key=lambda usual: abs(usual - rate))
    return nearest if abs(nearest - rate) <= SAME * nearest else rate


def _start(tag: str | None, rate: Fraction) -> tuple[int, bool, str]:
    """Number of the first frame, whether labels are dropped, and what is odd about it ("": nothing)."""
    if tag is None:
        return 0, False, ""
    try:
        return frame_of(tag, rate), ";" in tag, ""
    except UserError as error:
        slower = rate * Fraction(1000, 1001)
        if ";" in tag and slower in DROP_FRAME:
            # Telephones number drop-frame what they record at 30; programs take its frames by that number.
            with suppress(UserError):
                return frame_of(tag, slower), False, f"{error}; exports write {tag} without dropping labels"
        return 0, False, f"its time code cannot be used ({error}); exports count from 00:00:00:00"
