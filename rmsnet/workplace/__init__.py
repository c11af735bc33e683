"""Where a command is run: what this project has got to, and what this machine can do.

In: the working directory, the environment, the store.
Out: lines for a person, or findings; nothing is changed, and no store is made.
Read first: `standing.py` (`rmsnet` alone), then `doctor.py` (`rmsnet doctor`).
"""
