"""Features of pictures and videos by ONNX Runtime, beside PyTorch's."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file
from torch import nn

from rmsnet.errors import UserError
from rmsnet.network.model_config import BACKBONE_ONNX
from rmsnet.network.onnx_model import load_spotter, save_onnx
from rmsnet.video import onnx_graph
from rmsnet.video.backbones import open_backbone
from rmsnet.video.extractor import features_of, open_extractor, video_features
from rmsnet.video.onnx_graph import backbone_graph, fitted
from rmsnet.video.pca import Pca, save_pca
from rmsnet.video.preprocessing import fit
from rmsnet.video.recipe import BACKBONE_FILE, Recipe
from tests.builders import random_model
from tests.video.videos import TIMES, write_video

WHOLE = {"height": 32, "width": 57, "resize": None}
CENTRE = {"height": 32, "width": 32, "resize": 32}
SIZES = st.integers(16, 200)


def pictures_of(*shape):
    """Coarse pictures of random colours."""
    count, height, width = shape
    grain = np.random.default_rng(height).integers(0, 256, (count, height // 8 + 1, width // 8 + 1, 3), np.uint8)
    return np.ascontiguousarray(grain.repeat(8, axis=1).repeat(8, axis=2)[:, :height, :width])


@given(st.sampled_from((WHOLE, CENTRE)), SIZES, SIZES)
def test_pictures_of_any_size_are_fitted_as_by_torchvision_but_for_roundings(how, height, width):
    """Sums in another order: a value between two whole numbers goes to the other one."""
    recipe = Recipe("resnet18", "random", "", **TIMES, **how)
    (picture,) = pictures_of(1, height, width)
    difference = fitted(torch.from_numpy(picture[None]), recipe)[0] - fit(picture, recipe).float()
    assert difference.abs().max() <= 1
    assert (difference != 0).float().mean() < 0.02


def calm(network):
    """Random weights whose activations stay of one size."""
    torch.manual_seed(0)
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight)
    return network


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    """For each way to fit pictures, with a PCA and without, what PyTorch and ONNX Runtime make of one recipe."""
    from torchvision import models

    root = tmp_path_factory.mktemp("backbones")
    save_file(calm(models.resnet18()).state_dict(), root / "random.safetensors")
    network, described = open_backbone("resnet18", str(root / "random.safetensors"))
    save_file(network.state_dict(), root / BACKBONE_FILE)
    numbers = np.random.default_rng(0)
    components = np.linalg.qr(numbers.normal(size=(512, 6)))[0].T.astype(np.float32)
    pca = Pca(numbers.normal(size=512).astype(np.float32), np.ascontiguousarray(components))
    save_pca(root, pca)
    with_pca = {"pca_components": 6, "pca_hash": pca.hash}
    recipes = {
        "whole": Recipe(**described, **TIMES, **WHOLE, **with_pca),
        "centre": Recipe(**described, **TIMES, **CENTRE),
    }
    found = {}
    for name, recipe in recipes.items():
        model = random_model(weights_hash="of a test", features=recipe.features_info())
        (root / name).mkdir()
        save_onnx(root / name, model, {BACKBONE_ONNX: backbone_graph(recipe, root)})
        found[name] = open_extractor(recipe, root, "cpu"), open_extractor(recipe, root / name)
    return found


def require_same(ours, theirs):
    assert ours.shape == theirs.shape
    assert np.linalg.norm(ours - theirs) < 1e-4 * np.linalg.norm(theirs)


@settings(max_examples=10, deadline=None)
@given(st.sampled_from(("whole", "centre")), st.integers(1, 20))
def test_any_number_of_pictures_gives_the_features_that_pytorch_gives(pairs, name, count):
    pictures = pictures_of(count, 32, 57)
    theirs, ours = (np.concatenate(list(features_of(pictures, extractor))) for extractor in pairs[name])
    require_same(ours, theirs)


def test_a_video_gives_the_features_that_pytorch_gives(pairs, tmp_path):
    path = write_video(tmp_path / "match.mkv", range(0, 8000, 40))
    theirs, ours = (video_features(path, extractor) for extractor in pairs["whole"])
    assert len(ours.features) == 16
    require_same(ours.features, theirs.features)
    assert ours.warnings == theirs.warnings


def test_pictures_that_change_their_size_are_given_apart(pairs):
    _, extractor = pairs["centre"]
    pictures = [np.full(shape, 90, np.uint8) for shape in ((64, 96, 3), (64, 96, 3), (48, 64, 3))]
    assert [len(batch) for batch in features_of(pictures, extractor)] == [2, 1]


def test_an_export_without_its_backbone_or_with_another_says_so(pairs, tmp_path):
    theirs, ours = pairs["whole"]
    model = random_model(weights_hash="of a test", features=theirs.recipe.features_info())
    save_onnx(tmp_path, model)
    (tmp_path / BACKBONE_ONNX).write_bytes(b"another")
    with pytest.raises(UserError, match=r"backbone\.onnx: is not there, or not the file its config\.json was"):
        open_extractor(ours.recipe, tmp_path)
    (tmp_path / BACKBONE_ONNX).unlink()
    assert load_spotter(tmp_path).classes == model.classes
    with pytest.raises(UserError, match=r"backbone\.onnx: "):
        open_extractor(ours.recipe, tmp_path)


def test_a_backbone_that_cannot_be_exported_is_one_line(monkeypatch):
    class Odd(nn.Module):
        def forward(self, images):
            return torch.linalg.eigvals(images[:, 0]).real

    monkeypatch.setattr(onnx_graph, "load_backbone", lambda recipe, folder: Odd().eval())
    with pytest.raises(UserError, match="model: PyTorch cannot export resnet18") as refusal:
        backbone_graph(Recipe("resnet18", "random", "", **TIMES, **CENTRE), Path("model"))
    assert "\n" not in str(refusal.value)
