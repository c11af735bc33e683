import numpy as np
import pytest

from rmsnet.study.summary import _T_975, difference, estimate


def test_an_interval_by_hand():
    """1, 2, 3: mean 2, standard deviation 1, t(2) = 4.303: 2 ± 4.303 / √3."""
    found = estimate([1.0, 2.0, 3.0])
    assert found.mean == 2
    assert found.high - found.mean == pytest.approx(4.303 / np.sqrt(3))
    assert found.mean - found.low == pytest.approx(4.303 / np.sqrt(3))


def test_one_seed_has_no_interval():
    found = estimate([0.5])
    assert (found.mean, found.low, found.high) == (0.5, None, None)


def test_the_quantiles_are_students():
    stats = pytest.importorskip("scipy.stats")
    assert stats.t.ppf(0.975, range(1, len(_T_975) + 1)) == pytest.approx(_T_975, abs=6e-4)


def test_rows_are_compared_seed_by_seed():
    """Seeds that move both alike widen no interval of a difference."""
    gap = difference([0.5, 0.7, 0.3], [0.4, 0.6, 0.2])
    assert (gap.low, gap.high) == pytest.approx((0.1, 0.1))
