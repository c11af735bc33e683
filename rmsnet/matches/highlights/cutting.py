"""A stretch of a video as an MP4 file of its own, copied packet by packet where every player plays what comes out."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from rmsnet.files import atomic_file
from rmsnet.video.clock import ONE_CLOCK
from rmsnet.video.files import Footage, half_video
from rmsnet.video.opening import end_of
from rmsnet.video.packets import Tally, packets_from, seconds_of
from rmsnet.video.recording import Recording

EARLIER_SECONDS = 2.0
"""A clip is copied if it then starts at most so much earlier than asked."""

PICTURE_CODECS, PICTURE_FORMATS = frozenset({"h264"}), frozenset({"yuv420p", "yuvj420p"})
SOUND_CODECS = frozenset({"aac"})
"""What browsers and telephones play in an MP4 file; everything else is encoded again."""

REORDERING_SECONDS = Fraction(2)
"""What is shown at one moment, pictures and sound, lies in a file within so much."""

PACKETS_BEFORE_ALL_STREAMS = 500
"""Pictures and sound have both begun within so many packets."""


def copy_clip(video: Footage, start: float, end: float, out: Path) -> bool:
    """Copy the packets of a stretch of a half into an MP4 file, sound included.

    The clip starts with the last key frame that is not after `start`.

    Args:
        video: any file that FFmpeg reads, or a part of one.
        start, end: seconds from the start of the half.
        out: the new file.

    Returns:
        False, and no file, where it cannot be done: no key frame in the `EARLIER_SECONDS` before the start, codecs
        that not every player knows, damage, or a file whose clock breaks or does not say when its pictures are shown;
        a recording in several files.

    Raises:
        UserError: no usable video.
    """
    half = half_video(video)
    recording = half.recording
    if recording.timing != "presentation" or recording.clock != ONE_CLOCK or recording.pieces:
        return False
    begin, behind = (Fraction(half.start_seconds) + Fraction(seconds) for seconds in (start, end))
    with packets_from(recording, begin, Tally(), sound=True) as packets:
        read, key = _stretch(packets, recording, begin, behind)
        if key is None or key < begin - Fraction(EARLIER_SECONDS) or not _all_play(read) or _is_damaged(read):
            return False
        times = _decoding_times([packet.pts for packet in read if packet.stream.type == "video"])
        _write(read, times, key + recording.start, out)
    return True


def copy_half(video: Path, out: Path) -> bool:
    """Copy all of a video into an MP4 file on one clock, for players that lose their place where the file's breaks.

    Returns:
        False, and no file, where its codecs are not such that every player knows, or its files differ in them.

    Raises:
        UserError: no usable video.
    """
    recording = half_video(video).recording
    times: list[int] = []
    codecs: dict[int, object] = {}
    with packets_from(recording, Fraction(0), Tally(), sound=True) as packets:
        for packet in _timed(packets, recording):
            stream = packet.stream
            codec = (packet.time_base, stream.codec_context and stream.codec_context.extradata)
            if not _plays(stream) or codecs.setdefault(stream.index, codec) != codec:
                return False
            if stream.type == "video":
                times.append(packet.pts)
    with packets_from(recording, Fraction(0), Tally(), sound=True) as packets, atomic_file(out) as partial:
        _write(_timed(packets, recording), _decoding_times(times), recording.start, partial)
    return True


def _timed(packets: Iterable[Any], recording: Recording) -> Iterator[Any]:
    """The packets that have a time in the recording."""
    for packet in packets:
        if packet.size and packet.pts is not None and packet.pts * packet.time_base >= recording.start:
            yield packet


def _all_play(packets: Sequence[Any]) -> bool:
    """Whether every player plays pictures and sound, and sound is there where the file has any."""
    streams = {packet.stream.index: packet.stream for packet in packets}
    sound = next(iter(streams.values())).container.streams.audio[:1]
    return all(map(_plays, streams.values())) and all(stream.index in streams for stream in sound)


def _plays(stream: Any) -> bool:
    """Whether every player plays it."""
    if stream.codec_context is None:
        return False
    if stream.type == "video":
        return stream.codec.canonical_name in PICTURE_CODECS and stream.codec_context.pix_fmt in PICTURE_FORMATS
    return stream.codec.canonical_name in SOUND_CODECS


def _is_damaged(packets: Sequence[Any]) -> bool:
    """Whether any of the packets cannot be decoded after those before it, or gives a corrupt picture."""
    import av

    streams = {packet.stream.index: packet.stream for packet in packets}
    for stream in streams.values():
        stream.thread_type = "SLICE"  # threads that each take a picture keep errors at the end to themselves
    try:
        return any(
            packet.is_corrupt or any(frame.is_corrupt for frame in packet.decode())
            for packet in (*packets, *map(end_of, streams.values()))
        )
    except av.FFmpegError:
        return True


def _stretch(
    packets: Iterator[Any], recording: Recording, begin: Fraction, end: Fraction
) -> tuple[list[Any], Fraction | None]:
    """Packets from the last key frame not after `begin` to `end`, in the order of the file, and that key frame's time.

    Kept is what is shown before `end` and what that is made from, which may be shown later. Pictures shown before the
    key frame (an open group of pictures) are left out: what they are made from is not in the clip.
    """
    read: list[tuple[Fraction, Any]] = []
    key: Fraction | None = None
    for packet in packets:
        time = seconds_of(packet, recording)
        if time is None or not packet.size:
            continue
        if time >= end + REORDERING_SECONDS:
            break
        if packet.stream.type == "video" and packet.is_keyframe and time <= begin:
            key = time
            read = [(time, sound) for time, sound in read if sound.stream.type != "video"]
        read.append((time, packet))
    if key is None:
        return [], None
    inside = [(time, packet) for time, packet in read if time >= key]
    last = {packet.stream.index: k for k, (time, packet) in enumerate(inside) if time < end}
    return [packet for k, (_, packet) in enumerate(inside) if k <= last.get(packet.stream.index, -1)], key


def _decoding_times(shown: Sequence[int]) -> list[int]:
    """Times at which pictures can be decoded, which not every container (Matroska) stores.

    Pictures come in the order of decoding; their times of presentation in ascending order, moved forward until none
    is decoded after it is shown, are such times.
    """
    ascending = sorted(shown)
    delay = max((decoded - time for decoded, time in zip(ascending, shown, strict=True)), default=0)
    return [time - delay for time in ascending]


def _write(packets: Iterable[Any], decoded: Sequence[int], begin: Fraction, out: Path) -> None:
    """Write packets into an MP4 file.

    Args:
        packets: of one picture stream and at most one of sound.
        decoded: when each picture is decoded, in ticks of its stream.
        begin: time on the file's clock at which the new file starts, in seconds.
        out: the new file.
    """
    import av

    times = iter(decoded)
    source = iter(packets)
    head = list(itertools.islice(source, PACKETS_BEFORE_ALL_STREAMS))
    sounded = -1
    with av.open(str(out.absolute()), "w", format="mp4", options={"movflags": "+faststart"}) as output:
        streams = {packet.stream.index: packet.stream for packet in head}
        copies = {index: output.add_stream_from_template(stream) for index, stream in sorted(streams.items())}
        for packet in itertools.chain(head, source):
            if packet.stream.index not in copies:
                continue
            shift = round(begin / packet.time_base)
            if packet.stream.type == "video":
                packet.dts = next(times)
            elif packet.pts > sounded:
                packet.dts = sounded = packet.pts
            else:  # behind a break of the clock sound may lie over that before it
                continue
            packet.pts -= shift
            packet.dts -= shift
            packet.stream = copies[packet.stream.index]
            output.mux(packet)
