"""Which packets of a file need not be decoded because no wanted picture is made from them.

Two kinds are left out, both of them where the format itself promises that nothing wanted refers to them:

- pictures that no other picture refers to (most B-frames): FFmpeg leaves them out when `skip_frame` says so, which is
  set anew for each packet, so that one that is wanted is still decoded;
- what lies between the last wanted picture and a key frame behind which nothing refers to what is before it: such
  packets are not given to the decoder at all.

It is known beforehand which pictures must come out. Where one does not, or anything is damaged, `Irregular` says that
the file has to be decoded whole.
"""

import heapq
from bisect import bisect_left, insort
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import Any

from rmsnet.video.clock import MOST_REORDERED

LONGEST_STEP_SECONDS = 1
"""A picture is decoded at least so often, so that stretches without any are seen whatever the sampling rate is."""

_H264_IDR = range(5, 6)
_H264_SLICES = range(1, 6)
_HEVC_IRAP = range(16, 22)
_HEVC_SLICES = range(32)
_HEVC_VPS = b"\x40\x01"
_MPEG_PICTURE = b"\x00\x00\x01\x00"
_START_CODE = b"\x00\x00\x01"


class Irregular(Exception):
    """A file is not what its packets say; it has to be decoded whole."""


@dataclass(frozen=True)
class Times:
    """When pictures are wanted.

    Attributes:
        first: seconds from the start of the recording.
        step: seconds from each to the next.
    """

    first: Fraction
    step: Fraction

    def since(self, begin: Fraction) -> "Times":
        """The same, told from a later start of the recording."""
        return Times(self.first - begin, self.step)


def references_known(stream: Any, interlaced: bool) -> bool:
    """Whether it can be seen of the packets of a stream what the pictures are made from."""
    match stream.codec_context.name:
        case "h264":  # of interlaced pictures each field may be a packet
            return not interlaced
        case "hevc":  # a picture that its own layer does not refer to may be what a higher one is made from
            return _temporal_layers(stream) == 1
        case "mpeg1video" | "mpeg2video":
            return True
    return bool(stream.codec_context.codec.intra_only)


