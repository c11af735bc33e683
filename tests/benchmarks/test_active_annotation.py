"""What the benchmark of chosen labels hands to the trainings."""

import numpy as np

from benchmarks.active_annotation import CLASSES, SHARES, banks, begun, labelled, stretches


def test_stretches_are_labelled_whole_and_what_nobody_looked_at_is_not_there():
    pool = banks(0)["valid"]
    every = stretches(pool)
    whole = labelled(pool, every)
    assert len(whole.truth.label) == len(pool.truth.label)
    assert np.array_equal(whole.features, pool.features)
    rows = [[made.halves[half].first_frame for half in made.truth.half] for made in (pool, whole)]
    frames = [made.frame_of(made.truth.position_ms) for made in (pool, whole)]
    assert sorted(rows[0] + frames[0]) == sorted(rows[1] + frames[1])
    one = labelled(pool, every[3:4])
    assert np.array_equal(one.features, pool.features[360:480])


def test_both_orders_begin_with_every_class():
    pool = banks(0)["train"]
    order = stretches(pool)
    start = begun(pool, order)
    assert set(labelled(pool, start).truth.label) == set(range(len(CLASSES)))
    assert len(start) == round(SHARES[0] * len(order))
