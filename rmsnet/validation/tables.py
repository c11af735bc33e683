"""A dataset as tables, read so that nothing in it can stop the reading: what is wrong becomes a value in a row.

games     a row per game and split that lists it
halves    a row per half of every game that lies in the dataset
features  a row per feature file; none where features are still to be made from the videos
events    a row per annotation, in file order
classes   a row per split and class, with its events
"""

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from rmsnet.dataset.feature_files import ArrayHeader, Features, map_features
from rmsnet.dataset.game_files import leaves_dataset
from rmsnet.dataset.labels import CLASSES, HALVES, LABEL_FILES, LABELS, event_class, read_annotations, split_game_time
from rmsnet.dataset.soccernet import FEATURE_RATES, FEATURE_WIDTHS, FRAME_RATE, Dataset
from rmsnet.errors import UserError
from rmsnet.features.profile import profile_frames
from rmsnet.params import ExtractParams
from rmsnet.progress import progress
from rmsnet.validation.contents import Contents, read_contents
from rmsnet.video.files import VIDEO_SUFFIXES, find_video, judged_half, kind_of, sizes_of, videos_in

READERS = 4
"""Feature files read at once: hashing and NumPy leave the interpreter to each other."""

VIDEOS = ("224p", "720p", "HQ")
"""The videos that may lie beside a half's features, in the order of preference."""

TRAINING_SPLIT = "train"

GOOD = "good"
"""What a column that says what is wrong says when nothing is."""

# What may lie in a game's folder: features and videos of its halves, SoccerNet's label files, detections, notes.
_VIDEO = "|".join(sorted(suffix.removeprefix(".") for suffix in VIDEO_SUFFIXES))
_EXPECTED_FILE = re.compile(
    rf"[12]_\w+\.(npy|json)|[12](_\w+)?\.(?i:{_VIDEO})|Labels(-[a-z0-9]+)?\.json|video\.ini|results_spotting\.json"
)
_GAME_NAME = re.compile(r"[\w-]+/\d{4}-\d{4}/\d{4}-\d\d-\d\d - \d\d-\d\d \S.* \d+ - \d+ .*\S")
_TWO_DIGITS = re.compile(r"\d+ - \d{2,3}:\d\d")


@dataclass(frozen=True)
class Tables:
    """A dataset as tables.

    Attributes:
        games: split, game, name, folder, labels, unexpected_files, late_share.
        halves: split, game, half, file, minutes, minutes_against_median, rate_against_video, video_gap_seconds, …
        features: split, game, half, problem, dtype, width, expected_width, frames, not_finite_rows, …
        events: split, game, number, label, game_time, half, seconds, …
        classes: split, class, events.
        contents: of each feature file that can be read, by (game, half).
    """

    games: pd.DataFrame
    halves: pd.DataFrame
    features: pd.DataFrame
    events: pd.DataFrame
    classes: pd.DataFrame
    contents: Mapping[tuple[str, int], Contents]

    def by_name(self) -> dict[str, pd.DataFrame]:
        """The tables themselves, in the order in which they are judged."""
        names = ("games", "halves", "features", "events", "classes")
        return {name: getattr(self, name) for name in names}


def read_tables(dataset: Dataset, params: ExtractParams, classes: str, contents: bool = True) -> Tables:
    """Read a dataset's lists, folders, labels, features and what its videos say of themselves.

    Args:
        dataset: of `rmsnet.dataset.soccernet.list_dataset`.
        params: the extract section: which feature files, {1,2}_<features>.npy, or videos, {1,2}_<videos>.mkv (.mp4, …).
        classes: which labels: "v1" or "v2".
        contents: False: read the headers of the feature files only.
    """
    games = pd.DataFrame(
        [_clean(_game_row(dataset, split, game, classes)) for split, names in dataset.splits.items() for game in names]
    )
    present = games[games.folder == GOOD].drop_duplicates("game")
    files = [
        (str(split), str(game), half)
        for split, game in zip(present.split, present.game, strict=True)
        for half in HALVES
    ]
    feature_files = files if params.source == "features" else []
    scans = _scan_all(dataset, feature_files, params.features, contents)
    feature_rows = _features_table(dataset, feature_files, scans, params.features)
    halves = _halves_table(dataset, files, feature_rows, params)
    events = _events_table(dataset, present, halves, classes)
    late = events.assign(late=events.seconds_past_end > 0).groupby("game").late.mean()
    games["late_share"] = games.game.map(late)
    return Tables(
        games,
        halves,
        feature_rows,
        events,
        _classes_table(dataset, events, classes),
        {place: contents for place, (_, contents) in scans.items() if contents is not None},
    )


