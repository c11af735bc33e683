"""The events of a game, whoever wrote its label file."""

from collections import Counter
from fractions import Fraction
from pathlib import PurePosixPath

from rmsnet.dataset.class_lists import ClassList
from rmsnet.dataset.description import SOCCERNET, Description
from rmsnet.dataset.formats.sources import SourceFile
from rmsnet.dataset.formats.stated import Stated, unknown_labels
from rmsnet.dataset.game_files import GameFiles
from rmsnet.dataset.kick_offs import placed, read_kick_offs
from rmsnet.dataset.labels import HALVES, Event, read_events
from rmsnet.errors import UserError


def game_events(
    files: GameFiles,
    game: str,
    classes: ClassList,
    description: Description = SOCCERNET,
    extra_time: bool = False,
) -> list[Event]:
    """The events of one game, in file order, duplicates kept; those of no class are left out.

    Args:
        files: of the dataset.
        game: league/season/game.
        classes: what is spotted; which file holds it, and how.
        description: of the dataset: its periods, and where they lie in the files.
        extra_time: of SoccerNet's files, give the events of extra time, too, instead of refusing them.

    Raises:
        UserError: the game has no such label file, or a bad one; a label that is no class, with the nearest one; an
            event outside the periods.
    """
    content = files.read(game, classes.label_file)
    where = f"{files.source}/{game}/{classes.label_file}"
    if content is None:
        raise UserError(f"{files.source}: game {game!r} has no {classes.label_file}")
    if classes.entry is None:
        extra_time = extra_time or len(description.periods) > len(HALVES)
        return read_events(content, classes.name, where, game, extra_time)
    from rmsnet.dataset.formats.registry import FORMATS

    entry = classes.entry
    file = SourceFile(content, PurePosixPath(game) / entry.file, where)
    document = FORMATS[entry.format].read(file, Stated((), Fraction(entry.fps) if entry.fps else None, entry.times))
    unknown = unknown_labels(Counter(mark.label for mark in document.marks), classes.of_label)
    if unknown:
        raise UserError(f"{where}: unknown class {unknown}; correct it, or list it in dataset.json")
    kick_offs = read_kick_offs(files, game, description) if entry.clock == "file" else None
    events = []
    for mark in document.marks:
        number = classes.of_label[mark.label]
        if number is None:
            continue
        try:
            half, position_ms = _placed(mark, kick_offs, len(description.periods))
        except ValueError as error:
            raise UserError(f"{where}: {mark.label!r} at {mark.position_ms / 1000:.1f} s: {error}") from None
        events.append(Event(half, position_ms, classes.classes[number], mark.team, mark.visible))
    return events


def _placed(mark: Event, kick_offs: tuple[float, ...] | None, periods: int) -> tuple[int, int]:
    if kick_offs is not None:
        return placed(mark.position_ms, kick_offs)
    if mark.half > periods:
        raise ValueError(f"is in period {mark.half}; dataset.json has {periods}")
    if mark.position_ms < 0:
        raise ValueError("is before the start of its period")
    return mark.half, mark.position_ms
