"""How far annotators agree: events matched within a tolerance, classes compared, one file made of all.

Two annotators have found the same event where each has one of the same class, in the same half, within the tolerance;
no event counts twice. F1 is the share of their events that both have found, 2 · both / (first's + second's): neither is
the truth. Where both have an event and call it differently, Cohen's kappa of the classes of all events that both have
says how much more than by chance they agree (Cohen 1960).
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rmsnet.dataset.formats.document import Annotations, Mark, Timeline
from rmsnet.dataset.labels import LabelFile
from rmsnet.errors import UserError

ANNOTATORS = "annotators"
"""Who has found an event of a merged file."""


@dataclass(frozen=True)
class Agreement:
    """Two annotators' events held against each other.

    Attributes:
        both: pairs of one class.
        otherwise: pairs that are called differently.
        first, second: events that the other does not have.
    """

    both: tuple[tuple[Mark, Mark], ...]
    otherwise: tuple[tuple[Mark, Mark], ...]
    first: tuple[Mark, ...]
    second: tuple[Mark, ...]

    @property
    def f1(self) -> float | None:
        """None: neither has an event."""
        events = 2 * (len(self.both) + len(self.otherwise)) + len(self.first) + len(self.second)
        return 2 * len(self.both) / events if events else None

    @property
    def kappa(self) -> float | None:
        """None: there are no events of both, or all are of one class."""
        pairs = [(one.label, other.label) for one, other in (*self.both, *self.otherwise)]
        if not pairs:
            return None
        firsts, seconds = Counter(one for one, _ in pairs), Counter(other for _, other in pairs)
        chance = sum(firsts[label] * seconds[label] for label in firsts) / len(pairs) ** 2
        return None if chance == 1 else (len(self.both) / len(pairs) - chance) / (1 - chance)

    @property
    def per_class(self) -> dict[str, dict[str, int]]:
        """How often each class was found by both, by the first alone, by the second alone."""
        counts = {
            "both": Counter(one.label for one, _ in self.both),
            "first": Counter(mark.label for mark in (*self.first, *(one for one, _ in self.otherwise))),
            "second": Counter(mark.label for mark in (*self.second, *(other for _, other in self.otherwise))),
        }
        labels = sorted({label for counter in counts.values() for label in counter})
        return {label: {name: counter[label] for name, counter in counts.items()} for label in labels}


def agreement(first: Iterable[Mark], second: Iterable[Mark], tolerance_ms: int) -> Agreement:
    """Match the events of two annotators of one match."""
    left, right = list(first), list(second)
    both: list[tuple[Mark, Mark]] = []
    labels = sorted({mark.label for mark in (*left, *right)})
    for label in labels:
        of_left, of_right = ([mark for mark in side if mark.label == label] for side in (left, right))
        both += _pairs(of_left, of_right, tolerance_ms)
    left, right = _without(left, [one for one, _ in both]), _without(right, [other for _, other in both])
    otherwise = _pairs(left, right, tolerance_ms)
    left, right = _without(left, [one for one, _ in otherwise]), _without(right, [other for _, other in otherwise])
    return Agreement(tuple(both), tuple(otherwise), tuple(left), tuple(right))


def _pairs(first: Sequence[Mark], second: Sequence[Mark], tolerance_ms: int) -> list[tuple[Mark, Mark]]:
    """As many pairs within the tolerance as there can be: in order of time, each with the first that is near."""
    pairs = []
    waiting = sorted(second, key=_time)
    for mark in sorted(first, key=_time):
        while waiting and _time(waiting[0]) < (mark.half, mark.position_ms - tolerance_ms):
            waiting.pop(0)
        if waiting and _time(waiting[0]) <= (mark.half, mark.position_ms + tolerance_ms):
            pairs.append((mark, waiting.pop(0)))
    return pairs


def _time(mark: Mark) -> tuple[int, int]:
    return mark.half, mark.position_ms


def _without(marks: Iterable[Mark], taken: Iterable[Mark]) -> list[Mark]:
    gone = {id(mark) for mark in taken}
    return [mark for mark in marks if id(mark) not in gone]


def joined_agreement(parts: Iterable[Agreement]) -> Agreement:
    """Of several matches together."""
    listed = list(parts)
    return Agreement(
        tuple(pair for part in listed for pair in part.both),
        tuple(pair for part in listed for pair in part.otherwise),
        tuple(mark for part in listed for mark in part.first),
        tuple(mark for part in listed for mark in part.second),
    )


def same_games(paths: Sequence[Path], documents: Sequence[Annotations]) -> dict[str, list[list[Mark]]]:
    """The events of each annotator for each game that all have, by the first one's names.

    Raises:
        UserError: a file of another match.
    """
    listed = [
        {_said(name, path): [mark for piece in pieces for mark in piece.marks] for name, pieces in found.games.items()}
        for path, found in zip(paths, documents, strict=True)
    ]
    first = listed[0]
    for path, games in zip(paths[1:], listed[1:], strict=True):
        if len(games) == len(first) == 1:  # one match each: two names may be one game
            (name,), (known,) = games, first
            if name and known and LabelFile(name, []).other_game(known):
                raise UserError(f"{path}: is of {name!r}, {paths[0]} of {known!r}; compare files of one match")
            games[known] = games.pop(name)
    shared = [name for name in first if all(name in games for games in listed)]
    if not shared:
        raise UserError(f"{paths[0]}: none of its matches is in all the others; compare files of the same matches")
    return {name: [games[name] for games in listed] for name in shared}


def _said(name: str, path: Path) -> str:
    """The game that a file names; "" it names none but its own file or folder."""
    own = (path.name.split(".")[0], path.stem, path.resolve().parent.name)
    return "" if path.is_file() and name in own else name


def merged(sides: Sequence[Sequence[Mark]], names: Sequence[str], tolerance_ms: int) -> list[Mark]:
    """The events of several annotators as one list, in order of time.

    An event that several have found is there once, at the middle one of the times that they have given. What not all
    have found is marked unsure; so is each of two that are called differently.
    """
    found: list[list[tuple[str, Mark]]] = []
    for name, side in zip(names, sides, strict=True):
        known = {id(group[0][1]): group for group in found}
        matched = agreement((group[0][1] for group in found), side, tolerance_ms)
        for one, other in matched.both:
            known[id(one)].append((name, other))
        found += [[(name, mark)] for mark in (*matched.second, *(other for _, other in matched.otherwise))]
    marks = []
    for group in found:
        middle = sorted((mark for _, mark in group), key=_time)[(len(group) - 1) // 2]
        extra = {**middle.extra, ANNOTATORS: ", ".join(name for name, _ in group)}
        if len(group) < len(names):
            extra["unsure"] = "yes"
        marks.append(replace(middle, extra=extra))
    return sorted(marks, key=_time)


def merged_document(
    paths: Sequence[Path],
    documents: Sequence[Annotations],
    games: Mapping[str, list[list[Mark]]],
    tolerance_ms: int,
) -> Annotations:
    """The first annotator's document with the events of all, for the games that all have."""
    pieces: list[Timeline] = []
    for name, of_game in documents[0].games.items():
        if _said(name, paths[0]) not in games:
            continue
        marks = merged(games[_said(name, paths[0])], [path.stem for path in paths], tolerance_ms)
        known = {piece.half: piece for piece in of_game}
        for half in sorted({*known, *(mark.half for mark in marks)}):
            of_half = tuple(mark for mark in marks if mark.half == half)
            pieces.append(replace(known.get(half) or Timeline(name, half), marks=of_half))
    classes = tuple(dict.fromkeys(name for document in documents for name in document.classes))
    return replace(documents[0], timelines=tuple(pieces), classes=classes)
