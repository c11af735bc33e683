"""Banks of frames: any of their frames by row, and the features that a model's recipe makes of them."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from rmsnet.documents import require_known, structured
from rmsnet.errors import UserError
from rmsnet.features.bank import FrameBank
from rmsnet.network.model_config import read_features_entry
from rmsnet.video.decoding import Picture
from rmsnet.video.extractor import features_of, open_extractor
from rmsnet.video.frames import FrameZip, Pictures, decode_jpeg, frames_path
from rmsnet.video.recipe import recipe_of

if TYPE_CHECKING:
    from torch import Tensor


def pictures_of(bank: FrameBank) -> Pictures:
    """What the frames of a bank are.

    Raises:
        UserError: it holds features, not frames.
    """
    fields = bank.info["features"].get("pictures")
    if fields is None:
        raise UserError(
            f"train.backbone: the frame bank holds the features {bank.info['features']['name']!r}, not frames; make "
            "frames with: rmsnet extract DATA --set extract.source=frames --set extract.picture=whole"
        )
    entry, advice = "frame bank: features.pictures", "run rmsnet extract again"
    pictures = structured(fields, Pictures, entry, advice)
    require_known(fields, Pictures, entry, advice)
    return pictures


class FrameStore:
    """The frames of a bank by row.

    Args:
        bank: whose rows they are.
        folder: where the bank lies.

    Raises:
        UserError: a zip is missing.
    """

    def __init__(self, bank: FrameBank, folder: Path) -> None:
        pictures = pictures_of(bank)
        self.shape = (pictures.height, pictures.width, 3)
        self._first = np.array([half.first_frame for half in bank.halves], np.int64)
        self._zips = [FrameZip(folder / frames_path(half.game, half.half)) for half in bank.halves]
        for item in self._zips:
            if not item.path.exists():
                raise UserError(f"{item.path}: the half's frames are missing; run rmsnet extract again")
        self._pool = ThreadPoolExecutor(os.cpu_count(), "frames")

    def read(self, rows: npt.NDArray[np.int64]) -> "Tensor":
        """(N, 3, height, width) uint8 frames of N rows of the bank; see `pictures`."""
        import torch

        return torch.from_numpy(np.stack(self.pictures(rows))).permute(0, 3, 1, 2)

    def pictures(self, rows: npt.NDArray[np.int64]) -> list[Picture]:
        """The frames of N rows of the bank.

        Raises:
            UserError: a frame cannot be read.
        """
        stretches = [0, *(np.flatnonzero(np.diff(rows) != 1) + 1).tolist(), len(rows)]
        parts = self._pool.map(lambda part: self._stretch(rows[part[0] : part[1]]), pairwise(stretches))
        return [image for part in parts for image in part]

    def _stretch(self, rows: npt.NDArray[np.int64]) -> list[Picture]:
        """Frames of rows one behind the other, which may run from one half into the next."""
        images: list[Picture] = []
        while len(rows):
            half = int(np.searchsorted(self._first, rows[0], side="right")) - 1
            end = self._first[half + 1] if half + 1 < len(self._first) else rows[-1] + 1
            count = int(np.searchsorted(rows, end))
            item = self._zips[half]
            found = [decode_jpeg(jpeg, item.path) for jpeg in item.jpegs(int(rows[0] - self._first[half]), count)]
            if any(image.shape != self.shape for image in found):
                raise UserError(f"{item.path}: a frame has not the size {self.shape[:2]}; run rmsnet extract again")
            images += found
            rows = rows[count:]
        return images


def features_of_frames(model: Path, bank: FrameBank, folder: Path, device: str) -> FrameBank:
    """A bank of frames as the bank of features that a model reads: its recipe applied to the frames, in memory.

    Args:
        model: folder of a fine-tuned model.
        bank: of frames.
        folder: where that bank lies.
        device: "auto", "cpu" or "cuda".

    Raises:
        UserError: the model wants other pictures than the bank holds, or a file is missing or damaged.
    """
    recipe = recipe_of(read_features_entry(model), str(model))
    pictures = pictures_of(bank)
    ours, theirs = ((of.height, of.width, of.resize) for of in (recipe, pictures))
    if ours != theirs:
        raise UserError(f"{folder}: frames of (height, width, resize) {theirs}, the model was trained on {ours}")
    extractor, store = open_extractor(recipe, model, device), FrameStore(bank, folder)

    def shown() -> Iterator[Picture]:
        rows = np.arange(len(bank.features))
        for start in range(0, len(rows), FRAMES_AT_ONCE):
            yield from store.pictures(rows[start : start + FRAMES_AT_ONCE])

    features = np.concatenate(list(features_of(shown(), extractor)))
    return replace(bank, features=features, info={**bank.info, "features": recipe.features_info()})


FRAMES_AT_ONCE = 128
