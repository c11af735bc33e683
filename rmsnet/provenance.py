"""Where a result comes from: the commit of the code, the lock of the environment, DVC's hash of the data."""

import json
import os
import platform
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution, distributions
from pathlib import Path
from typing import Any

from rmsnet import __version__
from rmsnet.documents import read_yaml, structured
from rmsnet.errors import UserError
from rmsnet.files import content_hash, is_litter, write_json
from rmsnet.logs import log

PACKAGE = Path(__file__).resolve().parent
"""The code that runs."""


def code_tags() -> dict[str, str]:
    """Tags that name the code that runs: version, git commit, dirty state, lock hash."""
    commit, dirty = _git_commit()
    tags = {"rmsnet.version": __version__, "git.commit": commit, "git.dirty": dirty}
    lock = PACKAGE.with_name("requirements.lock")
    if lock.exists():
        tags["lock_hash"] = content_hash(lock.read_bytes())
    return tags


def code_commit() -> str:
    """The commit of the code that runs: with "-dirty" behind it where files differ from it; "" if unknown."""
    commit, dirty = _git_commit()
    return "" if commit == "unknown" else f"{commit}-dirty" if dirty == "true" else commit


def _git_commit() -> tuple[str, str]:
    """Commit and dirty state: of the checkout that the code lies in, else of the image, else of the wheel.

    Where the command was started says nothing about them.
    """
    try:
        _git("ls-files", "--error-unmatch", "__init__.py")  # a package below somebody's repository is none of its files
        return _git("rev-parse", "HEAD"), "true" if _git("status", "--porcelain", "--untracked-files=no") else "false"
    except (OSError, subprocess.CalledProcessError) as error:
        if PACKAGE.with_name(".git").exists():
            _warn(f"the commit of {PACKAGE.parent} is not known: {_reason(error)}")
            return "unknown", "unknown"
    return os.environ.get("RMSNET_GIT_COMMIT") or _commit_of_wheel() or "unknown", "unknown"


def _git(*arguments: str) -> str:
    # A git hook tells its children of the repository that it runs for; that need not be ours.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    done = subprocess.run(
        ["git", *arguments], cwd=PACKAGE, env={**environment, "LC_ALL": "C"}, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def _reason(error: OSError | subprocess.CalledProcessError) -> str:
    """Why git does not answer, in one line."""
    if isinstance(error, OSError):
        return f"git cannot be run ({error.strerror})"
    return f"git refuses ({' '.join(str(error.stderr).split()) or f'exit status {error.returncode}'})"


def _commit_of_wheel() -> str | None:
    """The commit that pip has built the installed package from, where it took it out of a repository."""
    try:
        origin = distribution("rmsnet").read_text("direct_url.json")
    except PackageNotFoundError:
        return None
    commit = json.loads(origin or "{}").get("vcs_info", {}).get("commit_id")
    return None if commit is None else str(commit)


@cache
def _warn(text: str) -> None:
    """Say it once."""
    log.warning(text)


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
