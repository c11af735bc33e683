import json
from dataclasses import replace

import pytest

from rmsnet.errors import UserError
from rmsnet.video.recipe import Recipe, recipe_of

RECIPE = Recipe("resnet152", "IMAGENET1K_V1", "abc", 2.0, 0.5, pca_components=512, pca_hash="def")


def test_a_recipe_goes_through_json():
    info = json.loads(json.dumps(RECIPE.features_info()))
    assert recipe_of(info, "model") == RECIPE
    assert info["name"] == "resnet152_PCA512"


@pytest.mark.parametrize(
    "change",
    [
        {"frame_rate": 1.0},
        {"resize": None},
        {"width": 398},
        {"weights_hash": "x"},
        {"precision": "bfloat16"},
        {"pca_hash": "x"},
    ],
)
def test_whatever_changes_the_features_changes_the_hash(change):
    assert replace(RECIPE, **change).hash != RECIPE.hash


def test_the_name_of_the_weights_does_not():
    assert replace(RECIPE, weights="resnet152.pth").hash == RECIPE.hash


def test_a_recipe_from_before_there_were_precisions_is_one_of_float32():
    info = RECIPE.features_info()
    assert info["hash"] == "6952e143e78aeaedecfe5a44602658c0"
    del info["recipe"]["precision"]
    assert recipe_of(info, "model") == RECIPE


def test_precomputed_features_have_no_recipe():
    with pytest.raises(UserError, match="precomputed features 'ResNET_TF2_PCA512'"):
        recipe_of({"name": "ResNET_TF2_PCA512"}, "model")


def test_a_recipe_of_another_version_or_changed_by_hand_is_refused():
    info = RECIPE.features_info()
    with pytest.raises(UserError, match="another version"):
        recipe_of({**info, "recipe": {**info["recipe"], "sharpness": 3}}, "model")
    with pytest.raises(UserError, match="changed by hand"):
        recipe_of({**info, "recipe": {**info["recipe"], "frame_rate": 3.0}}, "model")
