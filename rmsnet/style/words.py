"""Numbers and names as people read them."""

from collections.abc import Iterable

SIMULATED = (
    "Simulated games: these numbers show that the machinery works and which way settings point, not how well they do "
    "on SoccerNet."
)


def marked(name: str, simulated: bool) -> str:
    """The name of a dataset or model, which says so where it is made up."""
    return f"{name} (simulated)" if simulated else name


def counted(number: int, noun: str) -> str:
    """E.g. "1 question", "2 questions"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def percent(value: float | None, digits: int = 1, sign: str = "") -> str:
    """A value in [0, 1] in %; nothing for None."""
    return "" if value is None else f"{100 * value:{sign}.{digits}f}"


def chance(value: float) -> str:
    """A probability in %, two digits of it: "0.036 %", "28 %", "100 %"."""
    return f"{100 * value:.2g} %" if value < 0.995 else f"{100 * value:.0f} %"


def with_ends(value: float, ends: Iterable[float] | None, sign: str = "") -> str:
    """E.g. "65.5 [64.1, 66.9]", of values in [0, 1]."""
    if ends is None:
        return percent(value, sign=sign)
    return f"{percent(value, sign=sign)} [{', '.join(percent(end, sign=sign) for end in ends)}]"
