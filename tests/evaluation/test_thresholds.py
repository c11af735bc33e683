import numpy as np
import pytest

from rmsnet.evaluation.metric import judge
from rmsnet.evaluation.thresholds import best_thresholds
from rmsnet.spots import Predictions
from tests.builders import truth


def test_the_threshold_separates_hits_from_false_alarms():
    events = truth([(0, 100_000, 0), (0, 300_000, 0), (1, 200_000, 0), (1, 900_000, 1)])
    predictions = Predictions(
        np.array([0, 0, 1, 1, 0]),
        np.array([100_000, 300_000, 200_000, 1_500_000, 2_000_000]),
        np.array([0, 0, 0, 0, 0]),
        np.array([0.9, 0.8, 0.7, 0.4, 0.3]),
    )
    judged = judge(events, predictions, game_of_half=np.array([0, 0]), classes=3, frame_rate=2.0)
    found = best_thresholds(judged, ("goal", "card", "none"))
    assert found["goal"]["f1"] == 1
    assert 0.4 < found["goal"]["confidence"] <= 0.7
    assert found["card"] == found["none"] == {"confidence": 0, "f1": 0}


def test_other_protocols_have_no_thresholds():
    nothing = Predictions(*(np.empty(0, kind) for kind in (np.int64, np.int64, np.int64, np.float64)))
    judged = judge(
        truth([(0, 1000, 0)]), nothing, game_of_half=np.array([0]), classes=1, frame_rate=2.0, protocol="soccernet-2018"
    )
    with pytest.raises(ValueError, match="devkit"):
        best_thresholds(judged, ("goal",))
