"""Sources and timelines without videos."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from rmsnet.matches.exports.cuts import Cut, Moment, Source, Timeline
from rmsnet.matches.highlights.clips import Highlight

NTSC = Fraction(30000, 1001)

RATES = (
    Fraction(24000, 1001),
    Fraction(24),
    Fraction(25),
    NTSC,
    Fraction(30),
    Fraction(50),
    Fraction(60000, 1001),
    Fraction(60),
)
"""23.976, 24, 25, 29.97, 30, 50, 59.94 and 60."""


def source(rate: Fraction = Fraction(25), *, half: int = 1, minutes: int = 45, **about: Any) -> Source:
    """A half with sound, in a file whose name has a space."""
    about = {"path": Path(f"/video of match/{half}_720p.mkv"), "channels": 2, "sample_rate": 48000, **about}
    return Source(half, rate=rate, frames=round(60 * minutes * rate), **about)


def periods_of_one_file() -> list[Source]:
    """Two halves of a match that was filmed into one file."""
    about = {"path": Path("/video of match/match.mkv"), "minutes": 100}
    return [
        source(half=half, kick_off=Fraction(begin), end=Fraction(45 * 60), **about)
        for half, begin in ((1, 60), (2, 3000))
    ]


def moment(frame: int, title: str = "Goal 1'", *, begin: int | None = None, colour: str = "#2be179") -> Moment:
    return Moment(frame, frame if begin is None else begin, title, "soccer", colour, "confidence 93 %")


def timeline(source: Source, cuts: Sequence[tuple[int, int, Sequence[Moment]]], name: str = "match reel") -> Timeline:
    """Cuts of one source as (first, behind, moments)."""
    return Timeline(name, tuple(Cut(source, first, behind, "a cut", tuple(of_cut)) for first, behind, of_cut in cuts))


def event(seconds: float, *, half: int = 1, label: str = "soccer", **about: Any) -> Highlight:
    return Highlight(half, round(1000 * seconds), label, "#2be179", **about)
