"""Simulated matches in SoccerNet's layout; docs/simulation.md describes their statistical model.

In: a seed and a size, or real annotations.
Out: a dataset with features, and videos where they are wanted, that says that it is simulated.
Read first: `dataset.py`, then `timeline.py` (what happens) and `broadcast.py` (what is shown).
"""

from rmsnet.simulation.dataset import simulate

__all__ = ["simulate"]
