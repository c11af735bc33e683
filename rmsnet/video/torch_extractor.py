"""Features of pictures, computed by PyTorch."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from rmsnet.network.devices import multiplies_bfloat16
from rmsnet.video.backbones import load_backbone
from rmsnet.video.decoding import Picture
from rmsnet.video.pca import Matrix, Pca, load_pca
from rmsnet.video.preprocessing import fit, normalized
from rmsnet.video.recipe import Recipe

FRAMES_AT_ONCE = {"cpu": 8, "cuda": 128}
"""A GPU that is given few waits for the next ones: with 32 a third of the speed of 512, with 128 nine tenths of it.

A CPU gains nothing by more than 8, and a match that is still played is spotted 4 s behind them."""


@dataclass(frozen=True)
class TorchExtractor:
    """See `rmsnet.video.extractor.Extractor`.

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

    @property
    def frames_at_once(self) -> int:
        return FRAMES_AT_ONCE[self.device.type]

    def fitted(self, picture: Picture) -> Tensor:
        """(3, height, width) uint8, see `rmsnet.video.preprocessing.fit`."""
        return fit(picture, self.recipe)

    def stacked(self, images: list[Tensor]) -> Tensor:
        """(B, 3, height, width) uint8; in pinned memory where a transfer can overlap."""
        stacked = torch.stack(images)
        return stacked.pin_memory() if self.device.type == "cuda" else stacked

    def features(self, images: Tensor) -> Matrix:
        """(B, K) features of (B, 3, height, width) uint8 images.

        A recipe of bfloat16 is followed in float32 where the device has no instructions for it.
        """
        lower = self.recipe.precision != "float32" and multiplies_bfloat16(self.device)
        with torch.inference_mode(), torch.autocast(self.device.type, torch.bfloat16, enabled=lower):
            numbers = normalized(images.to(self.device, non_blocking=True), self.recipe)
            rows: Matrix = self.network(numbers).float().cpu().numpy()
        return rows if self.pca is None else self.pca.apply(rows)


def load_extractor(recipe: Recipe, folder: Path, device: torch.device) -> TorchExtractor:
    """See `rmsnet.video.extractor.open_extractor`."""
    network = load_backbone(recipe, folder).to(device).to(memory_format=torch.channels_last)
    return TorchExtractor(recipe, network, load_pca(recipe, folder), device)