class Choice:
    """Of the packets of a file those that have to be decoded, and whether the pictures come that are wanted.

    Args:
        stream: of the packets.
        start: time of the start of the file on its own clock, in seconds.
        times: when pictures are wanted.
    """

    def __init__(self, stream: Any, start: Fraction, times: Times) -> None:
        self._starts_anew = _starts_anew(stream)
        step = times.step / ceil(times.step / LONGEST_STEP_SECONDS)
        # The first wanted time not before a tick is number ceil((tick * scale + offset) / divisor).
        scale, offset = stream.time_base / step, -(start + times.first) / step
        self._divisor = scale.denominator * offset.denominator
        self._scale = scale.numerator * offset.denominator
        self._offset = offset.numerator * scale.denominator
        self._longest = step / stream.time_base
        self._awaited: list[int] = []
        self._first_key: int | None = None

    def of(self, packets: Iterable[Any]) -> Iterator[tuple[Any, bool]]:
        """The packets to decode, and of each whether its own picture is wanted, not only what is made from it.

        Raises:
            Irregular: a packet does not say when its picture is shown, or two say the same.
        """
        held: list[tuple[Any, bool]] = []  # behind the last wanted picture
        key = None  # where in it lies the last key frame
        for packet, wanted in self._marked(packets):
            if key is not None and (not packet.size or packet.pts > held[key][0].pts):
                # Nothing wanted is shown before the key frame and stored behind it: what is before it is of no use.
                held = held[key : key + 1]
                key = None
                if held[0][1]:
                    yield held.pop()
            held.append((packet, wanted))
            if packet.is_keyframe and self._starts_anew(packet):
                key = len(held) - 1
            elif wanted:
                yield from held
                held.clear()
                key = None

    def check(self, tick: int | None) -> None:
        """A picture has come out of the decoder; None: it was the last.

        Raises:
            Irregular: one that is wanted has not come before it.
        """
        while self._awaited and (tick is None or self._awaited[0] <= tick):
            if heapq.heappop(self._awaited) != tick:
                raise Irregular

    def _number(self, tick: int) -> int:
        """Number of the first wanted time that is not before a tick."""
        number: int = -(-(tick * self._scale + self._offset) // self._divisor)
        return number

    def _marked(self, packets: Iterable[Any]) -> Iterator[tuple[Any, bool]]:
        """Each packet and whether its picture is wanted, by the times of those that lie around it in the file."""
        waiting: deque[Any] = deque()
        passed: deque[int] = deque()
        near: list[int] = []  # in the order of presentation

        def take() -> tuple[Any, bool]:
            packet = waiting.popleft()
            if packet.is_discard:  # decoded for others, and not shown
                return packet, False
            wanted = self._is_wanted(packet, near)
            passed.append(packet.pts)
            if len(passed) > MOST_REORDERED:
                near.remove(passed.popleft())
            return packet, wanted

        for packet in packets:
            if not packet.size:
                while waiting:
                    yield take()
                yield packet, True
                continue
            if packet.pts is None:
                raise Irregular
            if not packet.is_discard:
                insort(near, packet.pts)
            waiting.append(packet)
            if len(waiting) > MOST_REORDERED:
                yield take()

    def _is_wanted(self, packet: Any, near: list[int]) -> bool:
        """Whether a picture is on the screen at a wanted time, or the first or the last that is to be seen here."""
        tick = packet.pts
        place = bisect_left(near, tick)
        if packet.is_keyframe and self._first_key is None:
            self._first_key = tick
        behind = near[place + 1] if place + 1 < len(near) else None
        if behind == tick:
            raise Irregular
        number = 1 if behind is None else self._number(behind)
        if behind is None or number > self._number(tick):
            # Of those before a key frame, or before the first wanted time, it is not known whether they can come.
            if self._first_key is not None and tick >= self._first_key and number > 0:
                heapq.heappush(self._awaited, tick)
            return True
        return place == 0 or tick - near[place - 1] > self._longest


def _starts_anew(stream: Any) -> Callable[[Any], bool]:
    """Whether nothing that is shown behind a key frame refers to what lies before it; flags of files may lie."""
    length_at = {"h264": 4, "hevc": 21}.get(stream.codec_context.name)
    extradata = stream.codec_context.extradata or b""
    prefix = (extradata[length_at] & 3) + 1 if length_at and extradata[:1] == b"\x01" else 0
    match stream.codec_context.name:
        case "h264":
            return lambda packet: _slice(_units(bytes(packet), prefix), 31, 0, _H264_SLICES) in _H264_IDR
        case "hevc":
            return lambda packet: _slice(_units(bytes(packet), prefix), 126, 1, _HEVC_SLICES) in _HEVC_IRAP
        case "mpeg1video" | "mpeg2video":
            return _is_intra_picture
    return lambda packet: True


def _slice(units: Iterable[int], mask: int, shift: int, slices: range) -> int:
    """Type of the first unit that holds a part of a picture; -1: there is none."""
    return next((kind for unit in units if (kind := (unit & mask) >> shift) in slices), -1)


def _units(content: bytes, prefix: int) -> Iterator[int]:
    """First byte of each unit of a packet.

    Args:
        content: of the packet.
        prefix: bytes of the length before each unit; 0: start codes lie between them.
    """
    at = 0
    if prefix:
        while at + prefix < len(content):
            yield content[at + prefix]
            at += prefix + int.from_bytes(content[at : at + prefix], "big")
        return
    while (at := content.find(_START_CODE, at)) >= 0 and at + 3 < len(content):
        yield content[at + 3]
        at += 3


def _is_intra_picture(packet: Any) -> bool:
    content = bytes(packet)
    at = content.find(_MPEG_PICTURE)
    return 0 <= at < len(content) - 5 and content[at + 5] >> 3 & 7 == 1


def _temporal_layers(stream: Any) -> int:
    """Layers of an HEVC stream by its parameter sets; 0: they are not known."""
    extradata = stream.codec_context.extradata or b""
    at = extradata.find(_HEVC_VPS)
    return (extradata[at + 3] >> 1 & 7) + 1 if 0 <= at < len(extradata) - 3 else 0
