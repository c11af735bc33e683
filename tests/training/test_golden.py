"""The golden curve: two hundred steps of the paper's sampling and loss, as they have always come out."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from rmsnet.features.bank import FrameBank
from rmsnet.params import TrainParams
from rmsnet.training.learner import Learner
from rmsnet.training.loop import train
from tests.builders import bank

GOLDEN = Path(__file__).with_name("golden_losses.json")
"""L, L_cls and L_regr of each step, with masking and without. It was written before the modules moved into rooms."""

STEPS = 200
BATCH = 16

EXACT_STEPS, EXACT = 75, 1e-3
"""Other instructions and numbers of threads add in another order; in so many steps a loss differs by less than this."""

WINDOW, CLOSE = 25, 0.1
"""Behind them maxima over time fall on other frames; what is left to compare is the mean of so many steps."""


class Enough(Exception):
    """So many steps are all that is wanted."""


def games(number: int, seed: int) -> FrameBank:
    """Halves of 900 frames with six events each: four frames show one, the twenty before it what leads to it."""
    random = np.random.default_rng(seed)
    events = [
        (half, int(frame + random.integers(-20, 20)), int(random.integers(3)))
        for half in range(2 * number)
        for frame in range(75, 850, 150)
    ]
    made = bank([900] * (2 * number), events, width=32, seed=seed)
    made.features[:] *= 0.3
    for half, frame, label in events:
        start = made.halves[half].first_frame + frame
        made.features[start - 20 : start, 3 + label] += 3
        made.features[start : start + 4, label] += 3
    return made


def losses(masking: float, folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[float]]:
    """(STEPS, 3) of the first steps of a training."""
    measured: list[list[float]] = []
    step = Learner.step

    def recorded(self, batch, rate):
        if len(measured) == STEPS:
            raise Enough
        result = step(self, batch, rate)
        measured.append(result[:3].tolist())
        return result

    monkeypatch.setattr(Learner, "step", recorded)
    monkeypatch.setenv("RMSNET_KERNELS", "pytorch")  # compiled ones draw other frames to drop
    params = TrainParams(
        foreground_clips=150 * BATCH,
        background_clips=50 * BATCH,
        epochs=2,
        batch_size=BATCH,
        precision="float32",
        learning_rate=0.01,
        masking_probability=masking,
        dropout=0.0,  # each way to compute draws it differently
        seed=7,
    )
    with pytest.raises(Enough):
        train(games(8, seed=1), games(1, seed=2), params, folder / "model", device="cpu")
    return measured


@pytest.mark.parametrize(("name", "masking"), [("masking", 1 / 3), ("no masking", 0.0)])
def test_the_losses_of_two_hundred_steps_are_the_golden_ones(name, masking, tmp_path, monkeypatch):
    """After a change on purpose: RMSNET_GOLDEN=write pytest tests/training/test_golden.py, and read the diff."""
    found = losses(masking, tmp_path, monkeypatch)
    golden = json.loads(GOLDEN.read_text()) if GOLDEN.exists() else {}
    if os.environ.get("RMSNET_GOLDEN") == "write":
        golden[name] = [[float(f"{value:.6g}") for value in row] for row in found]
        GOLDEN.write_text(json.dumps(golden, separators=(",", ":")) + "\n")
    ours, theirs = np.array(found), np.array(golden[name])
    np.testing.assert_allclose(ours[:EXACT_STEPS], theirs[:EXACT_STEPS], rtol=0, atol=EXACT)
    means = [curve.reshape(-1, WINDOW, 3).mean(axis=1) for curve in (ours, theirs)]
    np.testing.assert_allclose(*means, rtol=0, atol=CLOSE)
    assert means[0][-1, 0] < 0.5 * means[0][0, 0], "it learns"


def test_the_golden_curves_would_tell_masking_from_none():
    with_masking, without = (np.array(curve) for curve in json.loads(GOLDEN.read_text()).values())
    assert np.abs(with_masking - without)[:EXACT_STEPS].max() > 10 * EXACT
