import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torchvision import models

from rmsnet.errors import UserError
from rmsnet.video.backbones import load_backbone, open_backbone, weights_hash
from rmsnet.video.recipe import BACKBONE_FILE, Recipe
from tests.video.videos import TIMES


def full_network(name: str, seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return models.get_model(name, weights=None).eval()


@pytest.fixture(scope="module")
def resnet18(tmp_path_factory):
    """A file of random ResNet-18 weights as people have them: with the classifying layer."""
    path = tmp_path_factory.mktemp("weights") / "resnet18.pth"
    torch.save(full_network("resnet18").state_dict(), path)
    return path


def test_a_resnets_features_are_torchvisions_average_pool(resnet18):
    from torchvision.models.feature_extraction import create_feature_extractor

    images = torch.rand(2, 3, 64, 64)
    network, described = open_backbone("resnet18", str(resnet18))
    pooled = create_feature_extractor(full_network("resnet18"), ["avgpool"])(images)["avgpool"].flatten(1)
    torch.testing.assert_close(network(images), pooled)
    assert (described["backbone"], described["weights"]) == ("resnet18", "resnet18.pth")


@pytest.mark.parametrize(
    ("name", "width"), [("resnet34", 512), ("mobilenet_v3_small", 1024), ("shufflenet_v2_x0_5", 1024)]
)
def test_any_classification_model_of_torchvision_loses_its_last_layer(name, width, tmp_path):
    torch.save(full_network(name).state_dict(), tmp_path / "weights.pth")
    network, _ = open_backbone(name, str(tmp_path / "weights.pth"))
    with torch.inference_mode():
        assert network(torch.rand(1, 3, 64, 64)).shape == (1, width)


def test_the_hash_is_of_the_numbers_not_of_the_file(resnet18, tmp_path):
    state = torch.load(resnet18, weights_only=True)
    save_file(state, tmp_path / "same.safetensors")
    torch.save({"state_dict": {key: value for key, value in state.items() if "fc" not in key}}, tmp_path / "cut.pth")
    hashes = {
        open_backbone("resnet18", str(path))[1]["weights_hash"]
        for path in (resnet18, tmp_path / "same.safetensors", tmp_path / "cut.pth")
    }
    assert len(hashes) == 1
    assert weights_hash(full_network("resnet18", seed=1).state_dict()) not in hashes


def test_a_recipe_finds_its_weights_in_its_folder_and_refuses_others(resnet18, tmp_path):
    network, described = open_backbone("resnet18", str(resnet18))
    recipe = Recipe(**described, **TIMES)
    with pytest.raises(UserError, match="weights are missing"):
        load_backbone(recipe, tmp_path)
    save_file(network.state_dict(), tmp_path / BACKBONE_FILE)
    loaded = load_backbone(recipe, tmp_path)
    assert all(torch.equal(loaded.state_dict()[key], value) for key, value in network.state_dict().items())
    with pytest.raises(UserError, match="are not those that the features were made with"):
        load_backbone(replace(recipe, weights_hash="0" * 32), tmp_path)


@pytest.mark.parametrize(
    ("name", "weights", "says"),
    [
        ("resnet19", "DEFAULT", "no classification model 'resnet19'"),
        ("squeezenet1_0", "DEFAULT", "ends in no linear layer"),
        ("resnet18", "IMAGENET1K_V7", "has no 'IMAGENET1K_V7'; known: IMAGENET1K_V1"),
        ("resnet18", "nowhere.pth", "nowhere.pth: no such weights file"),
        ("efficientnet_lite0", "IMAGENET1K_V2", "has IMAGENET1K_V1 or a file"),
    ],
)
def test_networks_and_weights_that_do_not_exist_are_refused(name, weights, says):
    with pytest.raises(UserError, match=re.escape(says)):
        open_backbone(name, weights)


def test_weights_of_another_network_are_refused(resnet18, tmp_path):
    with pytest.raises(UserError, match=r"resnet18\.pth: not weights of resnet50: it lacks 'layer1\.0\.conv3"):
        open_backbone("resnet50", str(resnet18))
    with pytest.raises(UserError, match="not weights of resnet34: it lacks"):
        open_backbone("resnet34", str(resnet18))
    (tmp_path / "text.pth").write_text("no weights at all")
    (tmp_path / "list.pth").write_bytes(b"")
    torch.save([1, 2], tmp_path / "other.pth")
    for name in ("text.pth", "list.pth", "other.pth"):
        with pytest.raises(UserError, match=name):
            open_backbone("resnet18", str(tmp_path / name))


def test_without_a_connection_the_message_says_where_to_put_the_weights(monkeypatch, tmp_path):
    def refuse(*arguments, **options):
        raise OSError("no route to host")

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr("torch.hub.download_url_to_file", refuse)
    with pytest.raises(UserError, match=r"cannot be downloaded \(no route to host\); put https.*resnet18.*at .*checkp"):
        open_backbone("resnet18", "IMAGENET1K_V1")


def test_weights_by_name_come_from_torchs_cache(monkeypatch, tmp_path, resnet18):
    """The file that torchvision would download, already there: no connection is made, the preset's scaling is taken."""
    from hashlib import sha256
    from shutil import copy

    entry = models.ResNet18_Weights.IMAGENET1K_V1
    (tmp_path / "checkpoints").mkdir()
    copy(resnet18, tmp_path / "checkpoints" / entry.url.rpartition("/")[2])
    assert sha256(resnet18.read_bytes()).hexdigest()[:8] not in entry.url  # random weights, not the real ones
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    network, described = open_backbone("resnet18", "DEFAULT")
    assert described["weights"] == "IMAGENET1K_V1"
    assert described["mean"] == (0.485, 0.456, 0.406)
    assert described["weights_hash"] == open_backbone("resnet18", str(resnet18))[1]["weights_hash"]
    assert np.array_equal(network.conv1.weight.detach(), torch.load(resnet18, weights_only=True)["conv1.weight"])
