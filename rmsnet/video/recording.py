"""The one judgement of a video file: how long it is, on which clock, how much of it is damaged, whether it is usable.

Everything that opens a video asks here first: validation, extraction, spotting, page and highlights see the same. Where
the header can be trusted, it and the end of the file are read; else all packets are looked at. Of the pictures a few
stretches are decoded.
"""

import itertools
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from functools import lru_cache
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any, Literal

from rmsnet.errors import UserError
from rmsnet.reading.pieces import pieces_of
from rmsnet.video.clock import ONE_CLOCK, Clock, continuous
from rmsnet.video.growing import GrowingFile
from rmsnet.video.opening import demuxed, open_video, reason, start_of, usual_duration
from rmsnet.video.probing import Packets, Probe

END_SECONDS = 20
"""A whole video has pictures in so many seconds before the end that its header announces."""

INDEX_SECONDS = 60
"""An index that has no entry for longer does not lead through a file."""

OVERLAP_SECONDS = 2
"""Cameras say to the second when they begin a file."""

STRETCHES = 8
STRETCH_PACKETS = 25
"""So many places of a video are decoded to see whether they can be, so many packets at each."""

MOST_BACKWARDS = 0.1
"""A few pictures out of order are damage; more, and the file does not know when its pictures are shown."""

BEHIND_BYTES = 16 << 20
"""Where another recording is looked for that players do not reach: so many bytes behind the last picture."""

LINES = 3
"""Breaks of the clock that are named one by one."""

ONE_TIME = frozenset({"avi", "asf"})
"""Formats that store one time a picture, when it is decoded; FFmpeg makes up when it is shown."""

Timing = Literal["presentation", "decoding", "mislabelled", "counted"]
"""What a file says of its pictures: when each is shown; only when it is decoded (H.264 in AVI); the latter under the
name of the former (such a file copied to Matroska); nothing."""


@dataclass(frozen=True)
class Recording:
    """What a video file is.

    Attributes:
        path: the file.
        problem: why it cannot be used, "" when it can.
        seconds: from the start of the file to the end of its last picture; NaN where it cannot be used.
        announced: seconds by its header; None: it gives none.
        start: time of the start of the file on its own clock, in seconds.
        step: seconds that a picture stands where nothing else says how long.
        timing: see `Timing`.
        clock: where the file's clock starts again, and packets whose time means nothing.
        damaged: share of the pictures that were tried which cannot be decoded.
        remarks: what is odd about it, a line each.
        growing: reads it while it is written; None: it is whole.
        pieces: the recordings that it is, one after the other, where it lies in several files.
    """

    path: Path
    problem: str = ""
    seconds: float = float("nan")
    announced: float | None = None
    start: Fraction = Fraction(0)
    step: Fraction = Fraction(0)
    timing: Timing = "presentation"
    clock: Clock = ONE_CLOCK
    damaged: float = 0.0
    remarks: tuple[str, ...] = ()
    growing: GrowingFile | None = None
    pieces: tuple["Recording", ...] = ()

    @property
    def cut(self) -> str:
        """Where it ends before its header says it does, "" where it does not."""
        if self.announced is None or self.seconds >= self.announced - END_SECONDS:
            return ""
        return f"cut off: its last picture is at {self.seconds:.0f} s of {self.announced:.0f} s"

    @property
    def seekable(self) -> bool:
        """Whether one can go to a time in the file: its clock is one, and goes on."""
        return self.growing is None and not self.clock.breaks and not self.clock.first and self.timing != "counted"

    @property
    def placed(self) -> list[tuple["Recording", Fraction]]:
        """Each of its files, and the second of the recording at which it begins."""
        lengths = accumulate((Fraction(piece.seconds) for piece in self.pieces), initial=Fraction(0))
        return list(zip(self.pieces, lengths, strict=False)) or [(self, Fraction(0))]


def recording_of(path: Path) -> Recording:
    """The judgement of a file, or of several that are one recording; it is made once as long as they do not change."""
    path = Path(path)
    try:
        pieces = [_judged(piece, (at := piece.stat()).st_size, at.st_mtime_ns) for piece in pieces_of(path)]
    except UserError as error:
        return Recording(path, str(error).removeprefix(f"{path}: "))
    except OSError:
        pieces = []
    if len(pieces) > 1:
        return _joined(path, pieces)
    return pieces[0] if pieces else Recording(path, "no such video file")


