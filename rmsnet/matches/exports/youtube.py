"""Chapters as YouTube reads them in a description: `00:00 Title`, a line each.

It takes them all or none: the first at 0:00, at least three, each of at least ten seconds.
"""

from rmsnet.errors import UserError
from rmsnet.matches.exports.chapters import chapters_of
from rmsnet.matches.exports.cuts import Timeline, Written

LEAST_SECONDS = 10
LEAST_CHAPTERS = 3

TITLE_LETTERS = 70
"""What is kept of a title."""

# A description holds no < and >.
_LETTERS = str.maketrans("<>", "‹›")


def write(timeline: Timeline) -> Written:
    """Raises UserError where too few chapters are left."""
    chapters, joined = chapters_of(timeline, 1000 * LEAST_SECONDS)
    if len(chapters) < LEAST_CHAPTERS:
        least = f"{LEAST_CHAPTERS} or more have {LEAST_SECONDS} s"
        raise UserError(f"YouTube shows chapters where {least}, and here {len(chapters)} would")
    long = chapters[-1].end >= 3_600_000
    lines = [f"{_time(chapter.start // 1000, long)} {_title(chapter.title)}\n" for chapter in chapters]
    told = f"chapters of less than {LEAST_SECONDS} s, which YouTube refuses, joined with others: {joined}"
    return Written("".join(lines), (told,) if joined else ())


def _time(seconds: int, hours: bool) -> str:
    """All of a list at one width: YouTube stumbles over mixed ones."""
    minutes = f"{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return f"{seconds // 3600:02d}:{minutes}" if hours else minutes


def _title(title: str) -> str:
    title = title.replace("->", "→").translate(_LETTERS)
    return title if len(title) <= TITLE_LETTERS else title[: TITLE_LETTERS - 1].rstrip(", ") + "…"