def _game_row(dataset: Dataset, split: str, game: str, classes: str) -> dict[str, Any]:
    folder = _folder_state(dataset, game)
    names = sorted(path.name for path in (dataset.root / game).iterdir()) if folder == GOOD else []
    unexpected = [name for name in names if not _EXPECTED_FILE.fullmatch(name) and not name.startswith(".")]
    return {
        "split": split,
        "game": game,
        "name": GOOD if _GAME_NAME.fullmatch(game) else "unusual",
        "folder": folder,
        "labels": _labels_state(dataset, game, classes, unexpected) if folder == GOOD else None,
        "unexpected_files": ", ".join(unexpected) or GOOD,
    }


def _clean(row: Mapping[str, Any]) -> dict[str, Any]:
    """The row with what is no text (halves of surrogate pairs, file names that are not UTF-8) written out."""
    return {
        key: value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value
        for key, value in row.items()
    }


def _folder_state(dataset: Dataset, game: str) -> str:
    if not game.isprintable():
        return "its name holds characters that cannot be printed"
    if leaves_dataset(dataset.root, game):
        return "leads out of the dataset"
    return GOOD if (dataset.root / game).is_dir() else "absent"


def _labels_state(dataset: Dataset, game: str, classes: str, unexpected: Iterable[str]) -> str:
    others = [name for name in unexpected if name.lower().startswith("label")]
    if others:
        return f"another label file beside {LABEL_FILES[classes]}: {', '.join(others)}"
    try:
        _annotations(dataset, game, classes)
    except UserError as error:
        return str(error)
    return GOOD


def _annotations(dataset: Dataset, game: str, classes: str) -> list[Any]:
    name = LABEL_FILES[classes]
    if leaves_dataset(dataset.root, f"{game}/{name}"):
        raise UserError(f"{name} leads out of the dataset")
    content = dataset.labels().read(game, name)
    if content is None:
        raise UserError(f"no {name}")
    return read_annotations(content, name)


def _scan_all(
    dataset: Dataset, files: Sequence[tuple[str, str, int]], features: str, contents: bool
) -> dict[tuple[str, int], tuple[ArrayHeader, Contents | None]]:
    """Header and contents of every feature file, by (game, half); a few files are read at a time."""
    training_halves = sum(split == TRAINING_SPLIT for split, _, _ in files)

    def scan(place: tuple[str, str, int]) -> tuple[ArrayHeader, Contents | None]:
        split, game, half = place
        array = _open_half(dataset, game, half, features)
        if isinstance(array, ArrayHeader):
            return array, None
        header = ArrayHeader(GOOD, str(array.dtype), array.shape)
        if not contents:
            return header, None
        # What a half gives to the profile of the training data; the other splits give nothing.
        sample = profile_frames(len(array), training_halves) if split == TRAINING_SPLIT else np.zeros(0, np.int64)
        return header, read_contents(array, sample)

    scans = {}
    with (
        ThreadPoolExecutor(min(READERS, os.cpu_count() or 1)) as pool,
        progress("validate", "file", len(files), shown=contents) as done,
    ):
        for (_, game, half), found in zip(files, pool.map(scan, files), strict=True):
            scans[game, half] = found
            done(1)
    return scans


