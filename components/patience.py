"""What may pass by itself is asked again inside a component: a cluster starts no container again that has failed."""

import time
from collections.abc import Callable
from typing import TypeVar

from rmsnet.logs import log

T = TypeVar("T")

PAUSES_SECONDS = (5, 10, 20, 40, 60, 60, 60, 60, 60, 60, 60, 60)
"""Between two attempts; ten minutes in all."""

_AWAY = (
    "EndpointConnectionError",
    "ConnectTimeoutError",
    "ReadTimeoutError",
    "ConnectionClosedError",
    "NewConnectionError",
)
"""Errors of libraries that wrap no error of the operating system."""


def patiently(what: str, step: Callable[[], T]) -> T:
    """Do a step, again while somebody whom it needs does not answer.

    Args:
        what: is asked for, for the log.
        step: may be done twice.

    Raises:
        Exception: what the step raises, at once where waiting is of no use, else after the last attempt.
    """
    for number, pause in enumerate((*PAUSES_SECONDS, None), 1):
        try:
            return step()
        except Exception as error:
            if pause is None or not passes_by_itself(error):
                raise
            words = " ".join(str(error).split())
            log.info(f"{what}: {words}; asked again in {pause} s ({number} of {len(PAUSES_SECONDS)})")
            time.sleep(pause)
    raise AssertionError("the last attempt returns or raises")


def passes_by_itself(error: BaseException) -> bool:
    """Whether an error began with somebody who does not answer, or who says that he is busy."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ConnectionError | TimeoutError) or type(seen).__name__ in _AWAY or _status(seen) >= 500:
            return True
        seen = seen.__cause__ or seen.__context__
    return False


def _status(error: BaseException) -> int:
    """The HTTP status of an error of botocore's, requests', MLflow's or Kubernetes'; 0 where it has none."""
    response = getattr(error, "response", None)
    if isinstance(response, dict):
        return int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    status = getattr(response, "status_code", getattr(error, "status", None))
    return int(status) if isinstance(status, int) else 0
