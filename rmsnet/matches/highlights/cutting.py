"""A stretch of a video as a file of its own, copied packet by packet."""

from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rmsnet.video.decoding import open_video, start_of

if TYPE_CHECKING:
    from av.container import InputContainer

EARLIER_SECONDS = 2.0
"""A clip is copied if it then starts at most so much earlier than asked."""

REWIND_SECONDS = Fraction(2)
"""How far before a moment reading begins; at least EARLIER_SECONDS."""

PICTURE_CODECS = frozenset({"h264", "hevc", "av1", "vp9"})
SOUND_CODECS = frozenset({"aac", "mp3", "ac3", "eac3"})
"""What players play in an MP4 file; other codecs are encoded again."""

REORDERING_SECONDS = Fraction(2)
"""What is shown at one moment, pictures and sound, lies in a file within so much."""


def video_seconds(path: Path) -> float:
    """How long a video says it is; infinite where it does not say.

    Raises:
        UserError: not a readable video.
    """
    import av

    container, _ = open_video(path)
    with container:
        return float("inf") if container.duration is None else container.duration / av.time_base


def copy_clip(video: Path, start: float, end: float, out: Path) -> bool:
    """Copy the packets of a stretch of a video into an MP4 file, sound included.

    The clip starts with the last key frame that is not after `start`.

    Args:
        video: any file that FFmpeg reads.
        start, end: seconds from the start of the video.
        out: the new file.

    Returns:
        False, and no file, where it cannot be done: no key frame in the `EARLIER_SECONDS` before the start, or
        another codec than `PICTURE_CODECS` and `SOUND_CODECS`.
    """
    import av

    container, stream = open_video(video)
    with container:
        zero = start_of(container, stream)
        key = _key_frame_before(container, stream, Fraction(start) + zero)
        if key is None or key * stream.time_base - zero < start - EARLIER_SECONDS:
            return False
        sound = container.streams.audio[0] if container.streams.audio else None
        if stream.codec.canonical_name not in PICTURE_CODECS:
            return False
        if sound is not None and sound.codec.canonical_name not in SOUND_CODECS:
            return False
        streams = [stream] if sound is None else [stream, sound]
        begin = key * stream.time_base
        with av.open(str(out), "w", options={"movflags": "+faststart"}) as output:
            copies = {one.index: output.add_stream_from_template(one) for one in streams}
            rewind(container, stream, begin)
            for packet in _timed(_packets(container, streams, begin, Fraction(end) + zero), stream.index):
                shift = round(begin / packet.time_base)
                packet.pts -= shift
                packet.dts -= shift
                packet.stream = copies[packet.stream.index]
                output.mux(packet)
    return True


def rewind(container: "InputContainer", stream: Any, time: Fraction) -> None:
    """Go to a key frame before a time on the file's clock; some way before it, because not every file has an index."""
    container.seek(round((time - REWIND_SECONDS) / stream.time_base), stream=stream, backward=True)


def _key_frame_before(container: "InputContainer", stream: Any, time: Fraction) -> int | None:
    """Presentation time, in the stream's units, of the last key frame not after `time`; None: none is found."""
    limit = round(time / stream.time_base)
    rewind(container, stream, time)
    key = None
    for packet in container.demux(stream):
        if packet.pts is None:
            continue
        if packet.is_keyframe and packet.pts <= limit:
            key = packet.pts
        if (packet.pts - limit) * stream.time_base > REORDERING_SECONDS:
            break
    return key


def _packets(container: "InputContainer", streams: list[Any], begin: Fraction, end: Fraction) -> list[Any]:
    """Packets from the key frame at `begin` to `end`, both on the file's clock, in the order of the file.

    Kept is what is shown before `end` and what that is made from, which may be shown later. Pictures shown before the
    key frame (an open group of pictures) are left out: what they are made from is not in the clip.
    """
    read: list[Any] = []
    for packet in container.demux(streams):
        if packet.pts is None:
            continue
        time = packet.pts * packet.time_base
        if time >= end + REORDERING_SECONDS:
            break
        if time >= begin:
            read.append(packet)
    last = {packet.stream.index: k for k, packet in enumerate(read) if packet.pts * packet.time_base < end}
    return [packet for k, packet in enumerate(read) if k <= last.get(packet.stream.index, -1)]


def _timed(packets: list[Any], pictures: int) -> list[Any]:
    """The packets with decoding times, which not every container (Matroska) stores.

    Pictures come in the order of decoding; their times of presentation in ascending order, moved forward until none
    is decoded after it is shown, are times at which they can be decoded.
    """
    of_pictures = [packet for packet in packets if packet.stream.index == pictures]
    ascending = sorted(packet.pts for packet in of_pictures)
    delay = max((time - packet.pts for time, packet in zip(ascending, of_pictures, strict=True)), default=0)
    for time, packet in zip(ascending, of_pictures, strict=True):
        packet.dts = time - delay
    for packet in packets:
        if packet.stream.index != pictures:
            packet.dts = packet.pts
    return packets
