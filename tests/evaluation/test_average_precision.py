"""The metric in whole corpora at once is the metric one number at a time."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from rmsnet.evaluation.average_precision import Counted, counts_type

GAMES, CLASSES, POINTS = 3, 2, 7
RECALLS = np.linspace(0, 1, 11)

at_places = arrays.arrays(np.int64, (GAMES, 2, CLASSES, POINTS), elements=st.integers(0, 4))
weights = arrays.arrays(np.int64, (2, GAMES), elements=st.integers(0, 3))


@given(at_places, at_places, weights)
def test_the_best_precision_is_that_of_the_points_with_the_recall(hits, alarms, weights):
    found, predictions = (np.flip(part, -1).cumsum(-1)[..., ::-1] for part in (hits, hits + alarms))
    events = hits.sum(axis=(1, 3))
    made = Counted(found.astype(np.float32), predictions.astype(np.float32), events.astype(np.float64))
    best = made.interpolated_precision(weights.astype(np.float64), 1, RECALLS)
    for corpus, counts in enumerate(weights):
        for label in range(CLASSES):
            right, said = (np.tensordot(counts, part[:, 1, label], 1) for part in (found, predictions))
            recall = right / max(int(counts @ events[:, label]), 1)
            for place, least in enumerate(RECALLS):
                wanted = max((right / np.maximum(said, 1))[recall >= least], default=0)
                assert best[corpus, label, place] == wanted


def test_counts_are_in_single_precision_where_every_sum_of_them_is_exact():
    assert counts_type(largest=5_400, games=500) is np.float32
    assert counts_type(largest=5_400, games=50_000) is np.float64
