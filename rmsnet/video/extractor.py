"""Features of a video: decoding, transfer and network overlap, and memory does not grow with the video."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from rmsnet.network.onnx_model import is_onnx
from rmsnet.video.decoding import DecodingReport, Picture, expected_samples, half_pictures
from rmsnet.video.files import Footage, HalfVideo, half_video
from rmsnet.video.pca import Matrix
from rmsnet.video.prefetch import prefetched
from rmsnet.video.recipe import Recipe

Progress = Callable[[int, int | None], None]
"""Told of the frames done and the frames expected (None: unknown)."""


class Extractor(Protocol):
    """Everything that a recipe needs, loaded; of PyTorch or of ONNX Runtime."""

    @property
    def recipe(self) -> Recipe:
        """What is computed."""

    @property
    def frames_at_once(self) -> int:
        """Frames that the network is given at once."""

    def fitted(self, picture: Picture) -> Any:
        """A picture as a part of a batch, made while the network works on others; all of one shape."""

    def stacked(self, images: list[Any]) -> Any:
        """A batch."""

    def features(self, images: Any) -> Matrix:
        """(B, K) features of a batch."""


@dataclass(frozen=True)
class VideoFeatures:
    """What came out of a video.

    Attributes:
        features: (T, K) float32; row k shows the time `first_frame_seconds + k / frame_rate`.
        warnings: one line for each irregularity of the video.
    """

    features: Matrix
    warnings: tuple[str, ...]


def open_extractor(recipe: Recipe, folder: Path, device: str = "auto") -> Extractor:
    """Load what a recipe names: a model's or a frame bank's folder holds what is not to be had by name.

    Raises:
        UserError: weights, PCA or graph are missing or are others than the recipe was made with.
    """
    if is_onnx(folder):
        from rmsnet.video.onnx_extractor import load_onnx_extractor

        return load_onnx_extractor(recipe, folder)
    from rmsnet.network.devices import choose_device
    from rmsnet.video.torch_extractor import load_extractor

    return load_extractor(recipe, folder, choose_device(device))


def video_features(
    video: Footage, extractor: Extractor, progress: Progress = lambda done, expected: None
) -> VideoFeatures:
    """The features of a video.

    Frames are decoded, resized and brought to the device by a thread of their own while the network works on the
    frames before; no more than a few batches of them are in memory.

    Args:
        video: of the half.
        extractor: what to compute.
        progress: told after every batch.

    Raises:
        UserError: see `rmsnet.video.decoding.sampled_pictures`.
    """
    recipe, report = extractor.recipe, DecodingReport()
    expected = expected_samples(video, recipe.frame_rate, recipe.first_frame_seconds)
    parts = []
    done = 0
    for features in feature_batches(half_video(video), extractor, report):
        parts.append(features)
        done += len(features)
        progress(done, expected)
    return VideoFeatures(np.concatenate(parts), tuple(report.warnings()))


def feature_batches(half: HalfVideo, extractor: Extractor, report: DecodingReport, skip: int = 0) -> Iterator[Matrix]:
    """The features of a half, (B, K) batch by batch, as soon as each is there; without its first `skip` samples.

    Raises:
        UserError: see `rmsnet.video.decoding.sampled_pictures`.
    """
    recipe = extractor.recipe
    return features_of(half_pictures(half, recipe.frame_rate, recipe.first_frame_seconds, report, skip), extractor)


def features_of(pictures: Iterable[Picture], extractor: Extractor) -> Iterator[Matrix]:
    """The features of pictures, (B, K) batch by batch."""
    for images in prefetched(image_batches(pictures, extractor)):
        yield extractor.features(images)


def image_batches(pictures: Iterable[Picture], extractor: Extractor) -> Iterator[Any]:
    """Batches of pictures for an extractor, each of one shape."""
    batch: list[Any] = []
    last: Picture | None = None
    for picture in pictures:
        # A picture that stands for several samples is fitted once.
        image = batch[-1] if picture is last and batch else extractor.fitted(picture)
        last = picture
        if batch and image.shape != batch[0].shape:  # the video goes on in another size
            yield extractor.stacked(batch)
            batch = []
        batch.append(image)
        if len(batch) == extractor.frames_at_once:
            yield extractor.stacked(batch)
            batch = []
    if batch:
        yield extractor.stacked(batch)
