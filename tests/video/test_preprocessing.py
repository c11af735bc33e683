"""The pictures that a backbone sees, beside torchvision's own preprocessing."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from rmsnet.video.preprocessing import fit, normalized
from rmsnet.video.recipe import Recipe

RECIPE = Recipe("resnet18", "IMAGENET1K_V1", "", 2.0, 0.5)


def picture(height: int, width: int):
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


@pytest.mark.parametrize(("height", "width"), [(224, 398), (360, 640), (640, 360), (224, 224)])
def test_with_torchvisions_sizes_it_is_torchvisions_preprocessing(height, width):
    from torchvision.models import ResNet18_Weights
    from torchvision.transforms.v2.functional import to_image

    ours = normalized(fit(picture(height, width), replace(RECIPE, resize=256))[None], RECIPE)
    theirs = ResNet18_Weights.IMAGENET1K_V1.transforms()(to_image(picture(height, width)))
    torch.testing.assert_close(ours[0], theirs, rtol=0, atol=1e-6)


def test_soccernets_frames_are_cropped_without_resizing():
    """398 x 224 pictures: the 224 columns in the middle, byte for byte."""
    shot = picture(224, 398)
    assert np.array_equal(fit(shot, RECIPE).permute(1, 2, 0).numpy(), shot[:, 87:311])


def test_whole_frames_keep_every_column():
    whole = replace(RECIPE, resize=None, width=398)
    shot = picture(224, 398)
    assert np.array_equal(fit(shot, whole).permute(1, 2, 0).numpy(), shot)
    assert fit(picture(720, 1280), whole).shape == (3, 224, 398)


def test_numbers_are_channels_last():
    assert normalized(fit(picture(224, 398), RECIPE)[None], RECIPE).is_contiguous(memory_format=torch.channels_last)
