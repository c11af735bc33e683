"""How good a spotting result is: Average-mAP. This package's core needs NumPy only."""

from rmsnet.evaluation.metric import LOOSE, PROTOCOLS, TIGHT, Judged, Protocol, Score, Scores, average_map, judge

__all__ = ["LOOSE", "PROTOCOLS", "TIGHT", "Judged", "Protocol", "Score", "Scores", "average_map", "judge"]
