import numpy as np
import pytest

from rmsnet.simulation.appearance import WIDTH, half_features, match_looks, spectrum, world_looks
from rmsnet.simulation.broadcast import Broadcast, Shot, direct
from rmsnet.simulation.draws import Draws

FRAMES = 1200


@pytest.fixture(scope="module")
def world():
    return world_looks(Draws(0, 0))


def features_of(world, match: int, half: int = 1, broadcast: Broadcast | None = None, frames: int = FRAMES):
    draws = Draws(0, 3, match, half)
    looks = match_looks(Draws(0, 2, match), world)
    return half_features(draws, looks, broadcast or direct(draws, [], frames), half)


def distance(one, two) -> float:
    return float(np.linalg.norm(one - two))


def test_features_look_like_pca_features(world):
    """As real ones: float32, finite, the first components spread most."""
    features = features_of(world, 0)
    assert features.shape == (FRAMES, WIDTH)
    assert features.dtype == np.float32
    assert np.isfinite(features).all()
    spread = features.std(axis=0)
    assert spread[:32].mean() > 3 * spread[-32:].mean()
    assert np.all(np.diff(spectrum()) <= 0)


def test_every_value_is_a_whole_number_of_steps_so_that_no_rounding_can_differ(world):
    steps = features_of(world, 0).astype(np.float64) * 2**14
    assert np.array_equal(steps, np.rint(steps))
    assert np.abs(steps).max() < 2**24


def test_matches_look_different_and_the_halves_of_one_alike(world):
    means = {(match, half): features_of(world, match, half).mean(axis=0) for match in (0, 1) for half in (1, 2)}
    within = distance(means[0, 1], means[0, 2])
    between = distance(means[0, 1], means[1, 1])
    assert between > 1.3 * within


def test_appearance_drifts_slowly_within_a_half(world):
    still = Broadcast((Shot(0, {}),), np.zeros(4000, np.int32))
    features = features_of(world, 0, broadcast=still)[100:]
    minutes = features[: 3900 // 120 * 120].reshape(-1, 120, WIDTH).mean(axis=1)
    steps = np.linalg.norm(np.diff(minutes, axis=0), axis=1)
    assert distance(minutes[0], minutes[-1]) > 4 * np.median(steps)


def test_a_cut_changes_more_than_a_frame_within_a_shot(world):
    shot_of_frame = np.repeat(np.arange(2, dtype=np.int32), 60)
    features = features_of(world, 0, broadcast=Broadcast((Shot(0, {}), Shot(2, {})), shot_of_frame))
    steps = np.linalg.norm(np.diff(features, axis=0), axis=1)
    assert steps[59] > 1.5 * np.delete(steps, 59).max()


def test_a_cue_looks_alike_in_all_matches_and_stands_out_more_when_it_is_clear(world):
    def cue_direction(match: int, percent: int):
        frames = np.zeros(60, np.int32)
        with_cue = features_of(world, match, broadcast=Broadcast((Shot(2, {1: percent}),), frames))
        without = features_of(world, match, broadcast=Broadcast((Shot(2, {}),), frames))
        return (with_cue - without).mean(axis=0)

    def cosine(one, two) -> float:
        return float(one @ two / np.linalg.norm(one) / np.linalg.norm(two))

    assert cosine(cue_direction(0, 100), cue_direction(1, 100)) > 0.5
    assert np.linalg.norm(cue_direction(0, 100)) > 1.8 * np.linalg.norm(cue_direction(0, 50))


def test_a_context_looks_different_in_every_match(world):
    looks = [match_looks(Draws(0, 2, match), world).contexts[0].astype(np.float64) for match in (0, 1)]
    cosine = looks[0] @ looks[1] / np.linalg.norm(looks[0]) / np.linalg.norm(looks[1])
    assert cosine == pytest.approx(0, abs=0.2)
