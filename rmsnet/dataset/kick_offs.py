"""Where the periods of a game lie in its files, when those begin before kick-off or hold a whole match.

<game>/kick_offs.json    [174, 534, 894, 1254]: seconds in its file at which each period begins
"""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise
from math import ceil

from rmsnet.dataset.description import Description, FeatureKind
from rmsnet.dataset.game_files import GameFiles
from rmsnet.documents import read_document
from rmsnet.errors import UserError

KICK_OFFS = "kick_offs.json"

_ADVICE = "write the seconds in its file at which each period begins, such as [65.0, 2130.5]"


def read_kick_offs(files: GameFiles, game: str, description: Description) -> tuple[float, ...] | None:
    """Second in its file at which each period begins; None where every file begins with its period.

    Raises:
        UserError: a match in one file, and no word where its periods begin; a malformed list.
    """
    where, content = f"{files.source}/{game}/{KICK_OFFS}", files.read(game, KICK_OFFS)
    if content is None:
        if description.files == "match":
            raise UserError(f"{where}: no such file; {_ADVICE}")
        return None
    seconds = read_document(content, tuple[float, ...], where, _ADVICE)
    if len(seconds) != len(description.periods):
        raise UserError(f"{where}: {len(seconds)} kick-offs for {len(description.periods)} periods; {_ADVICE}")
    if min(seconds) < 0:
        raise UserError(f"{where}: {min(seconds)} s is before the start of the file")
    if description.files == "match" and any(after <= before for before, after in pairwise(seconds)):
        raise UserError(f"{where}: the kick-offs of one file are not in order; {_ADVICE}")
    return seconds


def placed(position_ms: int, kick_offs: Sequence[float]) -> tuple[int, int]:
    """Period, and milliseconds in it, of a time in the file that holds the match.

    Raises:
        ValueError: it is before the first kick-off.
    """
    number = bisect_right([round(1000 * seconds) for seconds in kick_offs], position_ms)
    if not number:
        raise ValueError(f"is before the first kick-off, at {kick_offs[0]:.1f} s; correct it, or {KICK_OFFS}")
    return number, position_ms - round(1000 * kick_offs[number - 1])


def stretch_of(number: int, kick_offs: Sequence[float], description: Description) -> tuple[float, float]:
    """From and to which second of its file a period is looked for: to the next one, or as long as one lasts at most."""
    begin = kick_offs[number - 1]
    end = begin + description.periods[number - 1].longest_seconds
    if description.files == "match" and number < len(kick_offs):
        end = min(end, kick_offs[number])
    return begin, end


def rows_of(
    number: int, kick_offs: Sequence[float] | None, rows: int, kind: FeatureKind, description: Description, where: str
) -> slice:
    """The rows of a feature file that show a period; row 0 of them lies as close to its place as rows can.

    Args:
        number: of the period, from 1.
        kick_offs: of the game.
        rows: of the file.
        kind: their rate.
        description: of the dataset.
        where: the file, for messages.

    Raises:
        UserError: the period begins behind the end of the file.
    """
    if kick_offs is None:
        return slice(0, rows)
    begin, end = stretch_of(number, kick_offs, description)
    first = round(begin * kind.frame_rate)
    if first >= rows:
        seconds = rows / kind.frame_rate
        raise UserError(f"{where}: is {seconds:.0f} s long, period {number} begins at {begin:.0f} s by {KICK_OFFS}")
    return slice(first, min(rows, ceil((end - kind.first_frame_seconds) * kind.frame_rate)))
