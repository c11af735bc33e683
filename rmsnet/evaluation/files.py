"""Labels and predictions of anybody's games, as folders or zips, checked while they are read; predictions written.

Predictions are SoccerNet's `<league>/<season>/<game>/results_spotting.json`:

    {"UrlLocal": game, "predictions": [{"gameTime": "1 - 06:28", "label": "Goal", "position": "388000",
                                        "half": "1", "confidence": "0.98"}, …]}
"""

import multiprocessing
import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rmsnet.dataset.class_lists import ClassList
from rmsnet.dataset.description import SOCCERNET, Description, read_description
from rmsnet.dataset.game_events import game_events
from rmsnet.dataset.game_files import GameFiles
from rmsnet.dataset.labels import (
    EXTRA_TIME,
    HALVES,
    LabelFile,
    extra_time_of,
    in_extra_time,
    of_another_game,
    parse_game_time,
    read_label_file,
    require_no_extra_time,
    truth_of,
    whole_number,
)
from rmsnet.dataset.soccernet import read_split, read_split_file, split_file
from rmsnet.documents import LARGEST_NUMBER
from rmsnet.errors import UserError
from rmsnet.evaluation.results import RESULTS
from rmsnet.evaluation.sound_files import Columns, is_time, sound_annotations, sound_predictions
from rmsnet.logs import log
from rmsnet.reading.names import fault_of
from rmsnet.spots import Predictions, Truth

SHOWN_LABELS = 8
"""How many known labels an error message lists."""

LARGE_BYTES = 256 << 20
"""Predictions of more than so many bytes are read by several processes; below, starting them does not pay."""

MAX_READERS = 8
"""So many games' files are in memory at a time, at most."""


def games_of_split(split: str, labels: Path, official: Mapping[str, Sequence[str]] | None = None) -> list[str]:
    """The games of a split by name ("train", "valid", "test", …) or of a split list by path (….json).

    A named list is taken from the labels' folder (for a zip: the folder it lies in) where there is one, else the
    official one, SoccerNet's unless `official` has one of this name.

    Raises:
        UserError: no such list, a malformed or empty one, one that names a game twice or a path that leads out.
    """
    if split.endswith(".json"):
        games = read_split_file(Path(split))
    else:
        folder = labels if labels.is_dir() else labels.parent
        is_known = split in (official or {}) and not (folder / split_file(split)).exists()
        games = list((official or {})[split]) if is_known else read_split(folder, split)
    if not games:
        raise UserError(f"split {split}: lists no game")
    seen = set()
    for game in games:
        fault = fault_of(game)
        if fault:
            raise UserError(f"split {split}: game {game!r} {fault}")
        if game in seen:
            raise UserError(f"split {split}: names game {game!r} twice")
        seen.add(game)
    return games


def describe_labels(labels: Path) -> Description:
    """What a folder of labels says of itself; a zip, or a folder without dataset.json, is SoccerNet's."""
    return read_description(labels)[0] if labels.is_dir() else SOCCERNET


def read_truth(source: Path, games: Sequence[str], classes: ClassList, extra_time: bool = False) -> Truth:
    """The events of games; of P periods a match, half P · n + p is the period p of game n, both from 0.

    Args:
        source: folder or zip.
        games: league/season/game.
        classes: what is spotted.
        extra_time: leave out the events of extra time, with a warning, instead of refusing them.

    Raises:
        UserError: a game without annotations, a file that is none or of another of these games, an unknown label, a
            malformed time, events of extra time.
    """
    description = describe_labels(source)
    files = GameFiles(source, games, closed=source.is_dir() and description.links != "follow")
    if classes.entry is not None:
        return truth_of(
            [
                [event for event in events if event.half == half]
                for game in games
                for events in [game_events(files, game, classes, description)]
                for half in description.numbers
            ],
            classes.classes,
        )
    parts = []
    late: list[int] = []
    for number, game in enumerate(games):
        content = files.read(game, classes.label_file)
        where = f"{source}: {game}/{classes.label_file}"
        if content is None:
            raise UserError(f"{source}: game {game!r} has no {classes.label_file}")
        said, columns = ("", None) if classes.teams else sound_annotations(content, classes.of_label)
        if columns is None:
            listed = read_label_file(content, where)
            _require_of_game(listed, game, games, where)
            if extra_time:
                late += extra_time_of(listed.annotations).values()
            else:
                require_no_extra_time(listed.annotations, where, "entry", "--leave-out-extra-time goes on without them")
            rows = list(_checked(listed.annotations, where, lambda row: _read_annotation(row, classes)))
            columns = _columns([row for row in rows if row[0] in HALVES], (np.int64, np.int64, np.int64, np.bool_))
        else:
            _require_of_game(LabelFile(said, []), game, games, where)
        columns[0] += 2 * number - 1
        parts.append(columns)
    if late:
        log.warning(f"{source}: {in_extra_time(late)} left out")
    return Truth(*map(np.concatenate, zip(*parts, strict=True)))


