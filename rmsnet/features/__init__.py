"""From a dataset to frame banks: all halves of a split in one matrix. A clip is a row of integers into it.

In: a dataset with features or videos, and the extract section of the parameters.
Out: features/<split>.npy and .json, which `read_bank` opens; profile.json of the training split.
Read first: `bank.py`, then `stage.py`.

Public: `FrameBank`, `read_bank`, `extract` (`stage.py`), `join` (`shards.py`), `drift` (`profile.py`).
"""
