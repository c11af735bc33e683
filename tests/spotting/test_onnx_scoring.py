"""Banks scored by ONNX Runtime."""

from dataclasses import replace

import numpy as np
import pytest

from rmsnet.documents import read_json
from rmsnet.errors import UserError
from rmsnet.files import content_hash, write_json
from rmsnet.network.onnx_model import load_spotter, save_onnx
from rmsnet.params import SpotParams
from rmsnet.spotting.inference import half_bank, score_bank, spot_bank
from rmsnet.spotting.partial import PartialSpotting
from tests.builders import bank, random_model


def exported(folder, model):
    folder.mkdir()
    save_onnx(folder, model)
    return load_spotter(folder)


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    model = random_model(weights_hash="of a test")
    return model, exported(tmp_path_factory.mktemp("onnx") / "exported", model)


@pytest.mark.parametrize("stride", [1, 7, 41])
def test_every_half_gets_the_scores_that_pytorch_gives_it(pair, stride):
    made = bank([120, 10, 41, 90])  # one is shorter than a clip
    ours, theirs = (score_bank(model, made, stride) for model in pair)
    assert ours.half.tolist() == theirs.half.tolist()
    np.testing.assert_allclose(ours.frame, theirs.frame, atol=1e-3)
    np.testing.assert_allclose(ours.probability, theirs.probability, atol=1e-5)


def test_clips_too_short_to_share_frames_are_scored_one_by_one(tmp_path):
    model = random_model(weights_hash="of a test", clip_frames=9)
    other = exported(tmp_path / "exported", model)
    assert other.every_clip is None
    ours, theirs = (score_bank(one, bank([50]), 1) for one in (other, model))
    np.testing.assert_allclose(ours.probability, theirs.probability, atol=1e-5)


def test_a_half_that_is_not_over_is_spotted_as_by_pytorch(pair):
    features = bank([200]).features
    params = SpotParams(stride=1, votes=True)
    found = [PartialSpotting(model, params).update(features) for model in pair]
    assert found[0].found.position_ms.tolist() == found[1].found.position_ms.tolist()
    assert found[0].settled.tolist() == found[1].settled.tolist()


def test_no_frame_is_computed_twice_for_a_clip_at_every_frame(pair):
    with pytest.raises(AttributeError):  # the graph over clips is not asked
        score_bank(replace(pair[1], every_clip=None, clips=None), bank([60]), 1)
    assert len(score_bank(replace(pair[1], clips=None), bank([60]), 1).half) == 20


def test_a_graph_that_is_none_is_one_line(pair, tmp_path):
    exported(tmp_path / "exported", pair[0])
    path = tmp_path / "exported" / "model.onnx"
    path.write_bytes(b"no graph")
    config = read_json(path.with_name("config.json"))
    config["onnx_hashes"]["model.onnx"] = content_hash(b"no graph")
    write_json(path.with_name("config.json"), config)
    with pytest.raises(UserError, match=r"model\.onnx: ONNX Runtime cannot read it") as refusal:
        load_spotter(path.parent)
    assert "\n" not in str(refusal.value)


def test_features_that_are_too_large_are_one_line(pair):
    made = half_bank(pair[1], np.full((60, 8), 3e38, np.float32))
    with pytest.raises(UserError, match="half 1: the network gives no numbers for it"):
        spot_bank(pair[1], made)
