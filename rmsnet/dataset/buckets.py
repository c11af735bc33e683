"""A dataset in an object store."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from rmsnet.errors import UserError

CONNECTIONS = 16
"""Objects fetched from an object store at once."""


@dataclass(frozen=True)
class StoredObject:
    """An object of a bucket.

    Attributes:
        key: its name.
        path: where it goes below the dataset's folder.
        size: in bytes.
        tag: of its content, as the store gives it.
    """

    key: str
    path: PurePosixPath
    size: int
    tag: str


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
        StoredObject(item["Key"], _place(item["Key"], prefix), item["Size"], str(item.get("ETag", "")))
        for item in found
    ]


def fetch_objects(source: str, out: Path) -> None:
    """Bring the objects behind s3://bucket/prefix into a folder; what is there whole already is not brought again.

    Raises:
        UserError: see `objects_of`.
    """
    import boto3

    bucket, wanted = urlsplit(source).netloc, objects_of(source)
    with _asking(source):
        store = boto3.client("s3")

        def download(item: StoredObject) -> None:
            path = out / item.path
            if not (path.exists() and path.stat().st_size == item.size):
                path.parent.mkdir(parents=True, exist_ok=True)
                store.download_file(bucket, item.key, str(path))

        with ThreadPoolExecutor(CONNECTIONS) as pool:
            list(pool.map(download, wanted))


@contextmanager
def _asking(source: str) -> Iterator[None]:
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (Boto3Error, BotoCoreError, ClientError) as error:
        raise UserError(f"{source}: {' '.join(str(error).split())}") from error


def _place(key: str, prefix: str) -> PurePosixPath:
    """Path of an object below the prefix; one that leads elsewhere is refused."""
    path = PurePosixPath(key.removeprefix(f"{prefix}/") if prefix else key)
    if path.is_absolute() or ".." in path.parts:
        raise UserError(f"s3 object {key!r}: refused, its name leads out of the dataset's folder")
    return path
