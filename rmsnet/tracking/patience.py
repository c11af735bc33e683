"""A client of MLflow whose calls are bounded in time, and whose refusals say what was refused and whose limit it is."""

import re
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

from rmsnet.errors import redacted
from rmsnet.waiting import LIMIT_SECONDS, bounded

T = TypeVar("T")

SLOWEST_BYTES_PER_SECOND = 100_000
"""What moves files may take a minute, and in addition as long as they need at this rate."""

DOWNLOAD_SECONDS = 900.0
"""What is fetched has no known size before it is here."""

BUSY_PAUSE_SECONDS = 0.2

_UPLOADS = {"log_artifacts": 1, "log_model_artifacts": 1, "log_artifact": 1}
"""Calls that send files, and which argument names them."""

_DOWNLOADS = ("download_artifacts",)

_STATUS = re.compile(r"error code (\d{3})|\b(\d{3}) (?:Client|Server) Error")
_EXPIRED = ("ExpiredToken", "token has expired", "token is expired")


class Patient:
    """Hands every call on to a client.

    Args:
        client: of MLflow.
        name: of its store, for messages; without secrets.
    """

    def __init__(self, client: Any, name: str) -> None:
        self._client = client
        self._name = name

    def __getattr__(self, method: str) -> Any:
        attribute = getattr(self._client, method)
        return partial(self._call, method, attribute) if callable(attribute) else attribute

    def _call(self, method: str, call: Callable[..., T], *arguments: Any, **options: Any) -> T:
        sent = Path(arguments[_UPLOADS[method]]) if method in _UPLOADS and len(arguments) > 1 else None
        limit = self._limit(method, sent)
        try:
            return bounded(
                f"MLflow store {self._name}: {method}",
                lambda: _not_locked(lambda: call(*arguments, **options), limit),
                limit,
            )
        except Exception as error:
            told = refusal(error, method, sent)
            if told is None:
                raise
            raise PermissionError(told) from None

    def _limit(self, method: str, sent: Path | None) -> float:
        if sent is not None:
            return LIMIT_SECONDS + sum(_sizes(sent).values()) / SLOWEST_BYTES_PER_SECOND
        return DOWNLOAD_SECONDS if method in _DOWNLOADS else LIMIT_SECONDS


def _not_locked(call: Callable[[], T], limit_seconds: float) -> T:
    """Ask again while another process has a SQLite file locked: it has done nothing of what was asked."""
    last = time.monotonic() + limit_seconds
    while True:
        try:
            return call()
        except Exception as error:
            if "database is locked" not in str(error) or time.monotonic() > last:
                raise
            time.sleep(BUSY_PAUSE_SECONDS)


def _sizes(path: Path) -> dict[str, int]:
    """The size of each file that a call sends, by its path below the folder."""
    if path.is_file():
        return {path.name: path.stat().st_size}
    return {file.relative_to(path).as_posix(): file.stat().st_size for file in path.rglob("*") if file.is_file()}


def refusal(error: BaseException, method: str, sent: Path | None) -> str | None:
    """What was refused, how large it is and by whose limit, in a phrase; None: the error is another one."""
    status = _status(error)
    if status is None:
        return None
    thing, size = method, None
    if sent is not None:
        sizes, text = _sizes(sent), unquote(urlsplit(str(error).rpartition("for url: ")[2]).path)
        thing = next(
            (name for name in sizes if text.endswith(f"/{name}")), max(sizes, key=sizes.__getitem__, default=method)
        )
        size = sizes.get(thing)
    what = thing if size is None else f"{thing} ({size / 1e6:.1f} MB)"
    if status == "413":
        return (
            f"{what} is refused: too large (413); the limit is the server's, or that of a proxy before it (nginx: "
            "client_max_body_size), and has to be raised there"
        )
    why = redacted(" ".join(str(error).split()))[:120]
    if status == "expired":
        return f"{what} is refused: the token has expired; get a new one ({why})"
    whose = "the account of MLFLOW_TRACKING_USERNAME or MLFLOW_TRACKING_TOKEN lacks the right, or its token has expired"
    return f"{what} is refused ({status}): {whose} ({why})"


def _status(error: BaseException) -> str | None:
    """Of a refusal: 401, 403, 413 or "expired"."""
    text = str(error)
    if any(word in text for word in _EXPIRED):
        return "expired"
    answered = getattr(getattr(error, "response", None), "status_code", None)
    code = getattr(error, "response", None)
    if isinstance(code, dict):  # botocore's
        answered = code.get("ResponseMetadata", {}).get("HTTPStatusCode")
        if code.get("Error", {}).get("Code") == "EntityTooLarge":
            answered = 413
    if answered is None and (found := _STATUS.search(text)):
        answered = found[1] or found[2]
    names = {"PERMISSION_DENIED": "403", "UNAUTHENTICATED": "401", "CUSTOMER_UNAUTHORIZED": "401"}
    answered = str(answered or names.get(str(getattr(error, "error_code", "")), ""))
    return answered if answered in ("401", "403", "413") else None
