"""Pictures as the backbone sees them: resized and cropped on the CPU as bytes, scaled to numbers on the device."""

from typing import Protocol

import torch
from torch import Tensor

from rmsnet.video.decoding import Picture
from rmsnet.video.recipe import Recipe


class Size(Protocol):
    """What a recipe says of the pictures: see `rmsnet.video.recipe.Recipe`."""

    @property
    def height(self) -> int: ...
    @property
    def width(self) -> int: ...
    @property
    def resize(self) -> int | None: ...


def fit(picture: Picture, size: Size) -> Tensor:
    """(3, height, width) uint8 of a (H, W, 3) picture, resized and cropped as the recipe says.

    The same operations as torchvision's presets: the shorter side to `resize` with antialiasing, then the centre.
    """
    from torchvision.transforms import functional

    image: Tensor = torch.from_numpy(picture).permute(2, 0, 1)
    if size.resize is None:
        image = functional.resize(image, [size.height, size.width], antialias=True)
    else:
        image = functional.resize(image, [size.resize], antialias=True)
        image = functional.center_crop(image, [size.height, size.width])
    return image


def normalized(images: Tensor, recipe: Recipe) -> Tensor:
    """(B, 3, height, width) float32, channels last, of uint8 images on the same device."""
    mean = torch.tensor(recipe.mean, device=images.device).view(1, 3, 1, 1)
    std = torch.tensor(recipe.std, device=images.device).view(1, 3, 1, 1)
    numbers = images.to(torch.float32, memory_format=torch.channels_last)
    return numbers.div_(255).sub_(mean).div_(std)
