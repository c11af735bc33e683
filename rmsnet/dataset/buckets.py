"""A dataset in an object store."""

from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from rmsnet.documents import read_document
from rmsnet.errors import UserError, one_line
from rmsnet.files import write_json

CONNECTIONS = 16
"""Objects fetched from an object store at once."""

ATTEMPTS = 3
"""How often an object store that changes meanwhile is fetched."""


@dataclass(frozen=True)
class StoredObject:
    """An object of a bucket.

    Attributes:
        key: its name.
        path: where it goes below the dataset's folder.
        size: in bytes.
        tag: of its content, as the store gives it.
        changed: when it was written last, ISO 8601.
    """

    key: str
    path: PurePosixPath
    size: int
    tag: str
    changed: str

    @property
    def state(self) -> list[Any]:
        """What the store says of it."""
        return [self.size, self.tag, self.changed]


def objects_of(source: str) -> list[StoredObject]:
    """The objects behind s3://bucket/prefix.

    Raises:
        UserError: none there, no such bucket, no access.
    """
    import boto3

    address = urlsplit(source)
    prefix = address.path.strip("/")
    with _asking(source):
        pages = (
            boto3.client("s3")
            .get_paginator("list_objects_v2")
            .paginate(Bucket=address.netloc, Prefix=f"{prefix}/" if prefix else "")
        )
        found = [item for page in pages for item in page.get("Contents", ()) if not item["Key"].endswith("/")]
    if not found:
        raise UserError(f"{source}: nothing there")
    return [
        StoredObject(
            item["Key"],
            _place(item["Key"], prefix),
            item["Size"],
            str(item.get("ETag", "")),
            item["LastModified"].isoformat(),
        )
        for item in found
    ]


def fetch_objects(source: str, out: Path) -> None:
    """One state of what lies behind s3://bucket/prefix, in a folder.

    It is fetched until the store says of all objects what it said before. What is there already, and the store says the
    same of, is not brought again.

    Raises:
        UserError: see `objects_of`; it changes all the while.
    """
    told = out.with_name(f"{out.name}.json")
    listed = objects_of(source)
    for _ in range(ATTEMPTS):
        _sweep(out, {item.path for item in listed if _told(told).get(item.key) == item.state})
        write_json(told, {item.key: item.state for item in listed})
        _download(source, listed, out)
        fetched, listed = listed, objects_of(source)
        if fetched == listed:
            told.unlink()
            return
    raise UserError(f"{source}: changes while it is fetched; fetch it again when its writer is done")


def _download(source: str, wanted: Sequence[StoredObject], out: Path) -> None:
    import boto3

    with _asking(source):
        store = boto3.client("s3")

        def download(item: StoredObject) -> None:
            path = out / item.path
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                store.download_file(urlsplit(source).netloc, item.key, str(path))

        with ThreadPoolExecutor(CONNECTIONS) as pool:
            list(pool.map(download, wanted))


def _told(path: Path) -> dict[str, list[Any]]:
    """What the store said of the objects that an interrupted fetch was about."""
    try:
        return read_document(path, dict[str, list[Any]])
    except UserError:
        return {}


def _sweep(folder: Path, kept: Collection[PurePosixPath]) -> None:
    """Leave of an interrupted fetch only what the store still says the same of."""
    for path in folder.rglob("*"):
        if path.is_file() and PurePosixPath(path.relative_to(folder)) not in kept:
            path.unlink()


@contextmanager
def _asking(source: str) -> Iterator[None]:
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (Boto3Error, BotoCoreError, ClientError) as error:
        raise UserError(f"{source}: {one_line(error)}") from error


def _place(key: str, prefix: str) -> PurePosixPath:
    """Path of an object below the prefix; one that leads elsewhere is refused."""
    path = PurePosixPath(key.removeprefix(f"{prefix}/") if prefix else key)
    if path.is_absolute() or ".." in path.parts:
        raise UserError(f"s3 object {key!r}: refused, its name leads out of the dataset's folder")
    return path
