"""Faster ways against float32 by PyTorch: none may cost Average-mAP, beyond what another seed would change."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from rmsnet.network import kernels
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


def scores(banks, precision: str, path: str, folder) -> list[float]:
    """Validation Average-mAP of each seed; they differ in first weights, clips, masks and dropout."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RMSNET_KERNELS", path)
        return [
            train(*banks, replace(PARAMS, precision=precision, seed=seed), folder / f"{seed}", device="cpu")[
                "valid_average_map"
            ]
            for seed in SEEDS
        ]


@pytest.fixture(scope="module")
def float32(banks, tmp_path_factory):
    return scores(banks, "float32", "pytorch", tmp_path_factory.mktemp("float32"))


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


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_what_is_used_here_agrees_with_float32_by_pytorch_within_the_seed_noise(precision, banks, float32, tmp_path):
    """Paths of one type differ from each other by less than either from PyTorch (test_kernels.py)."""
    path = kernels.chosen(getattr(torch, precision))
    if (precision, path) == ("float32", kernels.PYTORCH):
        pytest.skip("it is used here")
    found = scores(banks, precision, path, tmp_path)
    assert found != float32, "they do differ"
    assert differ_by_less_than_seeds(found, float32)
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
    assert not differ_by_less_than_seeds(scores(banks, "bfloat16", "pytorch", tmp_path), float32)
