"""A process that dies at one of its writes to the store."""

from collections.abc import Callable
from typing import Any

import pytest

from rmsnet import tracking

WRITES = ("create_version", "log_to_run", "append_record", "set_alias", "mark_applied", "tag_version")


class Died(Exception):
    pass


def mortal(patch: pytest.MonkeyPatch, lives: int) -> None:
    """Let the process die instead of its first write (0), instead of the second (1), …"""
    left = lives

    def dying(write: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            nonlocal left
            left -= 1
            if left == -1:
                raise Died
            return write(*arguments, **options)

        return call

    for name in WRITES:
        patch.setattr(tracking, name, dying(getattr(tracking, name)))
