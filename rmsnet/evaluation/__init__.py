"""How good a spotting result is: Average-mAP. This package's core needs NumPy only."""

from rmsnet.evaluation.metric import LOOSE, TIGHT, Score, Scores, average_map

__all__ = ["LOOSE", "TIGHT", "Score", "Scores", "average_map"]
