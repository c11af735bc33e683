"""Packets and pictures of a recording from a time on, on a clock that goes on where the file's own breaks."""

import itertools
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from typing import Any

from rmsnet.video.clock import LONGEST_GAP_SECONDS
from rmsnet.video.opening import demuxed, end_of, open_video
from rmsnet.video.recording import Recording

REWINDS = (2, 12, 60)
"""Seconds before a moment at which reading begins: further off where no key frame lies behind that, because not every
file has an index of them."""

HELD_PACKETS = 10_000
"""What is held back until a key frame comes; a file without key frames is decoded from its start."""

HELD_SECONDS = 2
"""What is shown before a moment lies in the file before what is shown so much later."""

LEAP_SECONDS = 5
"""A picture that comes so much later than the one before it, and behind the end of the recording, comes from damage."""


@dataclass
class Tally:
    """What was read.

    Attributes:
        packets: of pictures.
        damaged: packets that could not be read or decoded, and pictures that were out of order or marked as corrupt.
    """

    packets: int = 0
    damaged: int = 0


@dataclass(frozen=True)
class TimedFrame:
    """A picture and when it is shown.

    Attributes:
        frame: as it comes out of the decoder.
        seconds: from the start of the recording.
        duration: how long it stands, in seconds.
        aspect: width over height of its pixels.
    """

    frame: Any
    seconds: Fraction
    duration: Fraction
    aspect: Fraction


@contextmanager
def packets_from(recording: Recording, seconds: Fraction, tally: Tally, *, sound: bool = False) -> Iterator[Any]:
    """Packets from a key frame not after a time on; an empty one lies at every break and, of each stream, at the end.

    Times are on the file's clock, which goes on at its breaks: `seconds_of` brings them to the recording's. A packet
    whose time means nothing lies before the start. The packets and their streams live as long as the context.

    Args:
        recording: a usable one.
        seconds: from the start of the recording.
        tally: told of what cannot be read.
        sound: whether the packets of the first sound stream come too.
    """
    with ExitStack() as files:

        def opened(piece: Recording) -> _Opened:
            container, stream = open_video(piece.path, piece.growing)
            files.enter_context(container)
            return _Opened(container, stream, [stream, *container.streams.audio[: int(sound)]])

        def of_piece(piece: Recording, begin: Fraction) -> Iterator[Any]:
            for packet in _packets(partial(opened, piece), piece, seconds - begin, tally):
                if recording.pieces:
                    _shift(packet, round((begin - piece.start) / packet.time_base) if packet.size else 0)
                yield packet

        yield itertools.chain.from_iterable(of_piece(*place) for place in _from(recording, seconds))


def _from(recording: Recording, seconds: Fraction) -> list[tuple[Recording, Fraction]]:
    """The files of a recording that show what is at a time or behind it, and where in it they begin."""
    placed = recording.placed
    if len(placed) == 1:
        return placed
    return [place for place in placed if place[1] + Fraction(place[0].seconds) > seconds] or placed[-1:]


@dataclass(frozen=True)
class _Opened:
    """A container, its picture stream, and the streams whose packets are wanted."""

    container: Any
    stream: Any
    streams: list[Any]


def _packets(opened: Callable[[], _Opened], recording: Recording, seconds: Fraction, tally: Tally) -> Iterator[Any]:
    if recording.timing != "presentation":  # a key frame is shown up to a second after it is decoded
        seconds -= 1
    if seconds > 0 and recording.seekable:
        file = opened()
        for rewind in REWINDS:
            packets = _sought(file, recording, seconds - rewind, tally)
            head = list(_to_key_frame(packets))
            time = seconds_of(head[-1], recording) if head else None
            if time is not None and time <= seconds:
                yield from (packet for packet in head if packet.stream.type != "video" or packet is head[-1])
                yield from packets
                return
            if seconds <= rewind:  # the start was looked at
                break
    packets = _from_start(opened(), recording, tally)
    yield from packets if seconds <= 0 else _from_key_frame(packets, recording, seconds)


def _to_key_frame(packets: Iterator[Any]) -> Iterator[Any]:
    """Packets up to the first key frame, not more than are held."""
    for packet in itertools.islice(packets, HELD_PACKETS):
        yield packet
        if packet.stream.type == "video" and packet.is_keyframe:
            break


def seconds_of(packet: Any, recording: Recording) -> Fraction | None:
    """Time of a packet from the start of the recording; None: it has none."""
    tick = packet.dts if packet.pts is None else packet.pts
    return None if tick is None else tick * Fraction(packet.time_base) - recording.start


def frames_from(recording: Recording, seconds: Fraction, tally: Tally) -> Iterator[TimedFrame]:
    """Sound pictures in the order of presentation from a time, or some way before it, on, through all files of it."""
    for piece, begin in _from(recording, seconds):
        for found in _frames_of_file(piece, seconds - begin, tally):
            if found.seconds >= 0 or not begin:
                yield replace(found, seconds=found.seconds + begin)