def _joined(path: Path, pieces: Sequence[Recording]) -> Recording:
    """Several files as one recording: what follows begins where the pictures before it end."""
    problem = next((f"{piece.path.name}: {piece.problem}" for piece in pieces if piece.problem), "")
    remarks = [f"{piece.path.name}: {remark}" for piece in pieces for remark in piece.remarks]
    if not problem:
        remarks += [f"{piece.path.name} is {piece.cut}" for piece in pieces if piece.cut]
        problem, told = _order(pieces)
        remarks += told
    return Recording(
        path,
        problem,
        sum(piece.seconds for piece in pieces),
        step=pieces[0].step,
        damaged=sum(piece.damaged for piece in pieces) / len(pieces),
        remarks=tuple(remarks),
        pieces=tuple(pieces),
    )


def _order(pieces: Sequence[Recording]) -> tuple[str, list[str]]:
    """Why pieces are not in order ("": they are), and which of them overlap, by when they say that they were begun."""
    begun, told = [_begun(piece.path) for piece in pieces], []
    for (before, one), (after, other) in pairwise(zip(pieces, begun, strict=True)):
        if one is None or other is None or one == other:
            continue
        if other < one:
            return f"{after.path.name} was begun before {before.path.name}; number the pieces in order", []
        twice = before.seconds - (other - one).total_seconds()
        if twice > OVERLAP_SECONDS:
            told.append(
                f"{after.path.name} was begun {twice:.0f} s before the end of {before.path.name}; what both show is "
                "taken twice"
            )
    return "", told


def _begun(path: Path) -> datetime | None:
    """When a recording was begun, by what its header says; None: it does not."""
    container, _ = open_video(path)
    with container, suppress(ValueError):
        return datetime.fromisoformat(container.metadata.get("creation_time", "")).replace(tzinfo=UTC)
    return None


def usable(path: Path) -> Recording:
    """The judgement of a file that can be used.

    Raises:
        UserError: it cannot.
    """
    recording = recording_of(path)
    if recording.problem:
        raise UserError(f"{path}: {recording.problem}")
    return recording


@lru_cache(maxsize=4096)
def _judged(path: Path, size: int, changed: int) -> Recording:
    import av

    try:
        return _by_header(path) or _by_packets(path, size)
    except UserError as error:
        return Recording(path, str(error).removeprefix(f"{path}: "))
    except (av.FFmpegError, OSError) as error:
        return Recording(path, f"cannot be read ({reason(error)}); get the file again")


def _read(container: Any, stream: Any) -> Iterator[Any]:
    """The packets of a stream that can be read."""
    return (packet for packet in demuxed(container, [stream]) if packet is not None)


def _by_header(path: Path) -> Recording | None:
    """What the header and the end of the file say; None: all packets have to be looked at."""
    import av

    container, stream = open_video(path)
    with container, suppress(av.FFmpegError):
        announced = _announced(container, stream)
        if announced is None or announced < 2 * END_SECONDS:
            return None
        probe, packets = Probe(), Packets()
        for packet in itertools.islice(_read(container, stream), STRETCH_PACKETS):
            probe.decode(packet)
        probe.end_stretch(stream)
        for number in range(1, STRETCHES):
            _go_to(container, announced * number / STRETCHES)
            for packet in itertools.islice(_read(container, stream), STRETCH_PACKETS):
                probe.decode(packet)
            probe.end_stretch(stream)
        _go_to(container, announced - END_SECONDS / 2)
        for packet in _read(container, stream):
            packets.add(packet)
        recording = _judgement(path, container, stream, probe, packets)
        one_clock = recording.seekable and not recording.clock.strays and _is_indexed(stream, announced)
        if one_clock and announced - END_SECONDS <= recording.seconds <= announced + 1:
            return recording
    return None


def _is_indexed(stream: Any, announced: float) -> bool:
    """Whether an index leads through the whole of a stream, in the order of the file and without leaps of its clock."""
    entries = list(stream.index_entries)
    longest = INDEX_SECONDS / stream.time_base
    if not entries or (entries[-1].timestamp - entries[0].timestamp) * stream.time_base < announced - INDEX_SECONDS:
        return False
    return all(one.pos <= other.pos and other.timestamp - one.timestamp <= longest for one, other in pairwise(entries))


