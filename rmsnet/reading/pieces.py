"""A recording that lies in several files one after the other: camera.1.mp4, camera.2.mp4, … are camera.mp4.

Whoever reads camera.mp4 asks `pieces_of` which files that is; names, sizes and identities are those of the whole.
"""

import glob
import re
from collections.abc import Container, Iterable
from pathlib import Path

from rmsnet.errors import UserError

_PIECE = re.compile(r"(.+)\.(\d{1,3})", re.DOTALL)


def wholes(paths: Iterable[Path]) -> list[Path]:
    """Each file that is no piece, and each whole of pieces once, in the order of their names."""
    listed = set(paths)
    return sorted({_whole_of(path, listed) for path in listed})


def _whole_of(path: Path, beside: Container[Path]) -> Path:
    """What a file is a piece of, where the first piece lies beside it: without that, "12.05.mp4" is a name."""
    found = _PIECE.fullmatch(path.stem)
    if found is None or path.with_name(f"{found[1]}.1{path.suffix}") not in beside:
        return path
    return path.with_name(f"{found[1]}{path.suffix}")


def pieces_of(path: Path) -> tuple[Path, ...]:
    """The files of a recording in order: itself, where it is there, else its pieces; none where nothing is there.

    Raises:
        UserError: a piece is missing, or two have one number.
    """
    if path.exists():
        return (path,)
    found: dict[int, Path] = {}
    for piece in path.parent.glob(f"{glob.escape(path.stem)}.*{glob.escape(path.suffix)}"):
        match = _PIECE.fullmatch(piece.stem)
        if match is not None and match[1] == path.stem:
            number = int(match[2])
            if number in found:
                raise UserError(f"{piece}: has the number of {found[number].name}; number the pieces 1, 2, …")
            found[number] = piece
    if 1 not in found:
        return ()
    missing = next(number for number in range(1, max(found) + 2) if number not in found)
    if missing < max(found) or 0 in found:
        raise UserError(
            f"{path.parent}: of the pieces of {path.name} there are {', '.join(map(str, sorted(found)))}; number them "
            "1, 2, …"
        )
    return tuple(found[number] for number in sorted(found))


def is_there(path: Path) -> bool:
    """Whether a recording is there, whole or in pieces."""
    return bool(pieces_of(path))


def size_of(path: Path) -> int:
    """Bytes of a recording."""
    return sum(piece.stat().st_size for piece in pieces_of(path))


def marks_of(path: Path) -> list[tuple[str, int, int]]:
    """Name, bytes and time of change of each of its files: what tells it from another, without reading it."""
    return [(piece.name, (status := piece.stat()).st_size, status.st_mtime_ns) for piece in pieces_of(path)]
