"""bfloat16 against float32: the cheaper type must not cost Average-mAP, beyond what another seed would change."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from rmsnet.params import TrainParams
from rmsnet.study.summary import estimate
from rmsnet.training.learner import Learner
from rmsnet.training.loop import train
from tests.builders import learnable_bank

PARAMS = TrainParams(clip_frames=17, foreground_clips=240, background_clips=80, batch_size=32, epochs=5, patience=0)

SEEDS = range(5)


@pytest.fixture(scope="module")
def banks():
    """Events that are seen, but in noise: scores well below 1, which differ from seed to seed."""
    return learnable_bank(4, noise=1.2, seed=1), learnable_bank(6, noise=1.2, seed=2)


def scores(banks, precision: str, folder) -> list[float]:
    """Validation Average-mAP of each seed; they differ in first weights, clips, masks and dropout."""
    return [
        train(*banks, replace(PARAMS, precision=precision, seed=seed), folder / f"{precision} {seed}", device="cpu")[
            "valid_average_map"
        ]
        for seed in SEEDS
    ]


@pytest.fixture(scope="module")
def float32(banks, tmp_path_factory):
    return scores(banks, "float32", tmp_path_factory.mktemp("float32"))


def reach(scores: list[float]) -> float:
    """Half of the 95 % interval of the mean over seeds."""
    found = estimate(scores)
    assert found.low is not None
    return found.mean - found.low


def differ_by_less_than_seeds(ours: list[float], theirs: list[float]) -> bool:
    """Whether the means are as near as those of two sets of other seeds would be, 19 times of 20.

    The seeds here are the same, so types that are equally good are nearer to each other than that.
    """
    return abs(np.mean(ours) - np.mean(theirs)) <= math.hypot(reach(ours), reach(theirs))


def test_bfloat16_agrees_with_float32_within_the_seed_noise(banks, float32, tmp_path):
    bfloat16 = scores(banks, "bfloat16", tmp_path)
    assert bfloat16 != float32, "the types do differ"
    assert differ_by_less_than_seeds(bfloat16, float32)
    assert reach(float32) < 0.05, "noise that would not hide five points"
    assert 0.2 < np.mean(float32) < 0.9, "a score that could fall and could rise"


def test_the_comparison_would_notice_a_type_that_is_too_coarse(banks, float32, tmp_path, monkeypatch):
    """The same with weights that are kept in eight bits, so that small steps are rounded away."""
    step = Learner.step

    def rounded(self, batch, rate):
        measured = step(self, batch, rate)
        with torch.no_grad():
            for weight in self.weights.values():
                weight.copy_(weight.to(torch.float8_e4m3fn))
        return measured

    monkeypatch.setattr(Learner, "step", rounded)
    assert not differ_by_less_than_seeds(scores(banks, "bfloat16", tmp_path), float32)
