"""What is in a dataset, a row for each thing, read so that nothing in it can stop the reading: what is wrong becomes a
value.

games     a row per game and split that lists it
halves    a row per half of every game that lies in the dataset
features  a row per feature file; none where features are still to be made from the videos
events    a row per annotation, in file order
classes   a row per split and class, with its events
"""

import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from rmsnet.dataset.class_lists import ClassList
from rmsnet.dataset.description import FeatureKind
from rmsnet.dataset.feature_files import ArrayHeader, Features, map_features
from rmsnet.dataset.game_videos import number_in_names, period_video, period_videos
from rmsnet.dataset.kick_offs import KICK_OFFS, rows_of
from rmsnet.dataset.labels import LEAVE_OUT
from rmsnet.dataset.soccernet import SPLITS, Dataset
from rmsnet.errors import UserError
from rmsnet.features.profile import profile_frames
from rmsnet.features.sources import feature_kind
from rmsnet.files import contents as contents_of
from rmsnet.params import ExtractParams
from rmsnet.progress import progress
from rmsnet.reading.names import fault_of
from rmsnet.reading.pieces import is_there, pieces_of
from rmsnet.validation.annotations import GOOD, Row, clean, event_rows, labels_state
from rmsnet.validation.contents import Contents, read_contents
from rmsnet.video.files import VIDEO_SUFFIXES, file_of, judged_half, kind_of, sizes_of

READERS = 4
"""Feature files read at once: hashing and NumPy leave the interpreter to each other."""

VIDEOS = ("224p", "720p", "HQ")
"""The videos that may lie beside a half's features, in the order of preference."""

TRAINING_SPLIT = "train"

# What may lie in a game's folder: features and videos of its halves, SoccerNet's label files, detections, notes.
_VIDEO = "|".join(sorted(suffix.removeprefix(".") for suffix in VIDEO_SUFFIXES))
_EXPECTED_FILE = re.compile(
    rf"(\d)_\w+(\.\d+)?\.(npy|json)|(\d)(_\w+)?(\.\d+)?\.(?i:{_VIDEO})|Labels(-[a-z0-9]+)?\.json|video\.ini"
    r"|results_spotting\.json"
)
_GAME_NAME = re.compile(r"[\w-]+/\d{4}-\d{4}/\d{4}-\d\d-\d\d - \d\d-\d\d \S.* \d+ - \d+ .*\S")


@dataclass(frozen=True)
class DatasetRows:
    """A dataset as rows; a value that is not known is NaN, None or left out.

    Attributes:
        games: split, game, name, folder, labels, extra_time, unexpected_files.
        halves: split, game, half, minutes, video, video_seconds, rate_against_video, video_gap_seconds, …
        features: split, game, half, problem, dtype, width, frames, not_finite, …
        events: split, game, number, problem, label, event, game_time, half, seconds, …
        classes: split, class, events, labelled_events: the same, nothing where nothing of the split is labelled.
        contents: of each feature file that was read, by (game, half).
    """

    games: list[Row]
    halves: list[Row]
    features: list[Row]
    events: list[Row]
    classes: list[Row]
    contents: Mapping[tuple[str, int], Contents]


def read_dataset(dataset: Dataset, params: ExtractParams, classes: ClassList, contents: bool = True) -> DatasetRows:
    """Read a dataset's lists, folders, labels, features and what its videos say of themselves.

    Args:
        dataset: of `rmsnet.dataset.soccernet.list_dataset`.
        params: the extract section: which feature files, {1,2}_<features>.npy, or videos, {1,2}_<videos>.mkv (.mp4, …).
        classes: what is spotted.
        contents: False: read the headers of the feature files only.
    """
    games = [clean(_game_row(dataset, split, game, classes, params)) for split, game in _listed(dataset)]
    present: dict[str, Row] = {}
    for row in games:
        if row["folder"] == GOOD:
            present.setdefault(row["game"], row)
    files = [(row["split"], game, half) for game, row in present.items() for half in dataset.halves]
    feature_files = files if params.source == "features" else []
    kind = feature_kind(dataset, params)
    scans = _scan_all(dataset, feature_files, kind, contents)
    features = [_feature_row(place, *scans[place[1:]], kind) for place in feature_files]
    frames = {(row["game"], row["half"]): row["frames"] for row in features if "frames" in row}
    halves = [_half_row(dataset, place, frames.get(place[1:], np.nan) / kind.frame_rate, params) for place in files]
    readable = [(row["split"], game) for game, row in present.items() if row["labels"] == GOOD]
    events = event_rows(dataset, readable, classes, params)
    return DatasetRows(
        games,
        halves,
        features,
        events,
        _class_rows(dataset, events, classes),
        {place: contents for place, (_, contents) in scans.items() if contents is not None},
    )


def _listed(dataset: Dataset) -> Iterator[tuple[str, str]]:
    """Split and game of every entry of the lists; lists beside train, valid and test may take games out of those."""
    owned = {game for split in SPLITS for game in dataset.splits.get(split, ())}
    for split, games in dataset.splits.items():
        for game in games:
            if split in SPLITS or game not in owned:
                yield split, game
        owned |= set(games)


