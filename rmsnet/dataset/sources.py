"""Where a dataset comes from: a folder that is here, an object store, or a DVC revision."""

from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from rmsnet.documents import read_document
from rmsnet.errors import UserError, first_cause, one_line
from rmsnet.files import followed, replace_folder, write_json
from rmsnet.locks import alone
from rmsnet.provenance import write_pointer

DATASET_PATH = "data"
"""Where in a git repository the dataset lies when the source does not say."""

CONNECTIONS = 16
"""Objects fetched from an object store at once."""

ATTEMPTS = 3
"""How often an object store that changes meanwhile is fetched."""


@alone
def fetch(source: str, revision: str, out: Path) -> Path:
    """The folder of a dataset, brought to this machine where it is not here already.

    Args:
        source: a folder, which is used where it lies; s3://bucket/prefix; or, with a revision, a git repository whose
            DVC tracks the dataset, as URL or URL#path.
        revision: commit, tag or branch of that repository; "" for the others.
        out: folder for what has to be fetched; it appears when all of it is there. What comes out of DVC holds its
            pointer too, so that `rmsnet.provenance.dvc_md5` knows it wherever it goes.

    Returns:
        The source's own folder, or `out`.

    Raises:
        UserError: no such folder, bucket, repository, revision or dataset in it, or no access to it.
    """
    if revision:
        _fetch_revision(source, revision, out)
    elif source.startswith("s3://"):
        _fetch_objects(source, out)
    elif "://" in source:
        raise UserError(f"{source}: give a revision with a git repository; object stores are named s3://bucket/prefix")
    else:
        if not Path(source).is_dir():
            raise UserError(f"{source}: no such folder; is the data's volume mounted?")
        return Path(source)
    return out


def _partial(out: Path) -> Path:
    out = followed(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    return out.with_name(f".{out.name}.fetching")


def _fetch_revision(source: str, revision: str, out: Path) -> None:
    from dvc.api import DVCFileSystem
    from dvc.exceptions import DvcException
    from dvc.repo import Repo
    from dvc_data.index import DataIndexError

    repository, _, path = source.partition("#")
    path = path or DATASET_PATH
    partial = _partial(out)
    try:
        tracked = DVCFileSystem(url=repository, rev=revision)
        commit = tracked.repo.get_rev()  # what follows is of this commit, also when a branch moves meanwhile
        if not tracked.exists(path):
            raise UserError(f"{repository}, revision {revision}: there is no {path} in it")
        md5 = tracked.info(path).get("md5")
        Repo.get(repository, path, out=str(partial), rev=commit, force=True)
    except DataIndexError:
        reason = f"the bytes of {path} are not in the DVC remote of that repository; dvc push brings them there"
    except (DvcException, OSError) as error:
        reason = first_cause(error)
    else:
        if md5 is not None and partial.is_dir():
            write_pointer(partial, str(md5))
        replace_folder(partial, out)
        return
    raise UserError(f"{repository}, revision {revision}: {reason}")


def _fetch_objects(source: str, out: Path) -> None:
    """One state of what lies below a prefix: fetching ends when the store says of all objects what it said before."""
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    address = urlsplit(source)
    prefix = address.path.strip("/")
    partial = _partial(out)
    told = partial.with_name(f"{partial.name}.json")
    try:
        store = boto3.client("s3")
        listed = _objects(store, address.netloc, prefix)
        for _ in range(ATTEMPTS):
            if not listed:
                raise UserError(f"{source}: nothing there")
            wanted = {key: partial / _place(key, prefix) for key in listed}
            _sweep(partial, {wanted[key] for key, state in _told(told).items() if listed.get(key) == state})
            write_json(told, listed)

            def download(key: str, places: Mapping[str, Path] = wanted) -> None:
                if not places[key].exists():
                    places[key].parent.mkdir(parents=True, exist_ok=True)
                    store.download_file(address.netloc, key, str(places[key]))

            with ThreadPoolExecutor(CONNECTIONS) as pool:
                list(pool.map(download, wanted))
            fetched, listed = listed, _objects(store, address.netloc, prefix)
            if fetched == listed:
                break
        else:
            raise UserError(f"{source}: changes while it is fetched; fetch it again when its writer is done")
    except (BotoCoreError, ClientError) as error:
        raise UserError(f"{source}: {one_line(error)}") from None
    replace_folder(partial, out)
    told.unlink()


def _objects(store: Any, bucket: str, prefix: str) -> dict[str, list[Any]]:
    """What the store says of each object below a prefix: size, hash, time of its last change."""
    pages = store.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{prefix}/" if prefix else "")
    return {
        item["Key"]: [item["Size"], item["ETag"], item["LastModified"].isoformat()]
        for page in pages
        for item in page.get("Contents", ())
        if not item["Key"].endswith("/")
    }


def _told(path: Path) -> dict[str, list[Any]]:
    """What the store said of the objects that an interrupted fetch was about."""
    try:
        return read_document(path, dict[str, list[Any]])
    except UserError:
        return {}


def _sweep(partial: Path, kept: Collection[Path]) -> None:
    """Leave of an interrupted fetch only what the store still says the same of."""
    for path in partial.rglob("*"):
        if path.is_file() and path not in kept:
            path.unlink()


def _place(key: str, prefix: str) -> PurePosixPath:
    """Path of an object below the prefix; one that leads elsewhere is refused."""
    path = PurePosixPath(key.removeprefix(f"{prefix}/") if prefix else key)
    if path.is_absolute() or ".." in path.parts:
        raise UserError(f"s3 object {key!r}: refused, its name leads out of the dataset's folder")
    return path
