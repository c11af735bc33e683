"""The verdict on all checks of a dataset together."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from rmsnet.validation.checks import Check


Verdict = Literal["passed", "passed with warnings", "failed", "undecided"]


@dataclass(frozen=True)
class Validation:
    """What the stage found.

    Attributes:
        verdict: "failed" when a critical check failed; "undecided" when none did, but a check could not be run.
        summary: the verdict in a sentence.
        checks: every check, in the order of the suites.
    """

    verdict: Verdict
    summary: str
    checks: "tuple[Check, ...]"


def verdict_of(checks: "Sequence[Check]") -> Verdict:
    """The verdict on all checks together: bad data first, then what could not be judged, then warnings."""
    if any(check.status == "failed" and check.severity == "critical" for check in checks):
        return "failed"
    if any(check.status == "broken" for check in checks):
        return "undecided"
    if any(check.status == "failed" for check in checks):
        return "passed with warnings"
    return "passed"


def sentence_of(verdict: Verdict, checks: "Sequence[Check]") -> str:
    """The verdict in a sentence."""
    critical = sum(check.status == "failed" and check.severity == "critical" for check in checks)
    warnings = sum(check.status == "failed" and check.severity == "warning" for check in checks)
    broken = sum(check.status == "broken" for check in checks)
    parts = [
        f"{critical} critical of {len(checks)} checks failed" if critical else "no critical check failed",
        f"{warnings} {'warning' if warnings == 1 else 'warnings'}" if warnings else "no warnings",
    ]
    if broken:
        parts.append(f"{broken} could not be run, which says nothing about the data")
    return f"{verdict}: {', '.join(parts)}"
