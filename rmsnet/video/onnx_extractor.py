"""Features of pictures, computed by ONNX Runtime on the CPU; see `rmsnet.video.onnx_graph`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rmsnet.network.model_config import BACKBONE_ONNX
from rmsnet.network.onnx_model import open_graph
from rmsnet.video.decoding import Picture
from rmsnet.video.pca import Matrix
from rmsnet.video.recipe import Recipe


@dataclass(frozen=True)
class OnnxExtractor:
    """See `rmsnet.video.extractor.Extractor`; the graph itself resizes.

    Attributes:
        recipe: what is computed; in float32, whatever it says.
        session: takes "pictures" (B, H, W, 3) uint8 of any size, gives "features" (B, K).
        frames_at_once: see `rmsnet.video.torch_extractor`.
    """

    recipe: Recipe
    session: Any
    frames_at_once: int = 8

    def fitted(self, picture: Picture) -> Picture:
        return picture

    def stacked(self, images: list[Picture]) -> npt.NDArray[np.uint8]:
        """(B, H, W, 3)."""
        return np.stack(images)

    def features(self, images: npt.NDArray[np.uint8]) -> Matrix:
        """(B, K) features of (B, H, W, 3) pictures."""
        rows: Matrix = self.session.run(["features"], {"pictures": images})[0]
        return rows


def load_onnx_extractor(recipe: Recipe, folder: Path) -> OnnxExtractor:
    """The backbone in a model's folder.

    Raises:
        UserError: see `rmsnet.network.onnx_model.open_graph`.
    """
    return OnnxExtractor(recipe, open_graph(folder, BACKBONE_ONNX))
