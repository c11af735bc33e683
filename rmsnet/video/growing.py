"""A file that is read while another thread writes it: reading waits for what is not there yet, until the file ends."""

import threading
from pathlib import Path


class GrowingFile:
    """What is known of a file that grows.

    Attributes:
        path: the file.
        offset: byte from which it is read; pictures before it are not wanted.
    """

    def __init__(self, path: Path, size: int = 0, offset: int = 0) -> None:
        self.path = path
        self.offset = offset
        self._size = size
        self._ended = False
        self._changed = threading.Condition()

    def publish(self, size: int) -> None:
        """So many bytes are whole and may be read."""
        with self._changed:
            self._size = size
            self._changed.notify_all()

    def end(self) -> None:
        """Nothing follows."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def open(self) -> "GrowingReader":
        return GrowingReader(self)

    def wait_behind(self, place: int) -> int:
        """How many bytes there are, once there are more than `place`, or the file has ended."""
        with self._changed:
            self._changed.wait_for(lambda: self._size > place or self._ended)
            return self._size


class GrowingReader:
    """A file object that FFmpeg reads; there is no way back in it, so that FFmpeg does not look for its end."""

    def __init__(self, growing: GrowingFile) -> None:
        self._growing = growing
        self._place = growing.offset
        self._file = growing.path.open("rb")
        self._file.seek(self._place)

    def read(self, size: int) -> bytes:
        there = self._growing.wait_behind(self._place)
        found = self._file.read(max(0, min(size, there - self._place)))
        self._place += len(found)
        return found

    def close(self) -> None:
        self._file.close()
