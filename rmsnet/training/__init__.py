"""From a frame bank to a model: sampling, masking and the loop (paper, III and IV-B), and the train stage around it.

In: frame banks of the train and the valid split, and the train section of the parameters.
Out: a model folder, tracked as an MLflow run.
Read first: `loop.py`, then `clips.py` and `sampling.py` (which clips an epoch has) and `trainer.py` (what a step does).

Public: `train` (`loop.py`), `train_stage` (`stage.py`), `ensemble_stage` (`ensemble.py`), `train_in_processes`.
"""