def _require_of_game(listed: LabelFile, game: str, games: Collection[str], where: str) -> None:
    """Refuse a file of another of the games; one of a game that is not known here may merely have been renamed.

    Raises:
        UserError: it says so.
    """
    other = listed.other_game(game)
    if not other:
        return
    if any(not listed.other_game(known) for known in games):
        raise UserError(f"{where}: {of_another_game(other)}")
    log.warning(f"{where}: {of_another_game(other)}")


def _read_annotation(row: Mapping[str, Any], classes: ClassList) -> tuple[int, int, int, bool] | None:
    """Half, milliseconds, class and whether it was shown; None for what is no event."""
    half, seconds = parse_game_time(row["gameTime"], (*HALVES, *EXTRA_TIME))
    label = classes.label_of(row)
    number = classes.of_label[label] if _is_listed(label, classes.of_label, classes) else None
    if number is None:
        return None
    # The development kit reads the last two digits of the minutes.
    position_ms = _read_position(row["position"]) if "position" in row else 1000 * (seconds % 6000)
    return half, position_ms, number, row.get("visibility") != "not shown"


@dataclass(frozen=True)
class FoundPredictions:
    """Predictions for a list of games.

    Attributes:
        predictions: half 2 · n and 2 · n + 1 are those of game n.
        missing: games without a file of predictions.
    """

    predictions: Predictions
    missing: tuple[str, ...]


def read_predictions(
    source: Path, games: Sequence[str], classes: ClassList, allow_missing: bool = False, periods: int = len(HALVES)
) -> FoundPredictions:
    """The predictions for games.

    Args:
        source: folder or zip.
        games: league/season/game.
        classes: what is spotted.
        allow_missing: take a game without predictions for one in which nothing was predicted.
        periods: of a match.

    Raises:
        UserError: a game without predictions, predictions for a game that is not in the list, a file that is none or of
            another of these games, an unknown label, a malformed time or half, a confidence that is no finite number.
    """
    files = GameFiles(source, games)
    others = sorted(set(files.games(RESULTS)) - set(games))
    if others:
        raise UserError(
            f"{source}: predictions for a game outside the split: {others[0]!r}{_and_more(others)}; take them away or "
            "evaluate the split they belong to"
        )
    found = _read_games(files, games, classes, periods)
    missing = [game for game, columns in zip(games, found, strict=True) if columns is None]
    if missing and (not allow_missing or len(missing) == len(games)):
        hint = "" if len(missing) == len(games) else "; --allow-missing takes missing games for empty"
        raise UserError(f"{source}: no predictions ({RESULTS}) for game {missing[0]!r}{_and_more(missing)}{hint}")
    parts = [columns for columns in found if columns is not None]
    half, position_ms, label = (np.concatenate([part[column] for part in parts], dtype=np.int64) for column in range(3))
    confidence = np.concatenate([part[3] for part in parts])
    return FoundPredictions(Predictions(half, position_ms, label, confidence), tuple(missing))


def _read_games(files: GameFiles, games: Sequence[str], classes: ClassList, periods: int) -> list[Columns | None]:
    """The columns of each game, None where it has no predictions; many bytes are read by a process per core."""
    read = partial(_read_game, files, classes, games, periods)
    numbered = (range(len(games)), games)
    readers = min(os.cpu_count() or 1, MAX_READERS)
    is_large = sum(files.size(game, RESULTS) for game in games) > LARGE_BYTES
    if not is_large or readers == 1 or "fork" not in multiprocessing.get_all_start_methods():
        return list(map(read, *numbered))
    try:
        with ProcessPoolExecutor(readers, multiprocessing.get_context("fork")) as pool:
            return list(pool.map(read, *numbered))
    except BrokenProcessPool:
        raise UserError(f"{files.source}: a process that read it was killed; is there enough memory?") from None


