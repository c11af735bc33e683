"""What a dataset holds, as a hash for each game: the same wherever it lies and whatever it is called."""

import hashlib
import os
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from rmsnet.dataset.class_lists import classes_of
from rmsnet.dataset.game_videos import number_in_names
from rmsnet.dataset.kick_offs import KICK_OFFS
from rmsnet.dataset.soccernet import Dataset
from rmsnet.errors import UserError
from rmsnet.files import content_hash
from rmsnet.params import ExtractParams
from rmsnet.reading.pieces import pieces_of

VIDEO_END_BYTES = 1 << 20
"""A video is known by its size and so many bytes of its start and of its end."""


def game_contents(dataset: Dataset, games: Iterable[str], params: ExtractParams, classes: str) -> dict[str, str]:
    """The hash of each game: of its labels, and of the features or videos that are extracted; every byte is read.

    What is not there counts as nothing: whoever needs it complains.

    Args:
        dataset: in SoccerNet's layout.
        games: league/season/game.
        params: the extract section, which says which files.
        classes: "v1" or "v2" labels.
    """
    listed = list(games)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return dict(zip(listed, pool.map(partial(_game_content, dataset, params, classes), listed), strict=True))


def _game_content(dataset: Dataset, params: ExtractParams, classes: str, game: str) -> str:
    folder = dataset.game_folder(game)
    parts = [_digest(folder / classes_of(dataset.description, classes).label_file)]
    if (folder / KICK_OFFS).exists():
        parts.append(_digest(folder / KICK_OFFS))
    for half in dataset.halves:
        if params.source == "features":
            path = dataset.features_path(game, half, params.features)
            parts += [_digest(piece) for piece in pieces_of(path) or (path,)]
        else:
            parts += _video_digests(folder, number_in_names(half, dataset.description), params.videos)
    return content_hash(*parts)


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, partial(hashlib.blake2b, digest_size=16)).hexdigest()
    except OSError:
        return ""


def _video_digests(folder: Path, half: int | None, videos: str) -> list[str]:
    from rmsnet.video.files import find_video

    try:
        return [_ends_digest(piece) for piece in pieces_of(find_video(folder, half, videos))]
    except UserError:
        return [""]


def _ends_digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            start = file.read(VIDEO_END_BYTES)
            file.seek(max(0, size - VIDEO_END_BYTES))
            return content_hash(str(size), start, file.read(VIDEO_END_BYTES))
    except OSError:
        return ""


def joined_content(of_games: Mapping[str, str], games: Iterable[str]) -> str | None:
    """The hash of some games together, in whatever order they are listed; None where one of them is unknown."""
    listed = sorted(games)
    if not all(game in of_games for game in listed):
        return None
    return content_hash(*(part for game in listed for part in (game, of_games[game])))
