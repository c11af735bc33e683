"""Features of a video: decoding, transfer and network overlap, and memory does not grow with the video."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from rmsnet.video.backbones import load_backbone
from rmsnet.video.decoding import DecodingReport, Picture, expected_samples, half_pictures
from rmsnet.video.files import Footage, HalfVideo, half_video
from rmsnet.video.pca import Matrix, Pca, load_pca
from rmsnet.video.prefetch import prefetched
from rmsnet.video.preprocessing import fit, normalized
from rmsnet.video.recipe import Recipe

FRAMES_AT_ONCE = {"cpu": 8, "cuda": 128}
"""A GPU that is given few waits for the next ones: with 32 a third of the speed of 512, with 128 nine tenths of it.

A CPU gains nothing by more than 8, and a match that is still played is spotted 4 s behind them."""

Progress = Callable[[int, int | None], None]
"""Told of the frames done and the frames expected (None: unknown)."""


@dataclass(frozen=True)
class Extractor:
    """Everything that a recipe needs, loaded.

    Attributes:
        recipe: what is computed.
        network: the backbone, in eval mode, on the device.
        pca: None where the recipe has none.
        device: where the network computes.
    """

    recipe: Recipe
    network: nn.Module
    pca: Pca | None
    device: torch.device

    def features(self, images: Tensor) -> Matrix:
        """(B, K) features of (B, 3, height, width) uint8 images as `rmsnet.video.preprocessing.fit` gives them."""
        lower = self.recipe.precision != "float32"
        with torch.inference_mode(), torch.autocast(self.device.type, torch.bfloat16, enabled=lower):
            numbers = normalized(images.to(self.device, non_blocking=True), self.recipe)
            rows: Matrix = self.network(numbers).float().cpu().numpy()
        return rows if self.pca is None else self.pca.apply(rows)


@dataclass(frozen=True)
class VideoFeatures:
    """What came out of a video.

    Attributes:
        features: (T, K) float32; row k shows the time `first_frame_seconds + k / frame_rate`.
        warnings: one line for each irregularity of the video.
    """

    features: Matrix
    warnings: tuple[str, ...]


def load_extractor(recipe: Recipe, folder: Path, device: torch.device) -> Extractor:
    """Load what a recipe names: a model's or a frame bank's folder holds what is not to be had by name.

    Raises:
        UserError: weights or PCA are missing or are others than the recipe was made with.
    """
    network = load_backbone(recipe, folder).to(device).to(memory_format=torch.channels_last)
    return Extractor(recipe, network, load_pca(recipe, folder), device)


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
    pictures = half_pictures(half, recipe.frame_rate, recipe.first_frame_seconds, report, skip)
    for images in prefetched(image_batches(pictures, recipe, extractor.device)):
        yield extractor.features(images)


def image_batches(pictures: Iterable[Picture], recipe: Recipe, device: torch.device) -> Iterator[Tensor]:
    """(B, 3, height, width) uint8 batches of pictures for a device; in pinned memory where a transfer can overlap."""
    batch: list[Tensor] = []
    last: Picture | None = None
    for picture in pictures:
        # A picture that stands for several samples is resized once.
        batch.append(batch[-1] if picture is last and batch else fit(picture, recipe))
        last = picture
        if len(batch) == FRAMES_AT_ONCE[device.type]:
            yield _stacked(batch, device)
            batch = []
    if batch:
        yield _stacked(batch, device)


def _stacked(images: list[Tensor], device: torch.device) -> Tensor:
    stacked = torch.stack(images)
    return stacked.pin_memory() if device.type == "cuda" else stacked
