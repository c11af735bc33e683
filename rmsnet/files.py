"""The one writer of files: a file or folder appears under its name only when it is whole."""

import errno
import fnmatch
import glob
import hashlib
import json
import os
import re
import shutil
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from rmsnet.errors import UserError
from rmsnet.logs import log

LITTER = (".DS_Store", "._*", "__MACOSX", "Thumbs.db", "ehthumbs.db", "desktop.ini", ".nfs*", ".directory")
"""Patterns of names that file managers and file servers leave in any folder they visit: no part of any data.

`.dvcignore` lists the same.
"""


def is_litter(path: Path) -> bool:
    """Whether a name is one that a file manager or file server has left."""
    return any(fnmatch.fnmatchcase(path.name, pattern) for pattern in LITTER)


def contents(folder: Path) -> list[Path]:
    """What lies in a folder, litter left out, in the order of the names."""
    return sorted(path for path in folder.iterdir() if not is_litter(path))


FULL = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def _naming(partial: Path, path: Path) -> Iterator[None]:
    """A full disk is told of with the name of what found no room: the system's own error of a write holds none."""
    try:
        yield
    except OSError as error:
        if error.errno not in FULL:
            raise
        name = str(error.filename or path).replace(str(partial), str(path))
        raise OSError(error.errno, os.strerror(error.errno), name) from None


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Yield a temporary sibling of `path`; rename it to `path` when the block ends without an error.

    A block that raises, or a process that is killed, leaves `path` as it was.
    """
    path = Path(path)
    partial = _partial(path)
    try:
        with _naming(partial, path):
            yield partial
            with partial.open("rb") as written:
                os.fsync(written.fileno())
        partial.replace(path)
        log.debug(f"wrote {path}")
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Yield a new, empty sibling folder of `path`; put it in the place of `path` when the block ends well.

    Where `path` is a link, what it leads to is replaced, not the link.
    """
    path = followed(path)
    partial = _partial(path)
    partial.mkdir()
    try:
        with _naming(partial, path):
            yield partial
        replace_folder(partial, path)
        log.debug(f"wrote {path}")
    finally:
        shutil.rmtree(partial, ignore_errors=True)


@contextmanager
def atomic_files(path: Path) -> Iterator[Path]:
    """Yield a new folder beside `path`; move its files into `path` when the block ends well, beside what is there.

    On a disk that is full the block fails, not the end: what is moved takes no room.
    """
    path = followed(path)
    new = not path.exists()
    partial = _partial(path)
    partial.mkdir()
    path.mkdir(exist_ok=True)
    try:
        with _naming(partial, path):
            yield partial
        for file in sorted(partial.iterdir()):
            file.replace(path / file.name)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        if new:
            with suppress(OSError):  # it holds something now
                path.rmdir()


def followed(path: Path) -> Path:
    """Where a folder really lies: a link to it is followed, also one whose target is not there yet."""
    path = Path(path)
    return path.resolve() if path.is_symlink() else path


def _partial(path: Path, kind: str = "partial") -> Path:
    """The temporary sibling of this process; what dead processes of this host have left there is removed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    prefix = f".{path.name}.{kind}-{socket.gethostname()}-"
    for left in path.parent.glob(f"{glob.escape(prefix)}*"):
        pid = left.name.removeprefix(prefix)
        if pid == str(os.getpid()) or not (pid.isdecimal() and _is_running(int(pid))):
            shutil.rmtree(left) if left.is_dir() else left.unlink(missing_ok=True)
    return path.with_name(f"{prefix}{os.getpid()}")


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def replace_folder(new: Path, path: Path) -> None:
    """Move the finished folder `new` to `path`, whatever stood there before; a link is followed (see `followed`)."""
    path = followed(path)
    old = _partial(path, "replaced")
    if path.exists():
        path.rename(old)
    new.rename(path)
    shutil.rmtree(old, ignore_errors=True)


def require_replaceable(out: Path, *marks: str) -> None:
    """Refuse to put a result in the place of something else.

    Args:
        out: where a folder is to appear.
        marks: names of files; a folder that holds one of them was made by the stage that asks.

    Raises:
        UserError: `out` is a file, or a folder that holds something and none of the marks.
    """
    if out.exists() and not out.is_dir():
        raise UserError(f"{out}: is a file; name another --out")
    held = {item.name for item in contents(out)} if out.exists() else set()
    if held and not held & set(marks):
        raise UserError(f"{out}: holds {min(held)} and no earlier result; name another --out")


def write_bytes(path: Path, content: bytes) -> None:
    """Write `content` to `path`, whole or not at all."""
    with atomic_file(path) as partial:
        partial.write_bytes(content)


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` as UTF-8, whole or not at all."""
    write_bytes(path, text.encode())


def write_json(path: Path, value: Any, indent: int | None = 2) -> None:
    """Write `value` to `path` as JSON with a final newline. NaN and infinity are refused: they are not JSON."""
    write_text(path, json.dumps(value, indent=indent, ensure_ascii=False, allow_nan=False) + "\n")


def write_tensors(path: Path, tensors: Mapping[str, Any], metadata: Mapping[str, str] | None = None) -> None:
    """Write arrays of NumPy, or tensors of PyTorch, as safetensors: whole or not at all, readable as any other file.

    Raises:
        OSError: the file cannot be written; the library's own error says so less plainly.
    """
    from safetensors import SafetensorError

    library = "torch" if any(hasattr(tensor, "detach") for tensor in tensors.values()) else "numpy"
    with atomic_file(path) as partial:
        partial.touch()
        mode = partial.stat().st_mode  # the library's own files are for their owner alone
        try:
            import_module(f"safetensors.{library}").save_file(dict(tensors), partial, metadata and dict(metadata))
        except SafetensorError as error:
            number = re.search(r"os error (\d+)", str(error))
            if number is None:
                raise
            raise OSError(int(number[1]), os.strerror(int(number[1])), str(path)) from None
        partial.chmod(mode)


def content_hash(*parts: bytes | str) -> str:
    """A short hexadecimal BLAKE2b digest (128 bits) of the parts, in order."""
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        encoded = part.encode("utf-8", "surrogateescape") if isinstance(part, str) else part
        digest.update(len(encoded).to_bytes(8, "little"))
        digest.update(encoded)
    return digest.hexdigest()
