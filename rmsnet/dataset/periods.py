"""The periods of a match, and how its times are said: 67', 45+2', ET 105+1', Q3 4:11."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

from rmsnet.documents import structured
from rmsnet.reading.names import is_text

LONGEST = 5 / 3
"""A recording of a period is at most so many times as long as the period: 75 minutes for one of 45."""


@dataclass(frozen=True)
class Period:
    """A stretch of play with a clock of its own.

    Attributes:
        name: said before its times, such as "Q3" or "ET"; "" nothing.
        minutes: its length without added time.
        first_minute: the minute of the match at its start, where minutes are counted through the match; None: each
            period has a clock that starts at 0:00.
    """

    name: str = ""
    minutes: float = 45
    first_minute: int | None = None

    def __post_init__(self) -> None:
        if not is_text(self.name):
            raise ValueError("periods: a name is no line of text")
        if not 0 < self.minutes <= 24 * 60:
            raise ValueError(f"periods: minutes must lie between 0 and {24 * 60}, not {self.minutes}")
        if self.first_minute is not None and self.first_minute < 0:
            raise ValueError(f"periods: first_minute {self.first_minute} is negative")

    @property
    def longest_seconds(self) -> float:
        """What is longer is no recording of it."""
        return 60 * LONGEST * self.minutes

    def said(self, position_ms: int) -> str:
        """A time in the period as people say it: the minute that has begun, or its own clock."""
        before = f"{self.name} " if self.name else ""
        if self.first_minute is None:
            return f"{before}{position_ms // 60_000}:{position_ms // 1000 % 60:02d}"
        minute, last = position_ms // 60_000 + 1, round(self.minutes)
        if minute > last:
            return f"{before}{self.first_minute + last}+{minute - last}'"
        return f"{before}{self.first_minute + minute}'"


HALVES = (Period("", 45, 0), Period("", 45, 45))
"""Of a football match."""


def require_in_order(periods: Sequence[Period]) -> None:
    """Refuse what is no sequence of periods.

    Raises:
        ValueError: none, two of one name and no minutes, or one that begins before the one before it has ended.
    """
    if not periods:
        raise ValueError("periods: there are none")
    for before, after in pairwise(periods):
        if (before.first_minute is None) != (after.first_minute is None):
            raise ValueError("periods: give all of them a first_minute, or none")
        if before.first_minute is not None and after.first_minute is not None:
            end = before.first_minute + before.minutes
            if after.first_minute < end:
                raise ValueError(
                    f"periods: one begins in minute {after.first_minute}, the one before it ends in minute {end:g}; "
                    "they overlap"
                )
    named = [period.name for period in periods if period.first_minute is None]
    if len(set(named)) < len(named):
        raise ValueError("periods: without first_minute each needs a name of its own, such as Q1, Q2")


def periods_of(config: Mapping[str, Any]) -> tuple[Period, ...]:
    """The periods that a model's config or a bank's index names; without any two halves of 45 minutes.

    Raises:
        UserError: they are none.
    """
    listed = config.get("periods")
    return structured(listed, tuple[Period, ...], "periods") if listed else HALVES


def as_entries(periods: Sequence[Period]) -> list[dict[str, Any]]:
    """What `periods_of` reads."""
    return [asdict(period) for period in periods]