def _by_packets(path: Path, size: int) -> Recording:
    """What all packets say."""
    container, stream = open_video(path)
    with container:
        probe, packets = Probe(), Packets()
        stretches = left = 0
        for packet in _read(container, stream):
            packets.add(packet)
            begins = packet.is_keyframe or stretches == 0
            if left == 0 and begins and (packet.pos or 0) >= stretches * size / STRETCHES:
                stretches, left = stretches + 1, STRETCH_PACKETS
            if left:
                probe.decode(packet)
                left -= 1
                if left == 0:
                    probe.end_stretch(stream)
        if left:
            probe.end_stretch(stream)
        return _judgement(path, container, stream, probe, packets)


def _judgement(path: Path, container: Any, stream: Any, probe: Probe, packets: Packets) -> Recording:
    time_base = Fraction(stream.time_base)
    usual = usual_duration(stream)
    start, timing = start_of(container, stream), _timing(container, packets, probe)
    if timing == "counted":
        clock = ONE_CLOCK
        end = sum(duration or round(usual / time_base) for duration in packets.durations) * time_base
    else:
        ticks = packets.decoded if timing == "decoding" else packets.shown
        median = _median_step(ticks) * time_base
        if median and not median / 2 < usual < 2 * median:  # the rate by the header: a gap, or empty packets, spoil it
            usual = median
        step = max(1, round(usual / time_base))
        clock = continuous(ticks, packets.decoded, packets.keys, time_base, step)
        if clock.first:
            start = (ticks[clock.first] or 0) * time_base
        end = clock.end(ticks, packets.durations, time_base, step) * time_base - start
    remarks = tuple(_remarks(path, start, clock, packets))
    seconds, announced = max(0.0, float(end)), None if clock.breaks else _announced(container, stream)
    return Recording(
        path,
        probe.problem,
        seconds,
        announced,
        start,
        usual,
        timing,
        clock,
        probe.damaged / max(1, probe.packets),
        remarks,
    )


def _timing(container: Any, packets: Packets, probe: Probe) -> Timing:
    """Pictures come out of the decoder in the order in which they are shown; times that contradict it are none."""
    from av.format import Flags

    if container.format.flags & Flags.no_timestamps.value:
        return "counted"
    if container.format.name not in ONE_TIME and any(tick is not None for tick in packets.shown):
        return "presentation" if probe.backwards <= MOST_BACKWARDS * probe.pictures else "mislabelled"
    return "decoding" if any(tick is not None for tick in packets.decoded) else "counted"


def _median_step(ticks: Sequence[int | None]) -> int:
    """Ticks from a picture to the next, in the middle of all; 0: there are no two."""
    known = sorted(tick for tick in ticks if tick is not None)
    steps = sorted(later - earlier for earlier, later in pairwise(known) if later > earlier)
    return steps[len(steps) // 2] if steps else 0


def _announced(container: Any, stream: Any) -> float | None:
    """Seconds from the start of the file to the end of the pictures by the header; None: it gives none.

    Formats whose clock may start again, or that have none, have no such header: FFmpeg makes one up.
    """
    import av
    from av.format import Flags

    if container.format.flags & (Flags.ts_discont | Flags.no_timestamps).value:
        return None
    if stream.duration is not None:
        begin = Fraction(0) if stream.start_time is None else stream.start_time * stream.time_base
        return float(begin + stream.duration * stream.time_base - start_of(container, stream))
    return None if not container.duration else float(Fraction(container.duration, av.time_base))


def _go_to(container: Any, seconds: float) -> None:
    import av

    container.seek(round(seconds * av.time_base) + (container.start_time or 0))


def _remarks(path: Path, start: Fraction, clock: Clock, packets: Packets) -> Iterator[str]:
    for one in clock.breaks[:LINES]:
        yield (
            f"the file's clock breaks at {one.seconds - float(start):.1f} s: pictures are taken in the order of the "
            "file, and time goes on"
        )
    if len(clock.breaks) > LINES:
        yield f"the file's clock breaks at {len(clock.breaks) - LINES} more places"
    if _begins_again(path, packets.end):
        yield (
            "another recording lies behind this one in the file, where no player finds it; join recordings with "
            "ffmpeg -f concat, not with cat"
        )


def _begins_again(path: Path, end: int) -> bool:
    """Whether behind the last picture an MP4 or FLV file begins like at its start: players stop before that."""
    with path.open("rb") as file:
        start = file.read(8)
        if start[4:] != b"ftyp" and start[:4] != b"FLV\x01":
            return False
        file.seek(end)
        return start in file.read(BEHIND_BYTES)
