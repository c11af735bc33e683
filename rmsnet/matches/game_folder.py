"""The files of a game's folder as a match: features and videos of its periods, labels, and what is not used."""

import glob
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from rmsnet.dataset.class_lists import ClassList, class_list, classes_of, difference
from rmsnet.dataset.description import DESCRIPTION, SOCCERNET, Description, FeatureKind, read_description
from rmsnet.dataset.feature_files import open_features
from rmsnet.dataset.game_events import game_events
from rmsnet.dataset.game_files import GameFiles
from rmsnet.dataset.game_videos import footage_of, number_in_names
from rmsnet.dataset.kick_offs import KICK_OFFS, read_kick_offs, rows_of
from rmsnet.dataset.labels import LABEL_FILES, Event, in_extra_time
from rmsnet.dataset.periods import periods_of
from rmsnet.errors import UserError
from rmsnet.matches.match import Match, MatchHalf
from rmsnet.reading.pieces import is_there, size_of, wholes
from rmsnet.video.files import half_in_name, sizes_of, videos_in, videos_of


@dataclass(frozen=True)
class Annotated:
    """What the label files of a game say.

    Attributes:
        events: of the model's classes; None: no label file has those.
        notes: why a label file that is there is not shown.
    """

    events: Sequence[Event] | None
    notes: tuple[str, ...] = ()


DEEPEST = 4
"""A game's folder lies at most so far below that of its dataset."""


def known_to_model(config: Mapping[str, Any]) -> Description:
    """What a model takes matches for that belong to no dataset: its periods, its features."""
    kind = FeatureKind(config["features"]["name"], 0, config["frame_rate"], config["first_frame_seconds"])
    return replace(SOCCERNET, features=(kind,), periods=periods_of(config))


def match_of_game(folder: Path, name: str, features: str, classes: Sequence[str], known: Description) -> Match | None:
    """The match in a game's folder; None: there is none.

    Args:
        folder: of the game.
        name: of the match.
        features: the model's kind of features.
        classes: the model's classes; they say which label file holds the truth.
        known: of what kind a game is that belongs to no dataset.

    Raises:
        UserError: a half in several pieces; malformed labels or kick-offs.
    """
    description = _around(folder) or _by_files(folder, features, known)
    files = GameFiles(folder.resolve().parent)
    there = description.files == "period" or (folder / KICK_OFFS).exists()
    kick_offs = read_kick_offs(files, folder.resolve().name, description) if there else None
    if not there:
        return None
    halves = find_halves(folder, features, description, kick_offs)
    if not halves:
        return None
    return as_match(
        name, folder, halves, annotated(files, folder.resolve().name, classes, description), features, description
    )


def _around(folder: Path) -> Description | None:
    """What the dataset that a game lies in says of itself; None: there is none."""
    for parent in folder.resolve().parents[:DEEPEST]:
        if (parent / DESCRIPTION).exists():
            try:
                return read_description(parent)[0]
            except UserError:  # a file of this name that is none of ours
                return None
    return None


def _by_files(folder: Path, features: str, known: Description) -> Description:
    """One file holds the match where kick-offs are said and no file is named by its half."""
    named = {*videos_in(folder), *(half_in_name(path) for path in _arrays(folder, features))}
    whole = (folder / KICK_OFFS).exists() and not named.intersection(known.numbers)
    return replace(known, files="match") if whole else known


def _arrays(folder: Path, features: str) -> list[Path]:
    name = f"[1-9]_{glob.escape(features)}"
    return wholes((*folder.glob(f"{name}.npy"), *folder.glob(f"{name}.*.npy")))


def find_halves(
    folder: Path, features: str, description: Description = SOCCERNET, kick_offs: Sequence[float] | None = None
) -> tuple[MatchHalf, ...]:
    """The halves of a game folder, with the features and the videos of each.

    Args:
        folder: of the game.
        features: name of the kind of features.
        description: which periods there are, and how files map to them.
        kick_offs: second in its file at which each period begins; None: every file begins with its period.

    Raises:
        UserError: a half in several pieces; features that end before their period begins.
    """
    kind, found = description.kind(features), []
    for number in description.numbers:
        array = folder / description.file_name(number, f"{features}.npy")
        named, rows = number_in_names(number, description), None
        used, _ = sizes_of(videos_of(folder, named), named)
        if is_there(array) and kick_offs is not None:
            rows = rows_of(number, kick_offs, len(open_features(array)), kind, description, str(array))
        if is_there(array) or used:
            by_size = sorted(used, key=size_of)
            videos = tuple(footage_of(video, number, kick_offs, description) for video in by_size)
            found.append(MatchHalf(number, array if is_there(array) else None, videos, rows))
    return tuple(found)


def as_match(
    name: str,
    folder: Path,
    halves: tuple[MatchHalf, ...],
    labels: Annotated,
    features: str,
    description: Description,
) -> Match:
    """A match of no more halves than there are, with what of it is left out."""
    events = labels.events
    late = [event.half for event in events or () if event.half not in description.numbers]
    notes = (*_notes(folder, features, description), *labels.notes)
    notes += (f"{name}: {in_extra_time(late)} left out",) if late else ()
    present = {half.number for half in halves}
    kept = None if events is None else tuple(event for event in events if event.half in present)
    return Match(name, halves, kept, description.simulated, notes)


def _notes(folder: Path, features: str, description: Description) -> tuple[str, ...]:
    """What lies in a game folder and is not used."""
    numbers = description.numbers
    places = (None,) if description.files == "match" else numbers
    notes = [
        f"{path}: not used; its name says no size (224p, 720p), as that of the other videos does"
        for number in places
        for path in sizes_of(videos_of(folder, number), number)[1]
    ]
    if description.files == "match":
        return tuple(notes)
    later = [path for number, paths in sorted(videos_in(folder).items()) if number not in numbers for path in paths]
    later += [path for path in _arrays(folder, features) if half_in_name(path) not in numbers]
    if later:
        names = ", ".join(path.name for path in later)
        where = "halves 1 and 2, not in extra time" if len(numbers) == 2 else f"periods 1 to {numbers[-1]}"
        notes.append(f"{folder}: {names}: not used; events are spotted in {where}")
    return tuple(notes)


def annotated(files: GameFiles, game: str, classes: Sequence[str], description: Description) -> Annotated:
    """The annotated events of a game, from the label file that names the model's classes."""
    own = [] if description.labels is None else [classes_of(description, "")]
    lists = [*own, *map(class_list, LABEL_FILES)]
    there = [listed for listed in lists if files.read(game, listed.label_file) is not None]
    for listed in there:
        if set(classes) == set(listed.classes):
            return Annotated(game_events(files, game, listed, description, extra_time=True))
    return Annotated(None, tuple(map(partial(_of_others, classes), there[:1])))


def _of_others(classes: Sequence[str], listed: ClassList) -> str:
    what = f"{listed.label_file} is not shown as the truth: its classes are not the model's"
    return what + difference(classes, listed.classes)
