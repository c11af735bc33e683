"""The data of a source for as long as a component works on them."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote, urlsplit, urlunsplit

from components.patience import patiently
from rmsnet import __version__
from rmsnet.errors import UserError

PREFIX = "RMSNET_DATA_"
"""Of environment variables that hold for the source of the data alone.

The launcher that uploads a component's outputs runs with the same variables: under their own names, keys of AWS for the
data would be its keys too.
"""

GIT_USER, GIT_TOKEN = f"{PREFIX}GIT_USER", f"{PREFIX}GIT_TOKEN"


BY = " by rmsnet "
"""Between the fingerprint of data and the code that works on them."""


@contextmanager
def access() -> Iterator[None]:
    """The data's credentials under the names that libraries look for."""
    given = {name.removeprefix(PREFIX): value for name, value in os.environ.items() if name.startswith(f"{PREFIX}AWS_")}
    before = {name: os.environ.get(name) for name in given}
    os.environ.update(given)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def identified(source: str, revision: str) -> str:
    """The fingerprint of what a source holds now, and behind it the code that will work on it.

    Kubeflow's cache knows an image by its name: under a tag that was moved, what other code has made of the same data
    would be taken for this one's.

    Raises:
        UserError: see `rmsnet.dataset.fingerprints.fingerprint`.
    """
    from rmsnet.dataset.fingerprints import fingerprint
    from rmsnet.provenance import code_commit

    with access(), _without_token():
        found = patiently(source, lambda: fingerprint(_with_token(source, revision), revision))
    return f"{found}{BY}{__version__} {code_commit()}".rstrip()


@contextmanager
def dataset(source: str, revision: str, fingerprint: str) -> Iterator[Path]:
    """The folder of the data that a fingerprint was taken of: where it lies, or a copy that goes with the component.

    Args:
        source, revision: of the pipeline.
        fingerprint: of `identified`.

    Raises:
        CheckFailed: the source has changed since; nothing made of it may be taken for what the fingerprint names.
        UserError: see `rmsnet.dataset.sources.fetch`.
    """
    from rmsnet.dataset.fingerprints import require_unchanged
    from rmsnet.dataset.sources import fetch

    held = fingerprint.partition(BY)[0]

    def checked() -> None:
        with access(), _without_token():
            patiently(source, lambda: require_unchanged(_with_token(source, revision), revision, held))

    with TemporaryDirectory() as folder:
        with access(), _without_token():
            address = _with_token(source, revision)
            root = patiently(source, lambda: fetch(address, revision, Path(folder) / "data"))
        yield root
        checked()


def _with_token(source: str, revision: str) -> str:
    """The address of a git repository with the token that the deployment file names, where it has one."""
    token = os.environ.get(GIT_TOKEN)
    address = urlsplit(source)
    if not (revision and token and address.scheme in ("http", "https")) or "@" in address.netloc:
        return source
    user = os.environ.get(GIT_USER, "git")
    return urlunsplit(address._replace(netloc=f"{quote(user, '')}:{quote(token, '')}@{address.netloc}"))


@contextmanager
def _without_token() -> Iterator[None]:
    """A refusal does not tell the token."""
    try:
        yield
    except UserError as error:
        token = os.environ.get(GIT_TOKEN)
        if not token:
            raise
        raise UserError(str(error).replace(quote(token, ""), "***").replace(token, "***")) from error.__cause__
