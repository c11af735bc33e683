"""What can be seen of a video without decoding all of it: a few of its pictures, and what its packets say."""

from collections.abc import Iterable
from contextlib import suppress
from typing import Any

REFUSED_SHARE = 0.5
"""A video of which more cannot be decoded is refused."""


class Probe:
    """Pictures that were tried.

    Attributes:
        packets: given to the decoder.
        damaged: that it could not decode, or handed out marked as corrupt.
        pictures: sound ones that came out.
        backwards: how many of those have an earlier time than the one before.
        interlaced: whether some are two moments woven into one picture.
    """

    def __init__(self) -> None:
        self.packets = self.damaged = self.pictures = self.backwards = 0
        self.interlaced = False
        self._last: int | None = None

    def decode(self, packet: Any) -> None:
        """Try a packet."""
        import av

        if packet.size == 0:
            return
        self.packets += 1
        try:
            self._take(packet.decode())
        except av.FFmpegError:
            self.damaged += 1

    def end_stretch(self, stream: Any) -> None:
        """Take what the decoder still holds; what comes next lies elsewhere."""
        import av

        with suppress(av.FFmpegError):
            self._take(stream.codec_context.decode(None))
        stream.codec_context.flush_buffers()
        self._last = None

    def _take(self, frames: Iterable[Any]) -> None:
        for frame in frames:
            if frame.is_corrupt:
                self.damaged += 1
                continue
            self.pictures += 1
            self.interlaced |= frame.interlaced_frame
            if frame.pts is not None:
                self.backwards += self._last is not None and frame.pts < self._last
                self._last = frame.pts

    @property
    def problem(self) -> str:
        if self.pictures == 0:
            return "no picture of the video can be decoded: encrypted or damaged; get the file again"
        return too_damaged(self.damaged, self.packets)


def too_damaged(damaged: int, packets: int) -> str:
    """Why a video of which so much cannot be decoded is refused; "": it is not."""
    if damaged <= REFUSED_SHARE * packets:
        return ""
    return f"{damaged} of {packets} pictures cannot be decoded: encrypted or damaged; get the file again"


class Packets:
    """What the packets of a picture stream say, in the order of the file.

    Attributes:
        shown, decoded: times of presentation and of decoding in ticks; None: not given.
        keys: which are key frames.
        durations: in ticks; 0: not given.
        end: byte behind the last of them.
    """

    def __init__(self) -> None:
        self.shown: list[int | None] = []
        self.decoded: list[int | None] = []
        self.keys: list[bool] = []
        self.durations: list[int] = []
        self.end = 0

    def add(self, packet: Any) -> None:
        if packet.size == 0:
            return
        self.shown.append(packet.pts)
        self.decoded.append(packet.dts)
        self.keys.append(packet.is_keyframe)
        self.durations.append(packet.duration or 0)
        self.end = max(self.end, (packet.pos or 0) + packet.size)
