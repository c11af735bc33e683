"""A request that is not answered with events, and why."""

from collections.abc import Mapping

from rmsnet.errors import UserError


class Refused(UserError):
    """An answer of another status than 200; the message is one line that says what to do."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.headers = dict(headers or {})


def busy(message: str) -> Refused:
    """503: the same request is welcome later."""
    return Refused(503, message, {"Retry-After": "5"})
