"""The two ways in which a command may fail without a bug, and their texts: one line, no secret in it."""

import os
import re
from collections.abc import Iterable
from difflib import SequenceMatcher, get_close_matches


class UserError(Exception):
    """Bad input. The message is one line that says what, where and what to do; exit status 2."""


class CheckFailed(Exception):
    """A check answered no: data that fail validation, a promotion that is refused; exit status 1."""


def one_line(error: BaseException) -> str:
    """The text of an error in one line, without secrets."""
    return redacted(" ".join(str(error).split())) or type(error).__name__


def first_cause(error: BaseException) -> str:
    """What an error began with, in one line: "[Errno 111] Connection refused" below three layers of libraries."""
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    return one_line(error)


def nearest(name: str, known: Iterable[str]) -> str:
    """The known name that a slip probably means; "" none is near, or two are equally near."""
    by_case = {item.casefold(): item for item in known}
    found = get_close_matches(name.casefold(), by_case, 2, 0.5)
    how_near = [SequenceMatcher(None, item, name.casefold()).ratio() for item in found]
    return by_case[found[0]] if found and how_near.count(how_near[0]) == 1 else ""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """E.g. "; did you mean train.epochs?"; "" where nothing is near."""
    near = nearest(name, known)
    return f"; did you mean {near}?" if near else ""


_IN_ADDRESSES = (
    (re.compile(r"(?<=://)(?:[^\s/'\"]+|[^\s/:'\"]*:(?!\d+/)[^\s@'\"]*)@"), "***@"),
    (
        re.compile(
            r"(?i)\b(X-Amz-(?:Signature|Credential|Security-Token)|AWSAccessKeyId|Signature|sig|token|passw(?:or)?d|pwd|"
            r"secret|(?:access|secret|api)_?key(?:_id)?)=[^&\s'\"]+"
        ),
        r"\1=***",
    ),
)

_IN_THE_ENVIRONMENT = re.compile(r"(PASSWORD|PASSWD|TOKEN|SECRET|SECRET_KEY|ACCESS_KEY|ACCESS_KEY_ID)$")


def redacted(text: str) -> str:
    """A text without what opens doors: user and password in addresses, signatures, secrets of the environment."""
    for pattern, shown in _IN_ADDRESSES:
        text = pattern.sub(shown, text)
    for name, value in os.environ.items():
        if len(value) >= 8 and _IN_THE_ENVIRONMENT.search(name):
            text = text.replace(value, "***")
    return text
