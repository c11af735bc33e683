"""One writer at a time: the lock of an output folder is a hidden file beside it, held by the process that writes.

    @alone
    def extract(root: Path, out: Path, …):
        …

The second process is told who is first. The kernel gives the lock up when its holder dies, however it dies; over NFS
the server does. What a file system without locks cannot promise is said in a warning.
"""

import errno
import fcntl
import functools
import inspect
import json
import os
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from rmsnet.documents import read_document
from rmsnet.errors import UserError
from rmsnet.logs import log

P = ParamSpec("P")
T = TypeVar("T")

_TAKEN = (errno.EACCES, errno.EAGAIN)
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)
_NOT_WRITABLE = (errno.EACCES, errno.EPERM, errno.EROFS)

_held: dict[Path, int] = {}
"""Locks of this process and the thread that holds each: the kernel lets a process lock what it has locked already."""

_guard = threading.Lock()


def alone(stage: Callable[P, T]) -> Callable[P, T]:
    """A stage that holds the lock of its argument `out` while it works.

    Raises:
        UserError: another process is writing there.
    """
    signature = inspect.signature(stage)

    @functools.wraps(stage)
    def locked(*arguments: P.args, **options: P.kwargs) -> T:
        with writing(signature.bind(*arguments, **options).arguments["out"]):
            return stage(*arguments, **options)

    return locked


@contextmanager
def writing(out: Path) -> Iterator[None]:
    """Hold the lock of an output folder, which need not be there yet; a thread may hold it several times over.

    Of processes that train together (`torchrun`) the first holds it for all.

    Raises:
        UserError: another process, or another thread of this one, is writing there.
    """
    if os.environ.get("RANK", "0") != "0":
        yield
        return
    place = Path(out).resolve()
    me = threading.get_ident()
    with _guard:
        holder = _held.get(place)
        if holder is None:
            _held[place] = me
    if holder is not None:
        if holder != me:
            raise UserError(f"{out}: another thread of this process is writing there; name another --out")
        yield
        return
    try:
        with _locked(place, out):
            yield
    finally:
        with _guard:
            del _held[place]


@contextmanager
def _locked(place: Path, out: Path) -> Iterator[None]:
    new = [parent for parent in place.parents if not parent.exists()]
    path, file = _open(place)
    try:
        while True:
            try:
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                if error.errno in _TAKEN:
                    raise UserError(
                        f"{out}: {_holder(path)} is writing there; wait for it, or name another --out"
                    ) from None
                if error.errno not in _NO_LOCKS:
                    raise
                log.warning(f"{path.parent}: knows no locks; let nobody else write {out}")
            if _is_at(file, path):
                break
            # The one before us has finished and taken its file away: what we have locked is nobody's.
            os.close(file)
            path, file = _open(place)
        about = {
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "since": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        os.ftruncate(file, 0)
        os.write(file, json.dumps({**about, "command": _command()}).encode())
        try:
            yield
        finally:
            path.unlink(missing_ok=True)
    finally:
        os.close(file)
        with suppress(OSError):  # what was refused leaves nothing behind, not even the folder of the lock
            for parent in new:
                parent.rmdir()


def _open(place: Path) -> tuple[Path, int]:
    """The lock's file: beside the folder, or in it where only the folder can be written."""
    beside = place.with_name(f".{place.name}.lock")
    try:
        beside.parent.mkdir(parents=True, exist_ok=True)
        return beside, _open_file(beside)
    except OSError as error:
        if error.errno not in _NOT_WRITABLE or not place.is_dir() or beside.exists():
            raise
        return place / ".lock", _open_file(place / ".lock")


def _open_file(path: Path) -> int:
    with suppress(FileNotFoundError):  # in a folder like /tmp nobody may say "create" of what another user has made
        return os.open(path, os.O_RDWR)
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    with suppress(PermissionError):
        os.fchmod(file, 0o666)  # another user must be able to ask for the lock
    return file


def _is_at(file: int, path: Path) -> bool:
    with suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(file), path.stat())
    return False


def _holder(path: Path) -> str:
    """Who holds a lock, as it says itself."""
    try:
        told = read_document(path, dict[str, Any])
        return f"{told['command']} (process {told['pid']} on {told['host']}, since {told['since']})"
    except (UserError, KeyError):
        return "another process"


def _command() -> str:
    """The first words of this process's command line, e.g. "rmsnet train"."""
    words = [word for word in sys.argv[1:3] if word.isidentifier()]
    return " ".join(["rmsnet" if "rmsnet" in sys.argv[0] else Path(sys.argv[0]).name or "python", *words])
