"""The videos of a game by period: files of their own, or parts of files that hold more."""

from collections.abc import Sequence
from pathlib import Path

from rmsnet.dataset.description import Description
from rmsnet.dataset.kick_offs import stretch_of
from rmsnet.dataset.soccernet import Dataset
from rmsnet.video.files import Footage, Part, find_video, videos_of


def number_in_names(number: int, description: Description) -> int | None:
    """The period that the names of its videos begin with; None: a file holds the match."""
    return None if description.files == "match" else number


def footage_of(video: Path, number: int, kick_offs: Sequence[float] | None, description: Description) -> Footage:
    """What a video shows of a period.

    Args:
        video: the file.
        number: of the period, from 1.
        kick_offs: of the game; None: the file is the period.
        description: of the dataset.
    """
    if kick_offs is None:
        return video
    begin, end = stretch_of(number, kick_offs, description)
    return Part(video, begin, end - begin)


def period_videos(dataset: Dataset, game: str, number: int) -> list[Path]:
    """The video files in which a period may be looked for, in the order of their names."""
    return videos_of(dataset.game_folder(game), number_in_names(number, dataset.description))


def period_video(dataset: Dataset, game: str, number: int, *videos: str) -> Footage:
    """The video of a period, see `rmsnet.video.files.find_video`.

    Raises:
        UserError: there is none; no word where the period begins.
    """
    found = find_video(dataset.game_folder(game), number_in_names(number, dataset.description), *videos)
    return footage_of(found, number, dataset.kick_offs(game), dataset.description)
