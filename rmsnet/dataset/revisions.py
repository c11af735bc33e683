"""A dataset that DVC tracks, at a revision of a git repository."""

import atexit
import getpass
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import gettempdir
from typing import Any

from rmsnet.errors import UserError, first_cause
from rmsnet.provenance import write_pointer

DATASET_PATH = "data"
"""Where in a git repository the dataset lies when the source does not say."""

NOTES = Path("/var/tmp/dvc")
"""Where DVC keeps what it knows of repositories, unless DVC_SITE_CACHE_DIR says so."""


def fetch_revision(source: str, revision: str, out: Path) -> None:
    """Bring a dataset to a folder, as it was at a revision, with DVC's pointer in it.

    Args:
        source: URL or URL#path of the repository.
        revision: commit, tag or branch.
        out: the folder; what an interrupted fetch has left there is gone on with.

    Raises:
        UserError: no such repository, revision or dataset in it, or no access to it.
    """
    from dvc.repo import Repo
    from dvc_data.index import DataIndexError

    repository, path = parts_of(source)
    with _reading(repository, revision):
        # What follows is of this commit, also when a branch moves meanwhile.
        tracked, commit = _tracked(repository, revision, path)
        md5 = tracked.info(path).get("md5")
        try:
            Repo.get(repository, path, out=str(out), rev=commit, force=True)
        except DataIndexError:
            raise UserError(
                f"{repository}, revision {revision}: the bytes of {path} are not in the DVC remote of that repository; "
                "dvc push brings them there"
            ) from None
    if md5 is not None and out.is_dir():
        write_pointer(out, str(md5))


def revision_md5(source: str, revision: str) -> str | None:
    """DVC's hash of a dataset at a revision; None where git holds it itself.

    Raises:
        UserError: see `fetch_revision`.
    """
    repository, path = parts_of(source)
    with _reading(repository, revision):
        tracked, _ = _tracked(repository, revision, path)
        md5 = tracked.info(path).get("md5")
    return None if md5 is None else str(md5)


def parts_of(source: str) -> tuple[str, str]:
    """Repository and path in it."""
    repository, _, path = source.partition("#")
    return repository, path or DATASET_PATH


def _tracked(repository: str, revision: str, path: str) -> tuple[Any, str]:
    """DVC's view of a repository at a revision, which has the path, and the commit."""
    from dvc.api import DVCFileSystem

    found = DVCFileSystem(url=repository, rev=revision)
    commit = str(found.repo.get_rev())
    if not found.exists(path):
        raise UserError(f"{repository}, revision {revision}: there is no {path} in it")
    return found, commit


_CREDENTIALS = re.compile(
    r"username|authentication|unauthorized|forbidden|\b(code|status|resp|response|error)\W{1,3}40[13]\b", re.IGNORECASE
)
"""What the libraries below say where a repository asks who it is."""


@contextmanager
def _reading(repository: str, revision: str) -> Iterator[None]:
    """What git, DVC and the libraries under them raise becomes one line.

    A user without a name (an image's user that the machine does not know) gets one, DVC's notes go to the temporary
    folder where it may not write its own (a read-only root), and a repository that belongs to somebody else is read all
    the same: whoever names it as source trusts it.
    """
    import pygit2

    pygit2.settings.owner_validation = False
    with _set({"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*"}):
        if not _user_has_a_name():
            os.environ["USER"] = os.environ["LOGNAME"] = "rmsnet"
        if not os.access(NOTES if NOTES.exists() else NOTES.parent, os.W_OK):
            os.environ.setdefault("DVC_SITE_CACHE_DIR", str(Path(gettempdir()) / NOTES.name))
        try:
            _leave_nothing()
            yield
        except UserError:
            raise
        except Exception as error:  # each library below has exceptions of its own
            raise UserError(f"{repository}, revision {revision}: {_why(error)}") from error


@cache
def _leave_nothing() -> None:
    """When the process ends, DVC's clones of repositories go, and what it kept of their data: it leaves both."""
    from dvc.repo.open_repo import clean_repos

    atexit.register(clean_repos)


def _why(error: BaseException) -> str:
    cause = first_cause(error)
    if _CREDENTIALS.search(cause):
        return f"asks for a user and a password or token ({cause}); give them in the address, or by the deployment file"
    return cause


def _user_has_a_name() -> bool:
    try:
        getpass.getuser()
    except (KeyError, OSError):
        return False
    return True


@contextmanager
def _set(variables: Mapping[str, str]) -> Iterator[None]:
    """Environment variables for as long as something takes."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