def _read_game(
    files: GameFiles, classes: ClassList, games: Sequence[str], periods: int, number: int, game: str
) -> Columns | None:
    content = files.read(game, RESULTS)
    if content is None:
        return None
    columns = _predictions_of(content, f"{files.source}: {game}/{RESULTS}", game, classes, games, periods)
    columns[0] += periods * number - 1
    # Small integers come from another process twice as fast.
    return [column if column.dtype == np.float64 else _narrowed(column) for column in columns]


def _narrowed(column: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
    """The same integers in the narrowest type that holds them."""
    ends = (np.min_scalar_type(end) for end in (column.min(initial=0), column.max(initial=0)))
    return column.astype(np.result_type(*ends))


def _predictions_of(
    content: bytes, where: str, game: str, classes: ClassList, games: Sequence[str], periods: int
) -> Columns:
    index = {label: number for number, label in enumerate(classes.classes)}
    said, columns = ("", None) if classes.teams else sound_predictions(content, index, periods)
    if columns is None:
        listed = read_label_file(content, where, "predictions")
        said = listed.game
        checked = list(_checked(listed.annotations, where, lambda row: _read_prediction(row, index, classes, periods)))
        columns = _columns(checked, (np.int64, np.int64, np.int64, np.float64))
    _require_of_game(LabelFile(said, []), game, games, where)
    return columns


def _read_prediction(
    row: Mapping[str, Any], index: Mapping[str, int], classes: ClassList, periods: int
) -> tuple[int, int, int, float] | None:
    """Half, milliseconds, class and confidence; None for a label that is left out."""
    label = classes.label_of(row)
    if not _is_listed(label, index, classes):
        return None
    half = whole_number(row["half"])
    if not 1 <= half <= periods:
        raise ValueError(f"half {half}; there are halves 1 {'and 2' if periods == len(HALVES) else f'to {periods}'}")
    try:
        confidence = float(row["confidence"])
    except (TypeError, ValueError):
        raise ValueError(f"confidence {row['confidence']!r} is no number") from None
    if not abs(confidence) < LARGEST_NUMBER:
        raise ValueError(f"confidence {confidence} is {'too large' if np.isfinite(confidence) else 'not finite'}")
    return half, _read_position(row["position"]), index[label], confidence


def _is_listed(label: Any, known: Collection[str], classes: ClassList) -> bool:
    """Whether a label is known; one that is not is left out or refused.

    Raises:
        ValueError: it is refused.
    """
    if not isinstance(label, str):
        raise ValueError(f"label {label!r} is no text")
    if label in known or classes.ignore_others:
        return label in known
    names = sorted(known)
    listed = ", ".join(names[:SHOWN_LABELS]) + (", …" if len(names) > SHOWN_LABELS else "")
    raise ValueError(
        f"label {label!r} is not in the class list {classes.name} ({listed}); --ignore-other-labels leaves such out"
    )


def _read_position(value: Any) -> int:
    """Milliseconds from the start of the half.

    Raises:
        ValueError: the value is no time.
    """
    try:
        position_ms = whole_number(value)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"position {value!r} is no number of milliseconds") from None
    if not is_time(position_ms):
        raise ValueError(f"position {position_ms} ms is no time in a half")
    return position_ms


def _columns(rows: Sequence[tuple[Any, ...]], kinds: Sequence[type]) -> Columns:
    """Rows as arrays, one for each kind."""
    columns = zip(*rows, strict=True) if rows else [()] * len(kinds)
    return [np.array(column, kind) for column, kind in zip(columns, kinds, strict=True)]


def _checked(rows: list[Any], where: str, read: Callable[[Any], Any]) -> Iterator[Any]:
    """What `read` makes of each row, without the Nones.

    Raises:
        UserError: `read` raised; the message names the row.
    """
    for number, row in enumerate(rows):
        try:
            made = read(row)
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
            reason = f"no {error}" if isinstance(error, KeyError) else str(error)
            raise UserError(f"{where}: entry {number}: {reason}") from None
        if made is not None:
            yield made


def _and_more(games: Sequence[str]) -> str:
    return f" and {len(games) - 1} more" if len(games) > 1 else ""
