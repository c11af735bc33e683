"""May this dataset be used? Great Expectations over tables of games, halves, features and events.

In: a dataset and the extract section of the parameters.
Out: a verdict and a report with every row that broke a check; bad data stop the pipeline. `inspect` only describes.
Read first: `suites.py` (what is expected), then `tables.py` (of what) and `stage.py`.
"""

from rmsnet.validation.stage import validate

__all__ = ["validate"]
