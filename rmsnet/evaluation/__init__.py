"""How good a spotting result is: Average-mAP, its confidence interval, and whether one result beats another.

In: annotated events and predictions, as columns (`rmsnet.spots`) or as files.
Out: scores with intervals, tables, plots, a page; the thresholds from which on an event is worth telling.
Read first: `metric.py`, then `stage.py`. What this module exports needs NumPy only.
"""

from rmsnet.evaluation.bootstrap import Comparison, Difference, Resampled, compare, interval, resample
from rmsnet.evaluation.metric import LOOSE, PROTOCOLS, TIGHT, Judged, Protocol, Score, Scores, average_map, judge

__all__ = [
    "LOOSE",
    "PROTOCOLS",
    "TIGHT",
    "Comparison",
    "Difference",
    "Judged",
    "Protocol",
    "Resampled",
    "Score",
    "Scores",
    "average_map",
    "compare",
    "interval",
    "judge",
    "resample",
]