def _frames_of_file(recording: Recording, seconds: Fraction, tally: Tally) -> Iterator[TimedFrame]:
    """Sound pictures of one file.

    Pictures that the decoder marks as corrupt are left out, and so are those whose time runs backwards or leaps behind
    the end of the recording: they come from damage.
    """
    previous: Fraction | None = None
    aspect: Fraction | None = None
    for frame, tick, stream in _decoded(recording, seconds, tally):
        if aspect is None:
            aspect = Fraction(stream.sample_aspect_ratio or 1)
        time_base = Fraction(frame.time_base or stream.time_base)
        duration = frame.duration * time_base
        if not 0 < duration <= LONGEST_GAP_SECONDS:
            duration = recording.step
        if tick is not None:
            time = tick * time_base - recording.start
        else:
            time = Fraction(0) if previous is None else previous + duration
        leaps = time > recording.seconds + LEAP_SECONDS and time - (previous or 0) > LEAP_SECONDS
        if frame.is_corrupt or leaps or (previous is not None and time <= previous):
            tally.damaged += 1
            continue
        previous = time
        yield TimedFrame(frame, time, duration, aspect)


def _decoded(recording: Recording, seconds: Fraction, tally: Tally) -> Iterator[tuple[Any, int | None, Any]]:
    """All frames that can be decoded, with time and stream; what cannot is counted and left out."""
    with packets_from(recording, seconds, tally) as packets:
        yield from _frames_of(packets, recording, tally)


def _frames_of(packets: Iterable[Any], recording: Recording, tally: Tally) -> Iterator[tuple[Any, int | None, Any]]:
    import av

    order = None if recording.timing == "presentation" else _Order()
    for packet in packets:
        decoder = packet.stream.codec_context
        if packet.size:
            tally.packets += 1
            if order is not None:
                order.add(packet.dts)
        try:
            for frame in packet.decode():
                yield frame, frame.pts if order is None else order.tick(frame.dts, decoder.reorder_depth), packet.stream
        except av.FFmpegError:
            tally.damaged += packet.size > 0
        if not packet.size:  # what follows is made from nothing before it
            late = decoder.reorder_depth
            decoder.flush_buffers()
            decoder.reorder_depth = late


class _Order:
    """When pictures are shown whose packets say only when they are decoded.

    The decoder brings them into the order of presentation and gives one back for each that it gets, some packets late:
    the first picture is shown when the first packet is decoded, and so on.
    """

    def __init__(self) -> None:
        self._ticks: list[int | None] = []
        self._places: dict[int, int] = {}
        self._next = 0

    def add(self, tick: int | None) -> None:
        """A packet goes into the decoder."""
        if tick is not None:
            self._places[tick] = len(self._ticks)
        self._ticks.append(tick)

    def tick(self, given_with: int | None, late: int) -> int | None:
        """The time of a picture that comes out.

        Args:
            given_with: time of the packet that brought it out; None: the end of the file did.
            late: packets that the decoder waits for.
        """
        if given_with in self._places:
            self._next = max(self._next, self._places[given_with] - late)
        place, self._next = self._next, self._next + 1
        return self._ticks[place] if place < len(self._ticks) else None


def _sought(file: _Opened, recording: Recording, seconds: Fraction, tally: Tally) -> Iterator[Any]:
    """The packets from some way before a time on, by the file's index; none where it has no way to go there."""
    import av

    time = recording.start + max(Fraction(0), seconds)
    try:
        file.container.seek(round(time / file.stream.time_base), stream=file.stream, backward=True)
    except (av.FFmpegError, OSError):
        return
    for packet in demuxed(file.container, file.streams):
        if packet is None:
            tally.damaged += 1
            continue
        if packet.stream is file.stream:
            _name_times(packet, recording)
        yield packet


def _from_start(file: _Opened, recording: Recording, tally: Tally) -> Iterator[Any]:
    """All packets of the file, their times put on the continuous clock."""
    breaks = {one.packet: one.ticks for one in recording.clock.breaks}
    time_base = file.stream.time_base
    before = round(recording.start / time_base) - 1
    number, shift, counted = 0, 0, 0
    for packet in demuxed(file.container, file.streams):
        if packet is None:
            tally.damaged += 1
            continue
        if packet.stream is not file.stream:
            _shift(packet, round(shift * time_base / packet.time_base))
        elif packet.size:
            if number in breaks:
                shift = breaks[number]
                yield end_of(file.stream)
            _shift(packet, shift)
            _name_times(packet, recording)
            if recording.timing == "counted":
                packet.dts = counted
                counted += packet.duration or round(recording.step / time_base)
            if number in recording.clock.strays:
                packet.pts = packet.dts = before
            number += 1
        yield packet


def _name_times(packet: Any, recording: Recording) -> None:
    """Take from a packet a time of presentation that is none."""
    if recording.timing == "mislabelled" and packet.pts is not None:
        packet.dts = packet.pts
    if recording.timing != "presentation":
        packet.pts = None


def _shift(packet: Any, ticks: int) -> None:
    if ticks and packet.pts is not None:
        packet.pts += ticks
    if ticks and packet.dts is not None:
        packet.dts += ticks


def _from_key_frame(packets: Iterator[Any], recording: Recording, seconds: Fraction) -> Iterator[Any]:
    """The packets from the last key frame not after a time on."""
    held: list[Any] = []
    for packet in packets:
        time = seconds_of(packet, recording)
        if packet.stream.type == "video":
            if packet.is_keyframe and time is not None and time <= seconds:
                held.clear()
            if time is None or time > seconds + HELD_SECONDS or len(held) > HELD_PACKETS:
                break
        held.append(packet)
    else:
        packet = None
    yield from held
    if packet is not None:
        yield packet
    yield from packets
