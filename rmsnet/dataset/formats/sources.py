"""The files of a source: one file, those of a folder, or those of a zip of such a folder."""

import gzip
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import partial
from io import BytesIO
from pathlib import Path, PurePosixPath

from rmsnet.dataset.game_files import LEADS_OUT, leaves_dataset
from rmsnet.dataset.soccernet import follows_links
from rmsnet.documents import bytes_of, in_utf8
from rmsnet.errors import UserError
from rmsnet.files import is_litter
from rmsnet.reading.archives import Archive

LARGEST = 256 << 20
"""Bytes of a file, unpacked; the labels of all of SoccerNet's games together have a tenth of that."""


@dataclass(frozen=True)
class SourceFile:
    """A file of a source.

    Attributes:
        content: its bytes, unpacked where it is a .gz.
        path: below the source; of a source that is a file its name.
        where: how messages call it.
        folder: where it lies on disk; None where it does not.
        open_beside: gives the bytes of another file of its folder, None where there is none.
    """

    content: bytes
    path: PurePosixPath
    where: str
    folder: Path | None = None
    open_beside: Callable[[str], bytes | None] = field(default=lambda _: None, compare=False)

    def beside(self, name: str) -> "SourceFile | None":
        """Another file of its folder; None where there is none."""
        content = self.open_beside(name)
        path = self.path.with_name(name)
        return None if content is None else SourceFile(content, path, f"{self.where} ({name} beside it)")

    @property
    def name(self) -> str:
        """Path without ending: what footage is called in a file that does not name it."""
        path = self.path.with_suffix("") if self.path.suffix == ".gz" else self.path
        return path.with_suffix("").as_posix()

    @property
    def game(self) -> str:
        """The folder in which it lies, below the source; at the top, that folder's own name, or in a zip its own."""
        inside = self.path.parent.as_posix()
        if inside != ".":
            return inside
        return (self.folder.resolve().name if self.folder else "") or self.name

    def text(self) -> str:
        """The content as text, UTF-8 unless a byte-order mark says otherwise.

        Raises:
            UserError: it is no such text.
        """
        try:
            return in_utf8(self.content).decode()
        except UnicodeError:
            raise UserError(f"{self.where}: the text is not UTF-8; save it as UTF-8") from None

    def lines(self) -> list[str]:
        """The lines of the text that hold something, without spaces around."""
        return [line for line in map(str.strip, self.text().split("\n")) if line]


def source_names(source: Path) -> list[PurePosixPath]:
    """The paths of a source's files, hidden ones and what file managers leave left out, sorted; of a file, its name.

    Raises:
        UserError: no such source, or a zip that is refused.
    """
    if source.is_dir():
        found = [PurePosixPath(path.relative_to(source).as_posix()) for path in source.rglob("*") if path.is_file()]
        litter = {path for path in found if any(is_litter(Path(part)) for part in path.parts)}
    elif source.is_file() and not zipfile.is_zipfile(source):
        return [PurePosixPath(source.name)]
    elif source.exists():
        found, litter = list(map(PurePosixPath, Archive(source).members)), set()
    else:
        raise UserError(f"{source}: no such folder or zip")
    return sorted(path for path in found if path not in litter and not any(part.startswith(".") for part in path.parts))


def open_files(source: Path, names: list[PurePosixPath]) -> Iterator[SourceFile]:
    """The files of these names.

    Raises:
        UserError: one is unreadable or too large, or leads out of the folder, see `rmsnet.dataset.game_files`.
    """
    if source.is_file() and zipfile.is_zipfile(source):
        archive = Archive(source)
        for name in names:

            def beside(other: str, name: PurePosixPath = name) -> bytes | None:
                path = str(name.with_name(other))
                return archive.read(path) if path in archive.members else None

            content = _unpacked(archive.read(str(name)), f"{source}: {name}")
            yield SourceFile(content, name, f"{source}: {name}", None, beside)
        return
    closed = source.is_dir() and not follows_links(source)
    for name in names:
        path = source / name if source.is_dir() else source
        if closed and leaves_dataset(source, name):
            raise UserError(f"{path}: {LEADS_OUT}")
        content = _unpacked(bytes_of(path, str(path), LARGEST), str(path))
        yield SourceFile(content, name, str(path), path.parent, partial(_content_beside, path.parent))


def _content_beside(folder: Path, name: str) -> bytes | None:
    path = folder / name
    return bytes_of(path, str(path), LARGEST) if path.is_file() else None


def _unpacked(content: bytes, where: str) -> bytes:
    if content.startswith(b"\x1f\x8b"):
        try:
            with gzip.GzipFile(fileobj=BytesIO(content)) as file:
                content = file.read(LARGEST + 1)
        except (OSError, EOFError, zlib.error) as error:
            raise UserError(f"{where}: cannot be unpacked ({error})") from None
    if len(content) > LARGEST:
        raise UserError(f"{where}: is larger than {LARGEST >> 20} MB; no label file is")
    return content


def matches(name: PurePosixPath, patterns: tuple[str, ...]) -> bool:
    """Whether a file's name is one of those that a format gives its files."""
    return any(fnmatchcase(name.name.lower(), pattern.lower()) for pattern in patterns)
