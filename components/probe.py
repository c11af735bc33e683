"""python -m components.probe: what a pod of a deployment can reach, a line each; the doctor runs it in the cluster."""

import os
import sys
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from components.data import PREFIX, access
from components.door import MLFLOW
from rmsnet import __version__

SECONDS = 20


def main(arguments: Sequence[str]) -> int:
    """Print "ok" or "missing", what was looked for, and what was found; 1 when something is missing.

    Args:
        arguments: folders that must be mounted.
    """
    missing = 0
    for what, look in _looks(arguments):
        try:
            print(f"ok\t{what}\t{look()}", flush=True)
        except Exception as error:  # whatever it is, it is the answer
            print(f"missing\t{what}\t{' '.join(str(error).split())[:200] or type(error).__name__}", flush=True)
            missing += 1
    return 1 if missing else 0


def _looks(folders: Sequence[str]) -> Iterator[tuple[str, Callable[[], str]]]:
    yield "image", lambda: f"rmsnet {__version__}"
    yield "/tmp can be written", _scratch
    if os.environ.get(MLFLOW):
        yield "MLflow from a pod", _mlflow
    if os.environ.get(f"{PREFIX}AWS_ENDPOINT_URL") or os.environ.get(f"{PREFIX}AWS_ACCESS_KEY_ID"):
        yield "object store of the data from a pod", _store
    for folder in folders:
        yield f"volume at {folder}", lambda folder=folder: f"{len(list(Path(folder).iterdir()))} entries"  # type: ignore[misc]


def _scratch() -> str:
    path = Path("/tmp/probe")
    path.write_text("x")
    path.unlink()
    return "yes"


def _mlflow() -> str:
    address = os.environ[MLFLOW].rstrip("/")
    with urllib.request.urlopen(f"{address}/version", timeout=SECONDS) as answer:
        return f"{address}, MLflow {answer.read(60).decode(errors='replace')}"


def _store() -> str:
    import boto3
    from botocore.config import Config

    with access():
        store = boto3.client("s3", config=Config(connect_timeout=SECONDS, retries={"max_attempts": 1}))
        return f"{len(store.list_buckets().get('Buckets', ()))} buckets"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
