"""Seeds become a mean and an interval; rows become differences."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_T_975 = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131)
"""97.5 % quantiles of Student's t with 1, 2, … degrees of freedom."""


@dataclass(frozen=True)
class Estimate:
    """A mean over seeds.

    Attributes:
        mean: of the values.
        low: lower end of the 95 % interval of the mean, by Student's t; None for a single value.
        high: its upper end.
    """

    mean: float
    low: float | None
    high: float | None

    @property
    def ends(self) -> tuple[float, float] | None:
        """Lower and upper end."""
        return None if self.low is None or self.high is None else (self.low, self.high)


def estimate(values: Sequence[float]) -> Estimate:
    """Mean and 95 % interval of values that differ by their seed alone."""
    mean, count = float(np.mean(values)), len(values)
    if count < 2:
        return Estimate(mean, None, None)
    quantile = _T_975[count - 2] if count - 2 < len(_T_975) else 1.96
    reach = quantile * float(np.std(values, ddof=1)) / count**0.5
    return Estimate(mean, mean - reach, mean + reach)


def difference(values: Sequence[float], others: Sequence[float]) -> Estimate:
    """How much values are above others, seed by seed."""
    return estimate([one - other for one, other in zip(values, others, strict=True)])
