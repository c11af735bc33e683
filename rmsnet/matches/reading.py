"""The features of a match's halves: where they lie, or made from the videos and kept."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from rmsnet.dataset.feature_files import Features, open_features
from rmsnet.matches.match import MatchHalf
from rmsnet.network.spotting_model import SpottingModel

Reader = Callable[[MatchHalf, Path], tuple[Features, list[str]]]
"""Gives the features of a half, made from its video where it has none, and warnings; keeps them in a folder."""


def reader_of(spotter: SpottingModel, folder: Path, device: str, shown: bool) -> Reader:
    made: list[Any] = []

    def read(half: MatchHalf, out: Path) -> tuple[Features, list[str]]:
        if half.features is not None:
            return open_features(half.features)[half.rows or slice(None)], []
        if not made:
            from rmsnet.video.extractor import open_extractor
            from rmsnet.video.recipe import recipe_of

            recipe = recipe_of(spotter.config["features"], str(folder))
            made.append(open_extractor(recipe, folder, device))
        return _from_video(half, made[0], out / "features" / f"{half.number}.safetensors", shown)

    return read


def _from_video(half: MatchHalf, extractor: Any, path: Path, shown: bool) -> tuple[Features, list[str]]:
    """Features of the smallest of a half's videos, made once and kept in `path`."""
    from rmsnet.progress import progress
    from rmsnet.video.decoding import expected_samples
    from rmsnet.video.files import file_of
    from rmsnet.video.halves import is_done, read_half, write_half

    video = half.videos[0]
    if not is_done(path, video, extractor.recipe.hash):
        expected = expected_samples(video, extractor.recipe.frame_rate, extractor.recipe.first_frame_seconds)
        with progress(file_of(video).name, "frame", expected, shown) as advance:
            done = 0

            def on_batch(frames: int, _: int | None) -> None:
                nonlocal done
                advance(frames - done)
                done = frames

            write_half(path, video, extractor, on_batch)
    read = read_half(path)
    assert read is not None, f"{path}: written a moment ago"
    return read.features, [f"{video}: {warning}" for warning in read.warnings]
