import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rmsnet.errors import UserError
from rmsnet.features.profile import PROBABILITIES, bank_profile, drift, feature_profile, sampled_frames, summarize
from tests.builders import bank


def matches(count: int, seed: int = 0, width: int = 32, frames: int = 400) -> list[np.ndarray]:
    """Halves in pairs: each game has a look of its own, each feature a scale of its own."""
    rng = np.random.default_rng(seed)
    scale = 3 / np.sqrt(np.arange(width) + 1)
    halves = []
    for _ in range(count):
        look = 0.4 * rng.normal(size=width)
        for _ in range(2):
            # Positive skew, as ResNet features have.
            halves.append(((look + rng.gumbel(size=(frames, width))) * scale).astype(np.float32))
    return halves


@pytest.fixture(scope="module")
def profile():
    return feature_profile(matches(12))


def test_a_profile_is_plain_json_and_holds_the_moments_of_all_frames(profile):
    everything = np.concatenate(matches(12)).astype(np.float64)
    assert json.loads(json.dumps(profile)) == profile
    assert (profile["frames"], profile["halves"], profile["width"]) == (12 * 2 * 400, 24, 32)
    np.testing.assert_allclose(profile["mean"], everything.mean(0), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(profile["std"], everything.std(0), rtol=1e-4)
    exact = np.quantile(everything, PROBABILITIES, axis=0)
    assert np.abs(np.array(profile["quantiles"]) - exact).max() < 0.1 * everything.std(0).max()


def test_new_matches_of_the_same_kind_do_not_drift(profile):
    found = [drift(profile, summarize(half)) for half in matches(30, seed=1)]
    assert sum(item.drifted for item in found) == 0


@pytest.mark.parametrize(
    "change",
    [
        lambda x: x[:, ::-1],
        lambda x: -x,
        lambda x: 2 * x,
        lambda x: x + 2 * x.std(0),
        lambda x: 0 * x,
        lambda x: x / np.linalg.norm(x, axis=1, keepdims=True),
    ],
    ids=["other order", "other sign", "other scale", "other mean", "nothing", "normalised"],
)
def test_another_kind_of_features_drifts(profile, change):
    found = [drift(profile, summarize(change(half))) for half in matches(10, seed=1)]
    assert all(item.drifted for item in found)


def test_the_features_that_moved_are_named(profile):
    half = matches(1, seed=2)[0]
    half[:, 7] += 10 * half[:, 7].std()
    farthest = drift(profile, summarize(half), farthest=3).farthest
    assert farthest[0][0] == 7
    assert len(farthest) == 3


def test_distances_are_in_training_standard_deviations():
    """A shift of every feature by half a standard deviation is a distance of half, but for sampling."""
    rng = np.random.default_rng(0)
    halves = [rng.normal(size=(4000, 16)) for _ in range(8)]
    profile = feature_profile(halves)
    assert drift(profile, summarize(rng.normal(size=(4000, 16)) + 0.5)).distance == pytest.approx(0.5, abs=0.08)


def test_a_bank_has_the_profile_of_its_halves():
    small = bank([50, 60, 70, 80])
    halves = [small.features[start : start + length] for start, length in ((0, 50), (50, 60), (110, 70), (180, 80))]
    assert bank_profile(small) == feature_profile(halves)


def test_what_is_no_profile_or_of_another_width_is_refused(profile):
    half = summarize(np.ones((5, 32)))
    for document in (
        {},
        {"schema": 0},
        {**profile, "schema": 2},
        {**profile, "quantiles": []},
        {**profile, "std": "x"},
    ):
        with pytest.raises(UserError, match="not a feature profile"):
            drift(document, half)
    with pytest.raises(UserError, match="8 wide, those of the training profile 32"):
        drift(profile, summarize(np.ones((5, 8))))
    with pytest.raises(UserError, match="at least two halves"):
        feature_profile(matches(1)[:1])


@given(frames=st.integers(1, 20_000), limit=st.integers(1, 300))
@settings(max_examples=100)
def test_sampled_frames_are_distinct_in_order_and_reach_both_ends(frames, limit):
    numbers = sampled_frames(frames, limit)
    assert len(numbers) == min(frames, limit)
    assert (np.diff(numbers) > 0).all()
    assert numbers[0] >= 0
    assert numbers[-1] == (frames - 1 if len(numbers) > 1 else 0)


@given(st.integers(1, 40), st.integers(1, 6), st.integers(0, 100))
@settings(max_examples=30)
def test_the_summary_of_a_half_does_not_depend_on_how_it_is_read(frames, width, seed):
    values = np.random.default_rng(seed).normal(size=(frames, width)).astype(np.float32)
    summary = summarize(values)
    np.testing.assert_allclose(summary.mean, values.mean(0), atol=1e-5)
    np.testing.assert_allclose(summary.std, values.astype(float).std(0), atol=1e-5)
    np.testing.assert_allclose(summary.quantiles, np.quantile(values, PROBABILITIES, axis=0), atol=1e-5)


def walks(count: int, seed: int) -> list[np.ndarray]:
    """Halves in which neighbouring frames look alike, as those of a broadcast do: a minute is unlike the rest."""
    rng = np.random.default_rng(seed)
    halves = []
    for _ in range(count):
        shots = rng.normal(size=(300, 32)) + 0.3 * rng.normal(size=32)
        halves.append((np.repeat(shots, 10, axis=0) + 0.3 * rng.normal(size=(3000, 32))).astype(np.float32))
    return halves


@pytest.mark.parametrize("halves", [2, 4, 8, 24])
def test_a_profile_of_few_halves_does_not_call_the_next_ones_drift(halves):
    flagged = [
        drift(feature_profile(walks(halves, seed)), summarize(half)).drifted
        for seed in range(4)
        for half in walks(10, 100 + seed)
    ]
    assert sum(flagged) <= 1


@pytest.mark.parametrize("frames", [1, 4, 20, 120, 500, 1500])
def test_a_window_of_a_half_is_held_against_windows(frames):
    profile = feature_profile(walks(8, 0))
    windows = [half[start : start + frames] for half in walks(10, 1) for start in (0, 700, 1400)]
    assert sum(drift(profile, summarize(window)).drifted for window in windows) <= 1
    assert all(drift(profile, summarize(6 * window + 3)).drifted for window in windows)
