"""The paper's tables and figures as studies: rows of changed parameters, trained with several seeds, side by side.

In: frame banks, the parameters that rows change, a study's name.
Out: table, picture, page and numbers of a study, each training a run in MLflow.
Read first: `grids.py` (which rows), then `stage.py`; `published.py`: what others have reached.

Public: `STUDIES` (`grids.py`), `reproduce` (`stage.py`), `plan` (`plan.py`: the same for a cluster).
"""