def _open_half(dataset: Dataset, game: str, half: int, features: str) -> Features | ArrayHeader:
    """A half's features, memory-mapped, or what is wrong with them."""
    path = dataset.features_path(game, half, features)
    if leaves_dataset(dataset.root, f"{game}/{path.name}"):
        return ArrayHeader("leads out of the dataset")
    return map_features(path) if path.exists() else ArrayHeader("absent")


def _features_table(
    dataset: Dataset,
    files: Iterable[tuple[str, str, int]],
    scans: Mapping[tuple[str, int], tuple[ArrayHeader, Contents | None]],
    features: str,
) -> pd.DataFrame:
    rate = FEATURE_RATES.get(features, FRAME_RATE)
    rows = []
    for split, game, half in files:
        header, contents = scans[game, half]
        row: dict[str, Any] = {"split": split, "game": game, "half": half, "problem": header.problem}
        if header.problem == GOOD:
            row |= {"dtype": header.dtype, "frames": header.shape[0], "width": header.shape[1]}
        if contents is not None:
            row |= {
                "not_finite_rows": contents.not_finite_rows,
                "constant_rows": contents.constant_rows,
                "repeated_share": contents.repeated_rows / header.shape[0],
                "longest_still_seconds": (contents.longest_repeat - 1) / rate,
                "content": contents.hash,
            }
        rows.append(row)
    columns = ["split", "game", "half", "problem", "dtype", "frames", "width", "not_finite_rows", "constant_rows"]
    table = pd.DataFrame(rows, columns=[*columns, "repeated_share", "longest_still_seconds", "content"])
    usual = table.width.mode()
    table["expected_width"] = FEATURE_WIDTHS.get(features, usual[0] if len(usual) else np.nan)
    table["wrong_width"] = table.width - table.expected_width
    return table


def _halves_table(
    dataset: Dataset, files: Iterable[tuple[str, str, int]], features_table: pd.DataFrame, params: ExtractParams
) -> pd.DataFrame:
    rate = FEATURE_RATES.get(params.features, FRAME_RATE)
    frames = features_table.set_index(["game", "half"]).frames.to_dict()
    rows = []
    for split, game, half in files:
        video, video_seconds, remarks = _video(dataset, game, half, params)
        others = _other_lengths(dataset, game, half, params.features)
        seconds = frames.get((game, half), np.nan) / rate
        rows.append(
            {
                "split": split,
                "game": game,
                "half": half,
                "minutes": (seconds if params.source == "features" else video_seconds) / 60,
                "video": video or GOOD,
                "video_remarks": "; ".join(remarks) or GOOD,
                "video_seconds": video_seconds,
                "rate_against_video": seconds / video_seconds,
                "video_gap_seconds": abs(seconds - video_seconds),
                "other_features": ", ".join(sorted(others)),
                "other_gap_seconds": max((abs(seconds - other) for other in others.values()), default=np.nan),
            }
        )
    columns = ["split", "game", "half", "minutes", "video", "video_remarks", "video_seconds", "rate_against_video"]
    table = pd.DataFrame(rows, columns=[*columns, "video_gap_seconds", "other_features", "other_gap_seconds"])
    table["minutes_against_median"] = table.minutes / table.minutes.median()
    return table


def _video(dataset: Dataset, game: str, half: int, params: ExtractParams) -> tuple[str, float, tuple[str, ...]]:
    """What `judged_half` says of the video that a half's features are extracted from, or that lies beside them."""
    folder = dataset.root / game
    videos = videos_in(folder).get(half, [])
    if not videos:
        return "absent", np.nan, ()
    try:
        kinds: tuple[str, ...] = (params.videos,)
        if params.source == "features":
            kinds = (*VIDEOS, *map(kind_of, sizes_of(videos, half)[0]))
        found = find_video(folder, half, *kinds)
    except UserError as error:
        return str(error).removeprefix(f"{folder}: "), np.nan, ()
    if leaves_dataset(dataset.root, f"{game}/{found.name}"):
        return "leads out of the dataset", np.nan, ()
    return judged_half(found)


