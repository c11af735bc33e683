"""Where a result comes from: the commit of the code, the lock of the environment, DVC's hash of the data."""

import os
import platform
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from rmsnet import __version__
from rmsnet.errors import UserError
from rmsnet.files import content_hash, is_litter, read_yaml, structured, write_json


def code_tags() -> dict[str, str]:
    """Tags that name the code: version, git commit (or RMSNET_GIT_COMMIT in an image), dirty state, lock hash."""
    commit, dirty = _git_commit()
    tags = {"rmsnet.version": __version__, "git.commit": commit, "git.dirty": dirty}
    lock = Path("requirements.lock")
    if lock.exists():
        tags["lock_hash"] = content_hash(lock.read_bytes())
    return tags


def code_commit() -> str:
    """The commit of the code, or of the image: with "-dirty" behind it where files differ from it; "" if unknown."""
    commit, dirty = _git_commit()
    return "" if commit == "unknown" else f"{commit}-dirty" if dirty == "true" else commit


def _git_commit() -> tuple[str, str]:
    try:
        commit = _git("rev-parse", "HEAD")
        return commit, "true" if _git("status", "--porcelain", "--untracked-files=no") else "false"
    except (OSError, subprocess.CalledProcessError):
        return os.environ.get("RMSNET_GIT_COMMIT", "unknown"), "unknown"


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


POINTER = ".pointer.dvc"
"""In a folder that was taken out of DVC: the pointer that stays behind otherwise."""


def write_pointer(folder: Path, md5: str) -> None:
    """Leave in a folder that was just taken out of DVC what `dvc_md5` reads."""
    files = _files(folder)
    size = sum(file.stat().st_size for file in files)
    write_json(folder / POINTER, {"outs": [{"md5": md5, "size": size, "nfiles": len(files)}]})


def dvc_md5(path: Path) -> str | None:
    """The MD5 that PATH.dvc, or the pointer in a folder out of DVC, gives the file or folder.

    None where DVC does not track it, or where what lies there now is something else: DVC also notes the number of the
    files and their size together, and only those are looked at here.
    """
    beside, inside = path.with_name(f"{path.name}.dvc"), path / POINTER
    pointer = inside if inside.exists() else beside
    try:
        (tracked,) = structured(read_yaml(pointer), _Pointer, str(pointer)).outs[:1]
    except (UserError, ValueError):
        return None
    files = _files(path)
    size = sum(file.stat().st_size for file in files)
    same = tracked.size in (None, size) and tracked.nfiles in (None, len(files))
    return tracked.md5 if same else None


@dataclass(frozen=True)
class _Output:
    md5: str
    size: int | None = None
    nfiles: int | None = None


@dataclass(frozen=True)
class _Pointer:
    """What is read of a pointer of DVC."""

    outs: tuple[_Output, ...]


def _files(path: Path) -> list[Path]:
    """The file, or all files below the folder but the pointer and what file managers have left there."""
    if path.is_file():
        return [path]
    found = [item for item in path.rglob("*") if item.is_file() and item.name != POINTER]
    return [item for item in found if not any(map(is_litter, (item, *item.relative_to(path).parents)))]


def environment() -> dict[str, Any]:
    """Interpreter, machine and the version of every installed package."""
    # Each look at a package's metadata parses the whole of it: one look.
    packages = {told["Name"]: told["Version"] for told in (found.metadata for found in distributions()) if told["Name"]}
    return {
        "python": sys.version.split()[0],
        "platform": platform.platform(),
        "cores": os.cpu_count(),
        "packages": dict(sorted(packages.items(), key=lambda item: item[0].lower())),
    }
