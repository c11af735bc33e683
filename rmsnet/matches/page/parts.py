"""Parts that the pages of a match share: its title and periods, files of this folder, data in a script."""

import json
import re
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

from rmsnet.dataset.periods import HALVES, Period
from rmsnet.errors import UserError
from rmsnet.matches.exports.cuts import Source
from rmsnet.matches.exports.timecode import labels_a_second
from rmsnet.style.page import MADE_BY, document, text

# "2015-02-21 - 18-00 Chelsea 1 - 1 Burnley", the name of a game in SoccerNet.
_GAME = re.compile(r"(\d{4}-\d{2}-\d{2}) - (\d{2})-(\d{2}) (.+)")


def period_name(periods: Sequence[Period], number: int) -> str:
    """What people call a period."""
    period, halves = periods[number - 1], len(periods) == len(HALVES)
    return period.name or (("1st half", "2nd half")[number - 1] if halves else f"period {number}")


def title_of(name: str) -> tuple[str, str]:
    """Title and subtitle: "Chelsea 1 - 1 Burnley" and competition, date and time, where the name is SoccerNet's."""
    *competition, last = name.split("/")
    found = _GAME.fullmatch(last)
    if found is None:
        return last, " · ".join(competition)
    date, hour, minute, teams = found.groups()
    return teams, " · ".join([*(part.replace("_", " ") for part in competition), f"{date} {hour}:{minute}"])


def code_of(source: Source) -> dict[str, Any] | None:
    """What the page needs to name frames by time code; None: their rate has none."""
    try:
        labels = labels_a_second(source.rate)
    except UserError:
        return None
    return {
        "rate": [source.rate.numerator, source.rate.denominator],
        "labels": labels,
        "start": source.start,
        "drop": source.drop,
        "first_ms": 1000 * float(source.zero - source.kick_off),
        "frames": source.frames,
    }


def part(name: str, package: str = __package__) -> str:
    """A file of this folder, or of another package."""
    return files(package).joinpath(name).read_text(encoding="utf-8").rstrip()


def filled(
    template: str, title: str, styles: str, data: Mapping[str, Any], scripts: Sequence[str], **parts: str
) -> str:
    """A page with a script.

    Args:
        template: HTML of its body; @@MADEBY@@ in it is who has made it.
        title: plain text.
        styles: what is added to our colours.
        data: for the script, in the element "match".
        scripts: its parts, in order.
        parts: plain text for the places of other @@NAME@@.
    """
    texts = {"MADEBY": MADE_BY, **parts}
    body = re.sub(r"@@([A-Z]+)@@", lambda found: text(texts[found[1]]), template)
    # Whatever names it holds, the data may stand inside a script element.
    held = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")
    behind = f'<script id="match" type="application/json">{held}</script>'
    return document(title, styles, "\n".join([body, behind, "<script>", "\n\n".join(scripts), "</script>"]))
