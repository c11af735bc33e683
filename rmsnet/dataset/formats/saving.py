"""Where written files go: never in the place of something else."""

import gzip
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from rmsnet.errors import UserError
from rmsnet.files import write_bytes

LONGEST_NAME = 255
"""Bytes that file systems take for a name."""


def require_names(paths: Iterable[str]) -> None:
    """Refuse paths that lead elsewhere, or that no file can have: they are made of the names of games.

    Raises:
        UserError: it names the first.
    """
    for path in paths:
        pure = PurePosixPath(path)
        leads_out = pure.is_absolute() or ".." in pure.parts or str(pure) != path
        if leads_out or "\0" in path or any(len(part.encode()) > LONGEST_NAME for part in pure.parts):
            raise UserError(f"{path[:200]!r}: a game's name that cannot be the name of a file; rename it")


def save(out: Path, written: dict[str, bytes]) -> tuple[Path, ...]:
    """Write files below a folder; or the first as `out`, where that has its ending, and beside it what belongs to it.

    Raises:
        UserError: there are several for one name, or something else is in the place of one.
    """
    main = next(iter(written))
    suffix = PurePosixPath(main).suffix
    is_file = out.suffix.lower() in (suffix, ".gz") and not out.is_dir()
    if is_file and sum(PurePosixPath(path).suffix == suffix for path in written) > 1:
        raise UserError(f"{out}: {len(written)} files are to be written; name a folder")
    paths = {}
    for path, content in written.items():
        beside = out if path == main else out.with_name(PurePosixPath(path).name)
        paths[beside if is_file else out / path] = content
    if out.suffix.lower() == ".gz" and is_file:
        paths[out] = gzip.compress(paths[out], mtime=0)
    for place, content in paths.items():
        if place.exists() and (place.is_dir() or place.read_bytes() != content):
            raise UserError(f"{place}: is there and holds something else; name another --out")
    for place, content in paths.items():
        write_bytes(place, content)
    return tuple(paths)
