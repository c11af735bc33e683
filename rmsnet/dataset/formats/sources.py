"""The files of a source: one file, those of a folder, or those of a zip of such a folder."""

import codecs
import gzip
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import partial
from io import BytesIO
from pathlib import Path, PurePosixPath

from rmsnet.dataset.game_files import GameFiles
from rmsnet.errors import UserError

LARGEST = 256 << 20
"""Bytes of a file, unpacked; the labels of all of SoccerNet's games together have a tenth of that."""

MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
"""Byte-order marks, which editors of Windows write."""


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
        encoding = "utf-16" if self.content.startswith(MARKS[1:]) else "utf-8-sig"
        try:
            return self.content.decode(encoding)
        except UnicodeError:
            raise UserError(f"{self.where}: the text is not UTF-8; save it as UTF-8") from None

    def lines(self) -> list[str]:
        """The lines of the text that hold something, without spaces around."""
        return [line for line in map(str.strip, self.text().split("\n")) if line]


def source_names(source: Path) -> list[PurePosixPath]:
    """The paths of a source's files, hidden ones and what Macs add left out, sorted; of a file, its name.

    Raises:
        UserError: no such source, or a zip that is refused.
    """
    if source.is_file() and not zipfile.is_zipfile(source):
        return [PurePosixPath(source.name)]
    files = GameFiles(source)  # refuses what is malicious
    if source.is_dir():
        found = [PurePosixPath(path.relative_to(source).as_posix()) for path in source.rglob("*") if path.is_file()]
    else:
        with zipfile.ZipFile(files.source) as archive:
            found = [PurePosixPath(item.filename) for item in archive.infolist() if not item.is_dir()]
    return sorted(path for path in found if not any(part.startswith((".", "__MACOSX")) for part in path.parts))


def open_files(source: Path, names: list[PurePosixPath]) -> Iterator[SourceFile]:
    """The files of these names.

    Raises:
        UserError: one is unreadable or too large.
    """
    if source.is_file() and zipfile.is_zipfile(source):
        with zipfile.ZipFile(source) as archive:
            inside = set(archive.namelist())
            for name in names:

                def beside(other: str, name: PurePosixPath = name) -> bytes | None:
                    path = str(name.with_name(other))
                    return _member(archive, path, f"{source}: {path}") if path in inside else None

                where = f"{source}: {name}"
                yield SourceFile(_unpacked(_member(archive, str(name), where), where), name, where, None, beside)
        return
    for name in names:
        path = source / name if source.is_dir() else source
        content = _unpacked(_content(path), str(path))
        yield SourceFile(content, name, str(path), path.parent, partial(_content_beside, path.parent))


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(LARGEST + 1)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from None


def _content_beside(folder: Path, name: str) -> bytes | None:
    return _content(folder / name) if (folder / name).is_file() else None


def _member(archive: zipfile.ZipFile, name: str, where: str) -> bytes:
    try:
        with archive.open(name) as member:
            return member.read(LARGEST + 1)
    except (OSError, zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
        raise UserError(f"{where}: cannot be read ({error})") from None


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
