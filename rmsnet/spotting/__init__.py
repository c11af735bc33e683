"""From a model to spots: clips that slide over a half, what the network says to them, and what that means.

In: a trained model and a frame bank, or the features of one half.
Out: `Predictions`: time, class and confidence of every event.
Read first: `inference.py`, then `scoring.py` (clips to scores) and `decoding.py` (scores to spots).

Public: `spot_bank`, `spot_features` (`inference.py`).
"""