def _other_lengths(dataset: Dataset, game: str, half: int, features: str) -> dict[str, float]:
    """Seconds of the half by its other feature files, as far as those can be read."""
    seconds = {}
    for path in sorted((dataset.root / game).glob(f"{half}_*.npy")):
        name = path.stem.removeprefix(f"{half}_")
        if name == features or leaves_dataset(dataset.root, f"{game}/{path.name}"):
            continue
        array = map_features(path)
        if not isinstance(array, ArrayHeader):
            seconds[name] = len(array) / FEATURE_RATES.get(name, FRAME_RATE)
    return seconds


def _events_table(dataset: Dataset, present: pd.DataFrame, halves: pd.DataFrame, classes: str) -> pd.DataFrame:
    rows = []
    readable = present[present.labels == GOOD]
    for split, game in zip(readable.split, readable.game.astype(str), strict=True):
        for number, annotation in enumerate(_annotations(dataset, game, classes)):
            rows.append({"split": split, "game": game, "number": number, **_clean(_event_row(annotation, classes))})
    columns = ["split", "game", "number", "problem", "label", "event", "game_time", "time_form", "half", "seconds"]
    table = pd.DataFrame(rows, columns=[*columns, "position", "position_gap_seconds", "visibility"])
    table["half"] = table.half.astype("Int64")
    same = ["game", "half", "time_seconds", "label"]
    timed = table.assign(time_seconds=np.floor(table.seconds)).dropna(subset=same)
    table["repeats"] = 0
    table.loc[timed.index, "repeats"] = timed.duplicated(same).astype(int)
    ends = halves.set_index(["game", "half"])
    end_seconds = (60 * ends.minutes).fillna(ends.video_seconds)
    table = table.join(end_seconds.rename("end_seconds"), on=["game", "half"])
    table["seconds_past_end"] = table.seconds - table.end_seconds
    substitution = table.label.isin(["substitution-in", "Substitution"])
    table["half_time"] = (substitution & (table.half == 2) & (table.seconds < 1)).fillna(value=False).astype(int)
    return table


def _event_row(annotation: Any, classes: str) -> dict[str, Any]:
    if not isinstance(annotation, dict):
        return {"problem": "not an object"}
    missing = [key for key in ("label", "gameTime") if not isinstance(annotation.get(key), str)]
    if missing:
        return {"problem": f"no text {' and no text '.join(missing)}"}
    label, game_time = annotation["label"], annotation["gameTime"]
    row: dict[str, Any] = {"problem": GOOD, "label": label, "game_time": game_time}
    if label in LABELS[classes]:
        row["event"] = event_class(label, classes)
    time = split_game_time(game_time)
    if time is not None:
        row |= {"half": time[0], "seconds": float(time[1])}
        row["time_form"] = GOOD if _TWO_DIGITS.fullmatch(game_time) else "one-digit minutes or seconds"
    if classes == "v2":
        row |= _position(annotation, row.get("seconds"))
        row["visibility"] = annotation.get("visibility", "visible")
    return row


def _position(annotation: Mapping[str, Any], seconds: float | None) -> dict[str, Any]:
    """The time in milliseconds of a v2 annotation, and how far it is from its gameTime."""
    if "position" not in annotation:
        return {"position": GOOD}
    try:
        position_ms = int(annotation["position"])
    except (ValueError, TypeError):
        return {"position": f"{annotation['position']!r} is no number of milliseconds"}
    if position_ms < 0:
        return {"position": f"{position_ms} ms is before the start of the half"}
    gap = None if seconds is None else abs(position_ms // 1000 - seconds)
    return {"position": GOOD, "seconds": position_ms / 1000, "position_gap_seconds": gap}


def _classes_table(dataset: Dataset, events: pd.DataFrame, classes: str) -> pd.DataFrame:
    counts = events.groupby(["split", "event"]).size()
    return pd.DataFrame(
        [
            {"split": split, "class": name, "events": int(counts.get((split, name), 0))}
            for split in dataset.splits
            for name in CLASSES[classes]
        ]
    )
