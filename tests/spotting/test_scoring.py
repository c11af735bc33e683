from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from rmsnet.documents import read_json
from rmsnet.errors import UserError
from rmsnet.files import atomic_folder, write_json
from rmsnet.network.model_files import combine_models, load_model
from rmsnet.params import SpotParams
from rmsnet.spotting.decoding import decode
from rmsnet.spotting.inference import check_fits, spot_bank, spot_features
from rmsnet.spotting.scoring import score_clips, score_every_clip
from rmsnet.video.recipe import Recipe
from tests.builders import bank, random_model, write_model

T = 41


class Oracle(nn.Module):
    """Answers from the clip itself: feature 0 marks the event's frame, feature 1 its class + 1."""

    def __init__(self) -> None:
        super().__init__()
        self.unused = nn.Parameter(torch.zeros(1))

    def forward(self, clips):
        index = clips[:, :, 0].argmax(dim=1)
        label = torch.where(clips[:, :, 0].amax(dim=1) > 0, clips[:, :, 1].amax(dim=1).long() - 1, 3)
        logits = 5 * nn.functional.one_hot(label, 4).float()
        return logits, torch.logit((index / clips.shape[1]).clamp(1e-9, 1 - 1e-9).double()).float()


def marked_bank(frames, events):
    made = bank(frames, events)
    made.features[:] = 0
    for half, frame, label in events:
        made.features[made.halves[half].first_frame + frame, :2] = (1, label + 1)
    return made


def spot(score, bank, stride, **options):
    scores = score_clips(score, bank, clip_frames=T, stride=stride, **options)
    return decode(scores, bank, T, SpotParams())


@given(frames=st.lists(st.integers(1, 300), min_size=1, max_size=3), seed=st.integers(0, 10_000))
def test_decoding_a_clip_inverts_the_offset_it_was_trained_with(frames, seed):
    """An oracle that answers r = (t - s) / T puts every event exactly at its time, at the ends of halves too."""
    random = np.random.default_rng(seed)
    events = [
        (half, int(random.integers(clip * T, min((clip + 1) * T, length))), int(random.integers(3)))
        for half, length in enumerate(frames)
        for clip in range(-(-length // T))
    ]
    made = marked_bank(frames, events)
    found = spot(Oracle(), made, stride=T)
    assert found.half.tolist() == made.truth.half.tolist()
    assert found.label.tolist() == made.truth.label.tolist()
    np.testing.assert_allclose(found.position_ms, made.truth.position_ms, atol=1)


def test_a_background_clip_predicts_nothing_and_confidence_is_the_softmax_of_the_winner():
    made = marked_bank([4 * T], [(0, T + 3, 2)])
    found = spot(Oracle(), made, stride=T)
    assert found.label.tolist() == [2]
    assert found.confidence[0] == pytest.approx(np.exp(5) / (np.exp(5) + 3))


def test_without_regression_the_event_is_in_the_middle_of_its_clip():
    made = marked_bank([4 * T], [(0, T + 3, 2)])
    found = spot(Oracle(), made, stride=T, regression=False)
    assert found.position_ms.tolist() == [500 + 500 * T * 3 // 2]


def test_stride_1_sees_an_event_in_every_clip_that_holds_it():
    made = marked_bank([200], [(0, 100, 1)])
    found = spot(Oracle(), made, stride=1)
    assert len(found.half) == T
    np.testing.assert_allclose(found.position_ms, 50_500, atol=1)


def test_a_model_folder_is_read_as_it_was_written(tmp_path):
    model = load_model(write_model(tmp_path))
    features = bank([300]).features
    ours = spot(random_model().network, bank([300]), stride=T)
    theirs = spot_features(model, features)
    assert ours.position_ms.tolist() == theirs.position_ms.tolist()
    assert ours.confidence.tolist() == theirs.confidence.tolist()


def test_a_damaged_model_folder_is_refused(tmp_path):
    with pytest.raises(UserError, match="no model there"):
        load_model(tmp_path)
    write_model(tmp_path)
    content = bytearray((tmp_path / "model.safetensors").read_bytes())
    content[-1] ^= 1
    (tmp_path / "model.safetensors").write_bytes(content)
    with pytest.raises(UserError, match="is not the file"):
        load_model(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(content[:100])
    with pytest.raises(UserError, match="cannot be read"):
        load_model(tmp_path)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"classes": None}, r"config\.json: classes: expected 'array', got 'null'; restore the model"),
        ({"width": "8", "frame_rate": None}, r"config\.json: width: expected 'int', got 'str'"),
        ({"frame_rate": 1e300}, r"config\.json: frame_rate: 1e\+300 does not lie between"),
        ({"features": {"names": "x"}}, r"config\.json: features\.name: is missing"),
        ({"spot": {"strides": 1}}, r"config\.json: spot: strides: unknown key"),
        ({"spot": {"stride": -1}}, r"config\.json: spot: stride must not be negative"),
        ({"spot": []}, r"config\.json: spot: expected 'object', got 'array'"),
        ({"members": "two"}, r"config\.json: members: expected 'int', got 'str'"),
        ({"schema": 7}, "not a model of schema 1"),
        ({"classes": ["a"]}, r"weights of another network .*8 features, 1 classes"),
        ({"width": 16}, "weights of another network .*16 features"),
        ({"width": 1_000_000}, "weights of another network .*1000000 features"),
        ({"width": -1}, "width: -1 does not lie between 1 and"),
        ({"members": 2}, "weights of another network .*2 members"),
        ({"members": 0}, "members: 0 does not lie between 1 and"),
    ],
)
def test_a_config_that_does_not_fit_its_weights_is_refused(change, says, tmp_path):
    write_model(tmp_path)
    write_json(tmp_path / "config.json", {**read_json(tmp_path / "config.json"), **change})
    with pytest.raises(UserError, match=says):
        load_model(tmp_path)


