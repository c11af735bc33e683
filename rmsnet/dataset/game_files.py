"""The files of games, below a folder or inside a zip of such a folder, whoever made it."""

import re
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from rmsnet.errors import UserError

MAX_COMPRESSION = 200
"""Zips that claim to be squeezed further are taken for bombs; JSON of spots shrinks 10 to 50 times."""
MAX_UNPACKED_UNSEEN = 64 << 20
"""Bytes that a zip may claim to hold whatever its compression."""
MAX_MEMBER = 1 << 30
"""Bytes that one file in a zip may claim to have."""


class GameFiles:
    """The files of games below a folder or inside a zip of such a folder, read by game and file name."""

    def __init__(self, source: Path) -> None:
        self.source = Path(source)
        self._archive: zipfile.ZipFile | None = None
        if self.source.is_dir():
            return
        if not self.source.exists():
            raise UserError(f"{self.source}: no such folder or zip")
        try:
            self._archive = zipfile.ZipFile(self.source)
        except (zipfile.BadZipFile, OSError) as error:
            raise UserError(f"{self.source}: neither a folder nor a readable zip ({error})") from None
        self._refuse_malice(self._archive)

    def __reduce__(self) -> tuple[type["GameFiles"], tuple[Path]]:
        """Another process opens the source anew: two must not seek in one open zip."""
        return GameFiles, (self.source,)

    def _refuse_malice(self, archive: zipfile.ZipFile) -> None:
        for name in archive.namelist():
            path = PurePosixPath(name.replace("\\", "/"))
            if path.is_absolute() or ".." in path.parts:
                raise UserError(f"{self.source}: refused, the zip holds a path that leads out of it: {name}")
        packed = self.source.stat().st_size
        sizes = [member.file_size for member in archive.infolist()]
        if sum(sizes) > MAX_UNPACKED_UNSEEN and sum(sizes) > MAX_COMPRESSION * packed:
            raise UserError(
                f"{self.source}: refused, {packed:,} bytes of zip claim to hold {sum(sizes):,}: a zip bomb; real ones "
                f"shrink less than {MAX_COMPRESSION} times"
            )
        if max(sizes, default=0) > MAX_MEMBER:
            raise UserError(f"{self.source}: refused, a file in the zip claims to have {max(sizes):,} bytes")

    def read(self, game: str, name: str) -> bytes | None:
        """The content of a game's file, or None where there is none.

        Raises:
            UserError: the file is there but cannot be read.
        """
        try:
            if self._archive is None:
                return (self.source / game / name).read_bytes()
            return self._archive.read(f"{game}/{name}")
        except (FileNotFoundError, NotADirectoryError, KeyError):
            return None
        except (OSError, zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
            # zipfile raises RuntimeError for encrypted files, NotImplementedError (one too) for unknown compression.
            raise UserError(f"{self.source}: {game}/{name} cannot be read ({error})") from None

    def size(self, game: str, name: str) -> int:
        """Bytes of a game's file, 0 where there is none."""
        try:
            if self._archive is None:
                return (self.source / game / name).stat().st_size
            return self._archive.getinfo(f"{game}/{name}").file_size
        except (OSError, KeyError):
            return 0

    def games(self, name: str) -> list[str]:
        """The games (league/season/game) that have a file of this name, sorted."""
        if self._archive is None:
            found = (path.parent.relative_to(self.source).as_posix() for path in self.source.rglob(name))
        else:
            found = (
                str(PurePosixPath(member).parent)
                for member in self._archive.namelist()
                if PurePosixPath(member).name == name
            )
        return sorted(found)


# A file in a DVC cache lies under the MD5 of its content: …/files/md5/ab/cdef….
_DVC_CACHE = re.compile(r".*/files/md5/[0-9a-f]{2}/[0-9a-f]{30}")


def leaves_dataset(root: Path, path: str) -> bool:
    """Whether a path below `root` leads out of it, by "..", as an absolute path or through a symbolic link.

    Links into a DVC cache (`cache.type symlink`) are no such thing: what lies there is what DVC pins.
    """
    pure = PurePosixPath(path)
    if pure.is_absolute() or ".." in pure.parts:
        return True
    target = (root / path).resolve()
    return not target.is_relative_to(root.resolve()) and not _DVC_CACHE.fullmatch(target.as_posix())
