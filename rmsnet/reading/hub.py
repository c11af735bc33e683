"""Published models: hf://ORGANISATION/NAME[@REVISION] at the Hugging Face Hub, or at what HF_ENDPOINT names."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rmsnet.errors import UserError, one_line

HUB = "hf://"

READ = ("*.json", "*.safetensors", "README.md")
"""Nothing else is fetched: no code, no pickle."""

_NAME = re.compile(r"hf://([\w.-]+/[\w.-]+)(?:@([\w./-]+))?", re.ASCII)


def repository_of(uri: str) -> tuple[str, str | None]:
    """Repository and revision that a URI names.

    Raises:
        UserError: it names none.
    """
    named = _NAME.fullmatch(uri)
    if named is None:
        raise UserError(f"{uri}: say hf://ORGANISATION/NAME, or hf://ORGANISATION/NAME@REVISION")
    return named[1], named[2]


def endpoint() -> str | None:
    """Where the hub is; None: as huggingface_hub knows it."""
    return os.environ.get("HF_ENDPOINT") or None


def fetch_published(uri: str) -> Path:
    """A local copy of a published model folder; what was fetched before is kept in the hub's cache.

    Raises:
        UserError: there is none, the hub is away, or its library is not installed.
    """
    repository, revision = repository_of(uri)
    with asking_hub(uri):
        from huggingface_hub import snapshot_download

        return Path(snapshot_download(repository, revision=revision, allow_patterns=list(READ), endpoint=endpoint()))


@contextmanager
def asking_hub(uri: str) -> Iterator[None]:
    """Turn what the hub and its library say into one line."""
    try:
        yield
    except ModuleNotFoundError:
        raise UserError(f"{uri}: needs huggingface_hub; pip install huggingface_hub") from None
    except Exception as error:  # its errors have no common root
        raise UserError(f"{uri}: {one_line(error)}") from None
