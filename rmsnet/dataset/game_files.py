"""The files of games, below a folder or inside a zip of such a folder, whoever made it."""

import os
import re
from collections.abc import Collection
from functools import cached_property
from pathlib import Path, PurePosixPath

from rmsnet.errors import UserError
from rmsnet.files import contents, is_litter
from rmsnet.reading.archives import Archive
from rmsnet.reading.names import as_text, fault_of, find_path, same_name


class GameFiles:
    """The files of games below a folder or inside a zip of such a folder, read by game and file name.

    Names are compared whatever Unicode form they have (`rmsnet.reading.names`).

    Args:
        source: the folder or zip.
        listed: games that are looked for; where none of them lies at the top and all there is lies in one folder, that
            folder is entered.
        closed: refuse links that lead out of the folder, see `leaves_dataset`.

    Raises:
        UserError: no such folder or zip, or a zip that is none.
    """

    def __init__(self, source: Path, listed: Collection[str] = (), closed: bool = False) -> None:
        self.source = Path(source)
        self.listed = listed
        self.closed = closed
        if not self.source.exists():
            raise UserError(f"{self.source}: no such folder or zip")
        self._archive = None if self.source.is_dir() else Archive(self.source)
        if self._archive is not None:
            _ = self._archive.members  # what is refused is refused now

    def __reduce__(self) -> tuple[type["GameFiles"], tuple[Path, Collection[str], bool]]:
        """Another process opens the source anew: two must not seek in one open zip."""
        return GameFiles, (self.source, self.listed, self.closed)

    @cached_property
    def _base(self) -> str:
        """The path at which the games lie, below the folder or inside the zip: "" or one that ends in "/"."""
        base = ""
        while not any(self._holds(base, game) for game in self.listed):
            inside = self._only_folder(base)
            if inside is None:
                return ""
            base = f"{base}{inside}/"
        return base

    def _holds(self, base: str, game: str) -> bool:
        if self._archive is None:
            return find_path(self.source, f"{base}{game}").is_dir()
        return f"{base}{same_name(game)}" in self._folders

    @cached_property
    def _folders(self) -> frozenset[str]:
        """All folders inside the zip."""
        assert self._archive is not None
        return frozenset(str(parent) for path in self._archive.members for parent in PurePosixPath(path).parents)

    def _only_folder(self, base: str) -> str | None:
        """The folder that is all there is at a path; None where there is more, or none."""
        if self._archive is None:
            found = contents(self.source / base)
            return found[0].name if len(found) == 1 and found[0].is_dir() else None
        names = {path.removeprefix(base).partition("/")[:2] for path in self._archive.members}
        return names.pop()[0] if len(names) == 1 and all(slash for _, slash in names) else None

    def read(self, game: str, name: str) -> bytes | None:
        """The content of a game's file, or None where there is none.

        Raises:
            UserError: the file is there but cannot be read, or its game is no name, or leads out of a closed folder.
        """
        fault = fault_of(f"{game}/{name}")
        if fault:
            raise UserError(f"{self.source}: {as_text(game)}/{as_text(name)} {fault}")
        if self._archive is not None:
            path = f"{self._base}{same_name(game)}/{name}"
            return self._archive.read(path) if path in self._archive.members else None
        if self.closed and leaves_dataset(self.source, f"{self._base}{game}/{name}"):
            raise UserError(f"{self.source}: {game}/{name} {LEADS_OUT}")
        try:
            return find_path(self.source, f"{self._base}{game}/{name}").read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise UserError(f"{self.source}: {game}/{name} cannot be read ({error})") from None

    def size(self, game: str, name: str) -> int:
        """Bytes of a game's file, 0 where there is none."""
        if self._archive is not None:
            member = self._archive.members.get(f"{self._base}{same_name(game)}/{name}")
            return 0 if member is None else member.file_size
        try:
            return find_path(self.source, f"{self._base}{game}/{name}").stat().st_size
        except (OSError, ValueError):
            return 0

    def games(self, name: str) -> list[str]:
        """The games (league/season/game) that have a file of this name, sorted."""
        if self._archive is None:
            base = self.source / self._base
            paths = [path.relative_to(base) for path in base.rglob(name)]
            found = [path.parent.as_posix() for path in paths if not any(map(is_litter, (path, *path.parents)))]
        else:
            members = [PurePosixPath(path.removeprefix(self._base)) for path in self._archive.members]
            found = [str(path.parent) for path in members if path.name == name]
        return sorted(map(same_name, found))


LEADS_OUT = 'leads out of the dataset through a link; links on purpose are allowed by "links": "follow" in dataset.json'

# A file in a DVC cache lies under the MD5 of its content: …/files/md5/ab/cdef….
_DVC_CACHE = re.compile(r".*/files/md5/[0-9a-f]{2}/[0-9a-f]{30}")
# One in a cache of Hugging Face lies beside the snapshots that link to it: …/blobs/cdef…, by SHA-1 or SHA-256.
_BLOB = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


def leaves_dataset(root: Path, path: str | os.PathLike[str]) -> bool:
    """Whether a path below `root` leads out of it, by "..", as an absolute path or through a symbolic link.

    Links into a DVC cache (`cache.type symlink`) are no such thing: what lies there is what DVC pins. Nor are those of
    a snapshot in a cache of Hugging Face into the same cache.
    """
    pure = PurePosixPath(path)
    if pure.is_absolute() or ".." in pure.parts:
        return True
    try:
        top, target = root.resolve(), find_path(root, str(pure)).resolve()
    except (OSError, RuntimeError, ValueError):  # links that lead in a circle, names that are none
        return True
    if target.is_relative_to(top) or _DVC_CACHE.fullmatch(target.as_posix()):
        return False
    in_blobs = target.parent.name == "blobs" and _BLOB.fullmatch(target.name)
    return not (in_blobs and top.is_relative_to(target.parent.parent / "snapshots"))
