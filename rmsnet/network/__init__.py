"""The network of the paper (Fig. 2, Table I), how fast it can be computed, and a model on disk.

In: clips of features (B, T, D), or all features of a half.
Out: class logits and the offset of the event; model.safetensors and config.json.
Read first: `model.py`; `spectral.py` is the same function for training, `dense.py` for stride-1 inference.

Public: `RMSNet`, `rms_loss` (`model.py`), `load_model`, `save_model` (`model_files.py`).
"""
