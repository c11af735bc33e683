"""Something that was looked for, and the lines and the exit status that come of many."""

from collections.abc import Iterable
from dataclasses import dataclass

from rmsnet.errors import CheckFailed

_MARKS = {True: "ok     ", False: "missing", None: "without"}


@dataclass(frozen=True)
class Finding:
    """Something that was looked for.

    Attributes:
        what: in words.
        there: whether it is; None: nobody may tell, or it is absent and nothing needs it.
        detail: what was found, or what to do.
    """

    what: str
    there: bool | None
    detail: str = ""


def told(findings: Iterable[Finding], shown: bool = True) -> list[Finding]:
    """The findings, each printed as it comes.

    Raises:
        CheckFailed: some are not there.
    """
    found = []
    for finding in findings:
        found.append(finding)
        if shown:
            print(
                f"{_MARKS[finding.there]}  {finding.what}{f': {finding.detail}' if finding.detail else ''}", flush=True
            )
    missing = [finding.what for finding in found if finding.there is False]
    if missing:
        raise CheckFailed(f"{len(missing)} of {len(found)} are missing: {', '.join(missing)}")
    return found