def test_an_ensemble_with_a_member_too_many_is_refused(tmp_path):
    for seed, name in enumerate("abc"):
        save_seed(tmp_path / name, seed)
    combine([tmp_path / name for name in "abc"], tmp_path / "all")
    write_json(tmp_path / "all" / "config.json", {**read_json(tmp_path / "all" / "config.json"), "members": 2})
    with pytest.raises(UserError, match=r"weights of another network .*2 members"):
        load_model(tmp_path / "all")


def test_features_of_another_kind_are_refused():
    model = random_model()
    check_fits(model, bank([50]))
    with pytest.raises(UserError, match="width: the model was trained on 8"):
        spot_bank(model, bank([50], width=9))
    with pytest.raises(UserError, match="classes"):
        spot_bank(model, bank([50], classes=("a", "b", "c")))
    with pytest.raises(UserError, match=r"\(frames, 8\)"):
        spot_features(model, np.zeros((5, 9), np.float32))
    with pytest.raises(UserError, match=r"\(frames, 8\)"):
        spot_features(model, np.zeros((0, 8), np.float32))


def with_recipe(recipe):
    return replace(bank([50]), info={"features": recipe.features_info()})


RECIPE = Recipe("resnet152", "IMAGENET1K_V1", "abc", 2.0, 0.5, pca_components=8, pca_hash="def")


@pytest.mark.parametrize(
    "change", [{"backbone": "resnet50"}, {"weights_hash": "x"}, {"resize": None, "width": 398}, {"pca_hash": "x"}]
)
def test_a_bank_of_another_video_recipe_is_refused(change):
    model = random_model(features=RECIPE.features_info())
    check_fits(model, with_recipe(RECIPE))
    with pytest.raises(UserError, match="features: the model was trained on resnet152_PCA8 of recipe"):
        spot_bank(model, with_recipe(replace(RECIPE, **change)))


def test_the_same_weights_out_of_a_file_are_the_same_recipe():
    """A bank made with the weights by name fits a model whose own copy of them is called otherwise."""
    model = random_model(features=RECIPE.features_info())
    check_fits(model, with_recipe(RECIPE.with_weights("resnet152.pth", RECIPE.weights_hash)))


def test_features_with_and_without_a_recipe_are_not_the_same():
    with pytest.raises(UserError, match="features: the model was trained on test, the frame bank holds resnet152_PCA8"):
        check_fits(random_model(), with_recipe(RECIPE))


def test_dense_spotting_gives_what_every_clip_alone_gives():
    made, model = bank([120, 90]), random_model()
    alone = score_clips(model.network, made, clip_frames=T, stride=1)
    together = score_every_clip(model, made)
    assert together.half.tolist() == alone.half.tolist()
    np.testing.assert_allclose(together.frame, alone.frame, atol=1e-3)
    np.testing.assert_allclose(together.probability, alone.probability, atol=1e-5)


def test_a_half_shorter_than_a_clip_is_spotted_densely_too():
    assert len(score_every_clip(random_model(), bank([10, 90])).half) == 1 + 50


def test_a_model_is_decoded_as_its_config_says():
    made = bank([200])
    dense = random_model(spot={"stride": 1, "all_classes": True})
    assert dense.spot == SpotParams(stride=1, all_classes=True)
    assert len(spot_bank(dense, made).half) > len(spot_bank(random_model(), made).half)


def test_a_stride_that_leaves_gaps_is_refused():
    with pytest.raises(UserError, match="stride: 50 frames leave gaps between clips of 41"):
        spot_bank(random_model(), bank([200]), SpotParams(stride=50))


def save_seed(folder, seed, **changes):
    return load_model(write_model(folder, seed, **changes))


def combine(models, out):
    with atomic_folder(out) as folder:
        return combine_models(models, folder, out.name)


def test_an_ensemble_answers_with_the_mean_of_its_members(tmp_path):
    members = [save_seed(tmp_path / name, seed) for seed, name in enumerate("ab")]
    combine([tmp_path / "a", tmp_path / "b"], tmp_path / "both")
    both = load_model(tmp_path / "both")
    made = bank([200])
    expected = np.mean([score_every_clip(member, made).probability for member in members], axis=0)
    np.testing.assert_allclose(score_every_clip(both, made).probability, expected, atol=1e-6)
    clip = torch.randn(1, T, 8)
    np.testing.assert_allclose(
        torch.sigmoid(both.network(clip)[1]).item(),
        np.mean([torch.sigmoid(member.network(clip)[1]).item() for member in members]),
        atol=1e-6,
    )


def test_models_that_differ_in_more_than_their_seed_are_no_ensemble(tmp_path):
    save_seed(tmp_path / "a", 0)
    save_seed(tmp_path / "b", 1, clip_frames=21)
    with pytest.raises(UserError, match=r"differs from .* in clip_frames"):
        combine([tmp_path / "a", tmp_path / "b"], tmp_path / "both")
    with pytest.raises(UserError, match="at least two"):
        combine([tmp_path / "a"], tmp_path / "both")
    with pytest.raises(UserError, match=r"/a: the same weights as .*/a; name each model once"):
        combine([tmp_path / "a", tmp_path / "a"], tmp_path / "both")
    assert not (tmp_path / "both").exists()


def test_weights_of_another_class_list_or_network_are_refused(tmp_path):
    with pytest.raises(UserError, match=r"weights of another network .*2 classes"):
        save_seed(tmp_path / "a", 0, classes=["one", "two"])
    with pytest.raises(UserError, match=r"weights of another network .*16 features"):
        save_seed(tmp_path / "b", 0, width=16)
