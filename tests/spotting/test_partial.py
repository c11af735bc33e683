"""Spotting a half that is not over."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rmsnet.network.model_files import load_model
from rmsnet.params import SpotParams
from rmsnet.spotting.decoding import decided, hard_suppression, soft_suppression
from rmsnet.spotting.inference import half_bank, spot_bank
from rmsnet.spotting.partial import PartialSpotting
from tests.builders import random_model
from tests.matches.builders import write_features, write_sure_model

DECODINGS = (
    SpotParams(),
    SpotParams(stride=5, suppression="hard"),
    SpotParams(stride=1, all_classes=True, suppression="soft", suppression_seconds=4),
    SpotParams(stride=1, votes=True, spread=True),
    SpotParams(stride=2, votes=True, suppression="hard", suppression_seconds=6),
)


def rows(spots, which=slice(None)):
    return list(zip(spots.label[which].tolist(), spots.position_ms[which].tolist(), strict=True))


@pytest.mark.parametrize("params", DECODINGS, ids=lambda params: f"{params.stride}-{params.suppression}-{params.votes}")
def test_what_is_settled_is_found_at_the_end_and_nothing_else_is_settled(params, tmp_path):
    write_features(tmp_path / "half.npy", seconds=120)
    features = np.load(tmp_path / "half.npy")
    model = load_model(write_sure_model(tmp_path / "model"))
    end = spot_bank(model, half_bank(model, features), params)
    partial, settled = PartialSpotting(model, params), set()
    for frames in range(8, len(features) + 1, 8):
        spots = partial.update(features[:frames])
        now = set(rows(spots.found, spots.settled))
        assert settled <= now  # once settled, always
        settled = now
    at_end = rows(end)
    near = [any(label == other and abs(place - at) <= 1 for other, at in at_end) for label, place in settled]
    assert all(near)
    last_sure = 1000 * (len(features) / 2 - 80)
    assert all(
        any(label == other and abs(place - at) <= 1 for other, at in settled)
        for label, place in at_end
        if place < last_sure
    )
    assert len(at_end) > 5


@settings(max_examples=200)
@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(1, 40)), max_size=14),
    st.integers(0, 60),
    st.sampled_from((3.0, 8.0)),
    st.booleans(),
)
def test_no_later_prediction_changes_what_is_decided(predictions, frontier, window, soft):
    """All predictions are those before the frontier and others that come later."""
    distinct = list({confidence: frame for frame, confidence in predictions}.items())
    confidence, frame = (np.array([row[column] for row in distinct], float) for column in (0, 1))
    confidence /= 41
    known = frame < frontier
    suppress = soft_suppression if soft else hard_suppression
    sure = decided(frame[known], confidence[known], window, frontier, soft)
    before, after = suppress(frame[known], confidence[known], window), suppress(frame, confidence, window)[known]
    np.testing.assert_allclose(before[sure], after[sure])


def test_everything_is_decided_when_nothing_is_to_come():
    frame, confidence = np.arange(20.0), np.linspace(0.1, 0.9, 20)
    for soft in (False, True):
        assert decided(frame, confidence, 5.0, np.inf, soft).all()


def test_a_spot_is_out_when_the_first_clip_that_sees_it_is_there():
    model = random_model(seed=2)
    features = np.random.default_rng(1).normal(size=(60, 8)).astype(np.float32)
    partial = PartialSpotting(model, replace(SpotParams(), stride=1, all_classes=True))
    assert len(partial.update(features[: model.clip_frames]).found.label) == 0
    assert len(partial.update(features[: model.clip_frames + 1]).found.label) > 0
