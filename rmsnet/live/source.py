"""Where a live stream comes from: connections, one after the other, for as long as there is hope of pictures.

What goes wrong is told in one line when it begins and in one when it is over; in between it is tried again and again.
"""

import time
import urllib.request
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urljoin, urlsplit

from rmsnet.errors import UserError
from rmsnet.video.opening import reason, usual_duration

SCHEMES = ("http", "https", "rtsp", "rtsps", "udp", "rtp", "srt", "rtmp", "tcp")

SILENCE_SECONDS = 20.0
"""A source that gives no picture for so long is asked anew."""

PAUSES = (0.5, 1.0, 2.0, 5.0, 10.0)
"""Seconds before it is asked again, and again."""

PLAYLIST_BYTES = 4 << 20

OPTIONS = {"live_start_index": "0", "rtsp_transport": "tcp"}
"""Of a playlist all that it still holds, of a camera nothing is lost on the way; others have no such options."""


class Taker(Protocol):
    """See `rmsnet.live.recorder.Recorder`."""

    def connected(self, step: Fraction) -> None: ...
    def disconnected(self) -> None: ...
    def take(self, packet: Any) -> None: ...


class Source:
    """A stream.

    Attributes:
        address: URL or path.
        live: whether it comes as it happens; a file may be read faster.
        trouble: why there are no pictures now; "": there are.
    """

    def __init__(self, address: str, end_after: float, tell: Callable[[str], None]) -> None:
        """Nothing is opened yet.

        Args:
            address: an URL that FFmpeg knows, or the path of a file that grows.
            end_after: seconds without a picture after which the match is over.
            tell: told when pictures stay away, and when they are back.

        Raises:
            UserError: no such file, an URL of no such kind, or of one that this machine's FFmpeg does not know.
        """
        self.address, self.trouble = address, ""
        scheme = urlsplit(address).scheme if "://" in address else ""
        if scheme and scheme not in SCHEMES:
            raise UserError(f"{address}: {scheme}:// is no stream; give {', '.join(SCHEMES)} or the path of a file")
        if scheme == "srt" and not _speaks("srt"):
            raise UserError(
                f"{address}: the FFmpeg in this PyAV speaks no SRT; have the encoder or a relay send udp:// or "
                "rtsp://, or install PyAV on an FFmpeg that has it"
            )
        if not scheme and not Path(address).is_file():
            raise UserError(f"{address}: no such file; a stream begins with http://, rtsp://, udp://, …")
        self.playlist = urlsplit(address).path.lower().endswith(".m3u8")
        self.file = None if scheme or self.playlist else Path(address)
        self.live = bool(scheme)
        self._end_after, self._tell = end_after, tell
        self._pictures = self._since = time.monotonic()

    def read(self, taker: Taker, stopped: Callable[[], bool]) -> None:
        """Give what comes to the taker, until the match is over or somebody stops it."""
        tries = 0
        self._pictures = time.monotonic()
        while not stopped() and time.monotonic() - self._pictures < self._end_after:
            before = self._pictures
            try:
                self._connection(taker, stopped)
                if stopped() or (self.playlist and self._has_ended()) or self.file is not None:
                    return
                self._complain("the stream ended")
            except _Silent as error:
                self._complain(str(error))
            except Exception as error:  # whatever FFmpeg, a server or a camera makes of it
                self._complain(reason(error))
            tries = 0 if self._pictures > before else tries + 1
            pause = time.monotonic() + PAUSES[min(tries, len(PAUSES) - 1)]
            while time.monotonic() < pause and not stopped():
                time.sleep(0.05)

    def _connection(self, taker: Taker, stopped: Callable[[], bool]) -> None:
        import av

        file = None if self.file is None else _Tail(self.file, self._end_after, stopped)
        options = OPTIONS if self.live or self.playlist else {}
        options = {key: value for key, value in options.items() if self.address.startswith("rtsp") == (key[0] == "r")}
        if self.playlist is False:
            options.pop("live_start_index", None)
        container = av.open(
            file or self.address, options=options, metadata_errors="replace", timeout=None if file else SILENCE_SECONDS
        )
        with container:
            if not container.streams.video:
                raise _Silent("it sends no pictures")
            pictures = container.streams.video[0]
            streams = [pictures, *container.streams.audio[:1]]
            _require_recordable(pictures)
            taker.connected(usual_duration(pictures))
            self._since = time.monotonic()
            try:
                for packet in container.demux(streams):
                    if stopped():
                        return
                    now = time.monotonic()
                    if packet.stream is pictures and packet.size:
                        self._back(now)
                    elif now - max(self._pictures, self._since) > SILENCE_SECONDS and file is None:
                        raise _Silent(f"it has sent no pictures for {SILENCE_SECONDS:g} s")
                    taker.take(packet)
            finally:
                taker.disconnected()

    def _back(self, now: float) -> None:
        if self.trouble:
            self._tell(f"{self.address}: pictures again after {now - self._pictures:.0f} s")
            self.trouble = ""
        self._pictures = now

    def _complain(self, trouble: str) -> None:
        if not self.trouble:  # once, until there are pictures again
            self._tell(f"{self.address}: no pictures ({trouble}); it is tried again and again")
        self.trouble = trouble

    def _has_ended(self) -> bool:
        """Whether the playlist says that nothing follows."""
        return any("#EXT-X-ENDLIST" in text for text in _playlists(self.address))


def _speaks(scheme: str) -> bool:
    """Whether FFmpeg has a protocol; an address without a host is refused at once by one that it has."""
    import av

    try:
        av.open(f"{scheme}://", timeout=1.0).close()
    except av.error.ProtocolNotFoundError:
        return False
    except (av.FFmpegError, OSError):
        pass
    return True


class _Silent(Exception):
    """A source without pictures."""


class _Tail:
    """A file object that waits at the end of a file that grows."""

    def __init__(self, path: Path, end_after: float, stopped: Callable[[], bool]) -> None:
        self._file = path.open("rb")
        self._end_after, self._stopped = end_after, stopped

    def read(self, size: int) -> bytes:
        grown = time.monotonic()
        while not (found := self._file.read(size)):
            if self._stopped() or time.monotonic() - grown > self._end_after:
                return b""
            time.sleep(0.1)
        return found


def _require_recordable(pictures: Any) -> None:
    from rmsnet.live.pieces import PICTURES

    name = pictures.codec_context.codec.canonical_name if pictures.codec_context else "unknown"
    if name not in PICTURES:
        raise _Silent(f"its pictures are {name}; what can be recorded is {', '.join(sorted(PICTURES))}")


def _playlists(address: str) -> Iterator[str]:
    """The texts of a playlist and of the first that it lists."""
    text = _text(address)
    yield text
    if "#EXT-X-STREAM-INF" in text:
        listed = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
        yield from map(_text, (urljoin(address, place) for place in listed[:1]))


def _text(address: str) -> str:
    if "://" not in address:
        return Path(address).read_text("utf-8", "replace")
    with urllib.request.urlopen(address, timeout=SILENCE_SECONDS) as answer:  # one of SCHEMES
        content: bytes = answer.read(PLAYLIST_BYTES)
        return content.decode("utf-8", "replace")
