"""A video file and the picture stream that a player shows of it."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from rmsnet.errors import UserError
from rmsnet.reading.pieces import pieces_of
from rmsnet.video.growing import GrowingFile

STILL_PACKETS = 25
"""Where another stream has so many pictures, one that has a single picture is a still: a cover, a thumbnail."""


def open_video(path: Path, growing: GrowingFile | None = None) -> tuple[Any, Any]:
    """The container and the picture stream that a player shows, ready to decode on all cores; of pieces the first's.

    Of several streams that move, those marked as default come first, then the largest picture.

    Args:
        path: the file.
        growing: reads it while it is written, as MPEG-TS; it has one picture stream.

    Raises:
        UserError: no such file, no video in it, or none that can be decoded.
    """
    path = next(iter(pieces_of(Path(path))), Path(path))
    container = _opened(path) if growing is None else _opened(path, growing.open(), format="mpegts")
    try:
        stream = _shown_stream(path, container)
        problem = _problem(stream)
    except BaseException:
        container.close()
        raise
    if problem is not None:
        container.close()
        raise UserError(f"{path}: {problem}")
    stream.thread_type = "AUTO"
    return container, stream


def _opened(path: Path, file: Any = None, **options: Any) -> Any:
    import av

    if not path.is_file():
        raise UserError(f"{path}: no such video file")
    try:
        # Of a bare name with a colon FFmpeg would take the beginning for a protocol.
        return av.open(file or str(path.absolute()), mode="r", metadata_errors="replace", **options)
    except (av.FFmpegError, OSError) as error:
        raise UserError(f"{path}: no video, or damaged at its start ({reason(error)}); get the file again") from None


def _shown_stream(path: Path, container: Any) -> Any:
    """The stream that is shown; None: there is none."""
    from av.stream import Disposition

    still = Disposition.attached_pic | Disposition.timed_thumbnails | Disposition.still_image | Disposition.dependent
    streams = [stream for stream in container.streams.video if not stream.disposition & still]
    usable = [stream for stream in streams if _problem(stream) is None]
    if len(usable) > 1:
        moving = _moving(path, {stream.index for stream in usable})
        usable = [stream for stream in usable if stream.index in moving]
    if not usable:
        return streams[0] if streams else None
    return max(
        usable,
        key=lambda stream: (
            bool(stream.disposition & Disposition.default),
            stream.codec_context.width * stream.codec_context.height,
        ),
    )


def _moving(path: Path, streams: set[int]) -> set[int]:
    """Which of several picture streams have more than one picture; all of them where that cannot be seen."""
    counts = dict.fromkeys(streams, 0)
    with _opened(path) as container:
        for packet in filter(None, demuxed(container, [container.streams[index] for index in sorted(streams)])):
            counts[packet.stream.index] += packet.size > 0
            if min(counts.values()) > 1 or max(counts.values()) > STILL_PACKETS:
                break
    return {index for index, count in counts.items() if count > 1} or streams


def _problem(stream: Any) -> str | None:
    if stream is None:
        return "has no video stream"
    if stream.codec_context is None:
        return "FFmpeg has no decoder for its video stream; convert it to H.264"
    if 0 in (stream.codec_context.width, stream.codec_context.height):
        return "its video stream has no picture size (0×0): encrypted or damaged; get the file again"
    return None


def demuxed(container: Any, streams: Sequence[Any]) -> Iterator[Any]:
    """All packets that can be read, None for each place that cannot, and an empty packet for each stream at the end.

    Args:
        container: an open video.
        streams: whose packets.
    """
    import av

    while True:
        packets = 0
        try:
            for packet in container.demux(streams):
                packets += 1
                yield packet
            return
        except (av.FFmpegError, OSError):
            yield None
            if packets == 0:
                break
        # The container is damaged there; it may go on behind.
    for stream in streams:
        yield end_of(stream)


def end_of(stream: Any) -> Any:
    """The empty packet that makes a decoder give back what it holds."""
    import av

    packet = av.Packet()
    packet.stream = stream
    return packet


def start_of(container: Any, stream: Any) -> Fraction:
    """Time of the start of the file, in seconds on the file's clock."""
    import av

    begin = Fraction(stream.start_time or 0) * Fraction(stream.time_base)
    if container.start_time is None:
        return begin
    start = Fraction(container.start_time, av.time_base)
    # The container counts in microseconds; the first picture's own time is exact.
    return begin if abs(begin - start) < Fraction(2, av.time_base) else start


def usual_duration(stream: Any) -> Fraction:
    """Seconds that a picture stands where nothing else says how long."""
    return 1 / Fraction(stream.average_rate or stream.guessed_rate or 25)


def reason(error: BaseException) -> str:
    """What FFmpeg says, without the name of the file, in one line."""
    return " ".join(str(getattr(error, "strerror", None) or error).split())
