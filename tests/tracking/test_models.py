"""Models of other versions of this project: they carry their code, and ours reads their folder."""

import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from rmsnet import tracking
from rmsnet.matches.stage import spot_stage
from rmsnet.tracking.models import predict_with_carried_code

FIRST_LAYOUT = Path(__file__).with_name("model_of_the_first_layout.zip")
"""An MLflow model that version 0.1.0 logged when its modules still lay side by side (`rmsnet.model`, …).

Its network is made by hand: one tap for each of three features, so that a high value is an event of that class.
"""

HALF = np.zeros((200, 8), np.float32)
HALF[30, 0] = HALF[150, 2] = 3

EVENTS = [(10750, "card"), (72250, "soccer")]
"""The middle of the clips that see them: its offsets are all one half."""


@pytest.fixture(scope="module")
def old(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("old")
    with zipfile.ZipFile(FIRST_LAYOUT) as archive:
        archive.extractall(folder)
    return folder


def test_a_model_of_the_first_layout_still_runs_on_the_code_that_it_carries(old):
    ours = sys.modules["rmsnet"], list(sys.path)
    events = predict_with_carried_code(old, HALF)
    assert list(zip(events.position_ms, events.label, strict=True)) == EVENTS
    assert (sys.modules["rmsnet"], sys.path) == ours
    assert sys.modules["rmsnet.tracking"] is tracking


def test_a_model_of_the_first_layout_runs_on_our_code_too(old):
    events = tracking.load_with_our_code(old).predict(HALF)
    assert list(zip(events.position_ms, events.label, strict=True)) == EVENTS


def test_the_folder_of_a_model_of_the_first_layout_spots(old, tmp_path):
    np.save(tmp_path / "half.npy", HALF)
    (match,) = spot_stage([tmp_path / "half.npy"], str(old / "artifacts" / "model"), tmp_path / "out", device="cpu")
    assert [(event["position_ms"], event["label"]) for event in match.events] == EVENTS
