"""Whether a source holds what it held: found out in seconds, however large it is.

A folder is named by the path, size and times of every file (the time of the last change of any kind cannot be set back
by a program that writes files), a bucket by the size and tag of every object, a DVC revision by DVC's hash of the data.
Another fingerprint says that something may be different; the same says that nothing is.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from rmsnet.dataset.buckets import objects_of
from rmsnet.dataset.revisions import revision_md5
from rmsnet.errors import CheckFailed, UserError
from rmsnet.files import content_hash


def fingerprint(source: str, revision: str = "") -> str:
    """What a source holds now, in a short text.

    Args:
        source, revision: see `rmsnet.dataset.sources.fetch`.

    Raises:
        UserError: there is no such source, or no access to it.
    """
    if revision:
        return f"dvc-{revision_md5(source, revision) or content_hash(source, revision)}"
    if source.startswith("s3://"):
        lines = [f"{item.path}\0{item.size}\0{item.tag}" for item in objects_of(source)]
        return f"s3-{content_hash(*sorted(lines))}"
    if "://" in source:
        raise UserError(f"{source}: give a revision with a git repository; object stores are named s3://bucket/prefix")
    root = Path(source)
    if not root.is_dir():
        raise UserError(f"{source}: no such folder; is the data's volume mounted?")
    return f"folder-{content_hash(*sorted(_lines(root)))}"


def require_unchanged(source: str, revision: str, expected: str) -> None:
    """Refuse what was made of a source that has changed since its fingerprint was taken.

    Raises:
        CheckFailed: it has another fingerprint now.
    """
    if fingerprint(source, revision) != expected:
        raise CheckFailed(f"{source}: changed while it was used; start again when nobody writes to it")


def _lines(root: Path) -> Iterator[str]:
    """A line for each file below a folder; links are followed, each folder once."""
    seen = set()
    for folder, folders, files in os.walk(root, followlinks=True):
        place = Path(folder).stat()
        if (place.st_dev, place.st_ino) in seen:
            folders.clear()
            continue
        seen.add((place.st_dev, place.st_ino))
        for name in files:
            path = Path(folder, name)
            try:
                found = path.stat()
            except FileNotFoundError:  # a link to nothing
                continue
            yield f"{path.relative_to(root).as_posix()}\0{found.st_size}\0{found.st_mtime_ns}\0{found.st_ctime_ns}"
