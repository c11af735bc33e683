"""Pieces of a recording: a moment of packets as MPEG-TS, whole in itself, so that a file of them may end behind any."""

import io
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from rmsnet.live.clock import TICKS

PICTURES = frozenset({"h264", "hevc", "mpeg2video", "mpeg1video", "mpeg4"})
SOUND = frozenset({"aac", "mp2", "mp3", "ac3", "eac3"})
"""What MPEG-TS holds."""

OPTIONS = {"mpegts_copyts": "1", "mpegts_flags": "initial_discontinuity"}


@dataclass(frozen=True)
class Kept:
    """A packet on the continuous clock.

    Attributes:
        packet: as it was received.
        shown, decoded: in ticks.
        key: whether it is a key frame of the pictures.
    """

    packet: Any
    shown: int
    decoded: int
    key: bool


def piece(packets: list[Kept]) -> bytes:
    """The packets, in order, as MPEG-TS."""
    import av

    file = io.BytesIO()
    with av.open(file, "w", format="mpegts", options=OPTIONS) as container:
        found = {one.packet.stream.index: one.packet.stream for one in packets}
        streams = {
            index: container.add_stream_from_template(stream)
            for index, stream in sorted(found.items(), key=lambda item: item[1].type != "video")
        }
        for one in packets:
            packet = av.Packet(bytes(one.packet))
            packet.pts, packet.dts, packet.time_base = one.shown, one.decoded, Fraction(1, TICKS)
            packet.is_keyframe = one.packet.is_keyframe
            packet.stream = streams[one.packet.stream.index]
            container.mux(packet)
    return file.getvalue()
