"""Zips of anybody: their members by names that are comparable, or one line that says why they are not read.

Windows writes backslashes; Macs write UTF-8 without saying so, decomposed, and add a folder __MACOSX.
"""

import lzma
import struct
import zipfile
import zlib
from collections.abc import Mapping
from contextlib import suppress
from functools import cached_property
from pathlib import Path, PurePosixPath

from rmsnet.errors import UserError
from rmsnet.files import is_litter
from rmsnet.reading.names import as_text, same_name

MAX_COMPRESSION = 200
"""Zips that claim to be squeezed further are taken for bombs; JSON of spots shrinks 10 to 50 times."""
MAX_UNPACKED_UNSEEN = 64 << 20
"""Bytes that a zip may claim to hold whatever its compression."""
MAX_MEMBER = 1 << 30
"""Bytes that one file in a zip may claim to have."""

UNREADABLE = (OSError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, ValueError, RuntimeError)
"""What zipfile raises: RuntimeError for encrypted files and (one too) unknown compression, ValueError for names."""

_UTF8_FLAG = 0x800


class Archive:
    """The files of a zip by their path.

    Args:
        path: of the zip.

    Raises:
        UserError: no readable zip, a bomb, a path that leads out of it or is there twice.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._archive = zipfile.ZipFile(path)
        except UNREADABLE as error:
            raise UserError(f"{path}: neither a folder nor a readable zip ({error})") from None
        self._refuse_bombs()

    def _refuse_bombs(self) -> None:
        packed = self.path.stat().st_size
        sizes = [member.file_size for member in self._archive.infolist()]
        if sum(sizes) > MAX_UNPACKED_UNSEEN and sum(sizes) > MAX_COMPRESSION * packed:
            raise UserError(
                f"{self.path}: refused, {packed:,} bytes of zip claim to hold {sum(sizes):,}: a zip bomb; real ones "
                f"shrink less than {MAX_COMPRESSION} times"
            )
        if max(sizes, default=0) > MAX_MEMBER:
            raise UserError(f"{self.path}: refused, a file in the zip claims to have {max(sizes):,} bytes")

    @cached_property
    def members(self) -> Mapping[str, zipfile.ZipInfo]:
        """The files by their path: slashes, NFC; litter left out."""
        members: dict[str, zipfile.ZipInfo] = {}
        for member in self._archive.infolist():
            name = _name_of(member).replace("\\", "/")
            path = PurePosixPath(name)
            if path.is_absolute() or ".." in path.parts:
                raise UserError(f"{self.path}: refused, the zip holds a path that leads out of it: {as_text(path)}")
            if name.endswith("/") or any(is_litter(Path(part)) for part in path.parts):
                continue
            if str(path) in members:
                raise UserError(f"{self.path}: refused, the zip holds {as_text(path)} twice; pack it anew")
            members[str(path)] = member
        return members

    def read(self, path: str) -> bytes:
        """The content of a file.

        Raises:
            KeyError: there is none.
            UserError: it cannot be read: encrypted, damaged.
        """
        member = self.members[path]
        try:
            return self._archive.read(member)
        except UNREADABLE as error:
            raise UserError(f"{self.path}: {as_text(path)} cannot be read ({error})") from None


def _name_of(member: zipfile.ZipInfo) -> str:
    """A member's name; without the flag for UTF-8 zipfile takes it for a code page of 1981."""
    name = member.orig_filename
    if not member.flag_bits & _UTF8_FLAG:
        with suppress(UnicodeError):
            name = name.encode("cp437").decode("utf-8")
    return same_name(name)