def _game_row(dataset: Dataset, split: str, game: str, classes: ClassList, params: ExtractParams) -> Row:
    folder = _folder_state(dataset, game)
    names = [path.name for path in contents_of(dataset.game_folder(game))] if folder == GOOD else []
    own = {classes.label_file, KICK_OFFS, f"{params.features}.npy"}
    if dataset.description.files == "match" and folder == GOOD:
        wholes = [*period_videos(dataset, game, 1), dataset.features_path(game, 1, params.features)]
        own |= {piece.name for path in wholes for piece in pieces_of(path)}
    unexpected = [name for name in names if not (name in own or _is_expected(name, dataset) or name.startswith("."))]
    said_of_late = " left out" if params.extra_time == "leave-out" else f"; {LEAVE_OUT}"
    labels, extra_time = labels_state(dataset, split, game, classes, unexpected) if folder == GOOD else (None, "")
    return {
        "split": split,
        "game": game,
        "name": GOOD if classes.entry or _GAME_NAME.fullmatch(game) else "unusual",
        "folder": folder,
        "labels": labels,
        "extra_time": f"{extra_time}{said_of_late}" if extra_time else GOOD,
        "unexpected_files": ", ".join(unexpected) or GOOD,
    }


def _is_expected(name: str, dataset: Dataset) -> bool:
    """Whether a file is one that a game may have; what is of a period that there is not is none."""
    found = _EXPECTED_FILE.fullmatch(name)
    return found is not None and int(found[1] or found[4] or 1) in dataset.halves


def _folder_state(dataset: Dataset, game: str) -> str:
    fault = fault_of(game)
    if fault:
        return fault
    if dataset.leads_out(dataset.game_folder(game)):
        return "leads out of the dataset"
    return GOOD if dataset.game_folder(game).is_dir() else "absent"


def _scan_all(
    dataset: Dataset, files: Sequence[tuple[str, str, int]], kind: FeatureKind, contents: bool
) -> dict[tuple[str, int], tuple[ArrayHeader, Contents | None]]:
    """Header and contents of every feature file, by (game, half); a few files are read at a time."""
    training_halves = sum(split == TRAINING_SPLIT for split, _, _ in files)

    def scan(place: tuple[str, str, int]) -> tuple[ArrayHeader, Contents | None]:
        split, game, half = place
        array = _open_half(dataset, game, half, kind)
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


def _open_half(dataset: Dataset, game: str, half: int, kind: FeatureKind) -> Features | ArrayHeader:
    """A half's features, memory-mapped, or what is wrong with them."""
    path = dataset.features_path(game, half, kind.name)
    if dataset.leads_out(path):
        return ArrayHeader("leads out of the dataset")
    array = map_features(path) if is_there(path) else ArrayHeader("absent")
    if isinstance(array, ArrayHeader):
        return array
    try:
        return array[rows_of(half, dataset.kick_offs(game), len(array), kind, dataset.description, str(path))]
    except UserError as error:
        return ArrayHeader(str(error))


def _feature_row(place: tuple[str, str, int], header: ArrayHeader, contents: Contents | None, kind: FeatureKind) -> Row:
    split, game, half = place
    row: Row = {"split": split, "game": game, "half": half, "problem": header.problem}
    if header.problem == GOOD:
        row |= {"dtype": header.dtype, "frames": header.shape[0], "width": header.shape[1]}
    if contents is not None:
        row |= {
            "not_finite": _not_finite(contents),
            "constant_rows": contents.constant_rows,
            "repeated_share": contents.repeated_rows / header.shape[0],
            "longest_still_seconds": (contents.longest_repeat - 1) / kind.frame_rate,
            "content": contents.hash,
        }
    return row


def _not_finite(contents: Contents) -> str:
    if contents.first_not_finite is None:
        return GOOD
    rows = f"{contents.not_finite_rows:,} row{'' if contents.not_finite_rows == 1 else 's'}"
    return f"{rows} with NaN, infinity or a number beyond float32, the first: {contents.first_not_finite}"


def _half_row(dataset: Dataset, place: tuple[str, str, int], seconds: float, params: ExtractParams) -> Row:
    """A half that is `seconds` long by its features, NaN where it has none."""
    split, game, half = place
    video, video_seconds, remarks = _video(dataset, game, half, params)
    others = _other_lengths(dataset, game, half, params.features)
    return {
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


def _video(dataset: Dataset, game: str, half: int, params: ExtractParams) -> tuple[str, float, tuple[str, ...]]:
    """What `judged_half` says of the video that a half's features are extracted from, or that lies beside them."""
    folder = dataset.game_folder(game)
    videos, named = period_videos(dataset, game, half), number_in_names(half, dataset.description)
    if not videos:
        return "absent", np.nan, ()
    try:
        kinds: tuple[str, ...] = (params.videos,)
        if params.source == "features":
            kinds = (*VIDEOS, *(kind_of(path, named) for path in sizes_of(videos, named)[0]))
        found = period_video(dataset, game, half, *kinds)
    except UserError as error:
        return str(error).removeprefix(f"{folder}: "), np.nan, ()
    if dataset.leads_out(file_of(found)):
        return "leads out of the dataset", np.nan, ()
    return judged_half(found)


def _other_lengths(dataset: Dataset, game: str, half: int, features: str) -> dict[str, float]:
    """Seconds of the half by its other feature files, as far as those can be read."""
    seconds = {}
    for path in sorted(dataset.game_folder(game).glob(f"{half}_*.npy")):
        name = path.stem.removeprefix(f"{half}_")
        if name == features or dataset.leads_out(path):
            continue
        array = map_features(path)
        if not isinstance(array, ArrayHeader):
            seconds[name] = len(array) / dataset.description.kind(name).frame_rate
    return seconds


def _class_rows(dataset: Dataset, events: Sequence[Row], classes: ClassList) -> list[Row]:
    counts, labelled = Counter((row["split"], row.get("event")) for row in events), {row["split"] for row in events}
    return [
        {
            "split": split,
            "class": name,
            "events": (found := counts[split, name]),
            "labelled_events": found if split in SPLITS or split in labelled else None,
        }
        for split in dataset.splits
        for name in classes.classes
    ]
