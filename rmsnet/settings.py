"""A setting of params.yaml: its default, unit and range, where the paper has it, and when to leave it alone."""

import math
from dataclasses import Field, dataclass, field, fields
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Range:
    """The numbers that a setting may be.

    Attributes:
        low, high: the ends; `high` infinity: any finite number.
        above, below: whether the end itself is out.
    """

    low: float
    high: float = math.inf
    above: bool = False
    below: bool = False

    def fault(self, value: float) -> str:
        """What is wrong with a value, e.g. "must be at least 1, not 0"; "" nothing."""
        low = value > self.low if self.above else value >= self.low
        high = value < self.high if self.below else value <= self.high
        if low and high and math.isfinite(value):
            return ""
        if self.high <= 1:
            wanted = f"must lie in {self}"
        elif not math.isfinite(value):
            wanted = "must be finite"
        elif not high:
            wanted = f"must be at most {self.high}"
        elif self.above:
            wanted = "must be positive"
        else:
            wanted = f"must be at least {self.low}" if self.low else "must not be negative"
        return f"{wanted}, not {value}"

    def __str__(self) -> str:
        """E.g. "[0, 1)"."""
        high = "∞)" if math.isinf(self.high) else f"{self.high:,}{')' if self.below else ']'}"
        return f"{'(' if self.above else '['}{self.low:,}, {high}"


MOST = 10_000_000
"""Of anything that is counted: more is a slip of the keyboard, and no memory holds it."""

COUNT = Range(1, MOST)
COUNT_OR_NONE = Range(0, MOST)
SHARE = Range(0, 1)
SHARE_BELOW_ONE = Range(0, 1, below=True)
POSITIVE = Range(0, above=True)
SEED = Range(0, 1 << 40)


@dataclass(frozen=True)
class About:
    """What the reference says of a setting, beside its text.

    Attributes:
        unit: of its value.
        within: what it may be; None: its type says so.
        paper: section, equation or table; "" the paper has no such thing.
        unless: when to leave it alone.
    """

    unit: str
    within: Range | None
    paper: str
    unless: str


def setting(default: T, unit: str = "", within: Range | None = None, *, paper: str = "", unless: str) -> T:
    """A field of a section of params.yaml."""
    made: Any = field(default=default, metadata={"about": About(unit, within, paper, unless)})
    return made  # type: ignore[no-any-return]  # a dataclass makes a value of it


def about(item: "Field[Any]") -> About:
    """What was said of a field that `setting` made."""
    found: About = item.metadata["about"]
    return found


def require_ranges(section: Any) -> None:
    """Refuse a section with a number out of its range.

    Raises:
        ValueError: it names the setting.
    """
    for item in fields(section):
        within = about(item).within
        if within is not None and (fault := within.fault(getattr(section, item.name))):
            raise ValueError(f"{item.name} {fault}")
