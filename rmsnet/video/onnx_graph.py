"""A recipe as an ONNX graph: pictures as they are decoded in, features out.

Resizing is a product with a matrix from either side: a row of it holds the weights of the pixels that a pixel is made
of, which fall linearly with the distance (an antialiased bilinear filter, as PyTorch's and Pillow's). ONNX's own Resize
weighs the pixels at the border otherwise.
"""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from rmsnet.errors import UserError, one_line
from rmsnet.network.onnx_graph import traced
from rmsnet.video.backbones import load_backbone
from rmsnet.video.pca import Pca, load_pca
from rmsnet.video.preprocessing import Size
from rmsnet.video.recipe import Recipe


def backbone_graph(recipe: Recipe, folder: Path) -> bytes:
    """The graph of a recipe, in float32.

    pictures (batch, height, width, 3) uint8 RGB of any size → features (batch, K).

    Args:
        recipe: the recipe.
        folder: holds what is not to be had by name.

    Raises:
        UserError: see `rmsnet.video.extractor.open_extractor`; a backbone that cannot be exported.
    """
    network = load_backbone(recipe, folder)
    told = {"backbone": recipe.backbone, "weights": recipe.weights, "recipe": recipe.hash}
    example = torch.zeros(2, recipe.height + 1, recipe.width + 1, 3, dtype=torch.uint8)
    axes = {"pictures": ("batch", "height", "width")}
    try:
        return traced(
            _OfPictures(network, recipe, load_pca(recipe, folder)), example, axes, {"features": ("batch",)}, told
        )
    except torch.onnx.errors.OnnxExporterError as error:
        raise UserError(f"{folder}: PyTorch cannot export {recipe.backbone} ({one_line(error)[:120]})") from None


class _OfPictures(nn.Module):
    """What `rmsnet.video.torch_extractor.TorchExtractor` does to pictures."""

    def __init__(self, network: nn.Module, recipe: Recipe, pca: Pca | None) -> None:
        super().__init__()
        self.network, self.recipe, self.pca = network, recipe, pca

    def forward(self, pictures: Tensor) -> Tensor:
        images = fitted(pictures, self.recipe)
        mean, std = (torch.tensor(three).view(1, 3, 1, 1) for three in (self.recipe.mean, self.recipe.std))
        features: Tensor = self.network((images / 255 - mean) / std)
        if self.pca is None:
            return features
        return (features - torch.from_numpy(self.pca.mean)) @ torch.from_numpy(self.pca.components.T.copy())


def fitted(pictures: Tensor, size: Size) -> Tensor:
    """(B, 3, height, width) whole float32 numbers: `rmsnet.video.preprocessing.fit` of (B, H, W, 3) uint8 pictures.

    The same sums in the same order, so that few of the values between two whole numbers go to the other one: a handful
    in a million.
    """
    shape = torch._shape_as_tensor(pictures)[1:3]
    whole = wanted = torch.tensor([size.height, size.width])
    if size.resize is not None:
        whole = torch.div(size.resize * shape, shape.min(), rounding_mode="floor")
    first = torch.round((whole - wanted) / 2)
    rows = _weights(shape[0], whole[0], first[0], size.height)
    columns = _weights(shape[1], whole[1], first[1], size.width)
    return (rows @ (pictures.permute(0, 3, 1, 2).float() @ columns.T)).round()


def _weights(pixels: Any, resized: Tensor, first: Tensor, count: int) -> Tensor:
    """(count, pixels) what the pixels of a row weigh in the pixels first, first + 1, … of the resized row.

    Lengths that hang on the picture are tensors, so that the exporter follows them.
    """
    scale = pixels.float() / resized.float()
    centre = (torch.arange(count) + first + 0.5) * scale  # in pixels
    distance = (torch.arange(pixels) - centre[:, None] + 0.5).abs()
    weight = torch.relu(1 - distance * (1 / scale.clamp(min=1)))
    return weight / weight.cumsum(dim=1)[:, -1:]  # a plain sum goes by another order
