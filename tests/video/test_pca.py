import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import PCA

from rmsnet.errors import UserError
from rmsnet.video.pca import PcaFit, load_pca, save_pca
from rmsnet.video.recipe import Recipe


def frames(count: int = 300, width: int = 20, seed: int = 0):
    random = np.random.default_rng(seed)
    return (random.normal(size=(count, width)) * np.arange(1, width + 1) + 40).astype(np.float32)


def fitted(parts, components: int = 5):
    fit = PcaFit(parts[0].shape[1])
    for part in parts:
        fit.add(part)
    return fit.finish(components)


def test_it_is_scikit_learns_pca():
    data = frames()
    ours = fitted([data]).apply(data)
    theirs = PCA(5, svd_solver="full").fit_transform(data)
    np.testing.assert_allclose(np.abs(ours), np.abs(theirs), rtol=0, atol=2e-3)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(1, 299), max_size=5, unique=True))
def test_in_however_many_parts_the_frames_come_the_pca_is_the_same(cuts):
    whole = fitted([frames()])
    parts = fitted(np.split(frames(), sorted(cuts)))
    np.testing.assert_allclose(parts.components, whole.components, atol=1e-5)
    np.testing.assert_allclose(parts.mean, whole.mean, rtol=1e-6)


def test_more_components_than_features_or_frames_are_refused():
    for data in (frames(300, 4), frames(5)):
        with pytest.raises(UserError, match=r"extract\.pca: 5 components cannot come from"):
            fitted([data])


def test_a_pca_is_read_as_it_was_written_and_another_refused(tmp_path):
    pca = fitted([frames()])
    recipe = Recipe("resnet18", "x", "y", 2.0, 0.5, pca_components=5, pca_hash=pca.hash)
    with pytest.raises(UserError, match="cannot be read"):
        load_pca(recipe, tmp_path)
    save_pca(tmp_path, pca)
    read = load_pca(recipe, tmp_path)
    assert np.array_equal(read.components, pca.components)
    save_pca(tmp_path, fitted([frames(seed=1)]))
    with pytest.raises(UserError, match="is not the PCA that the features were made with"):
        load_pca(recipe, tmp_path)
