"""A cluster from outside: Kubeflow's API, and where we may ask it, Kubernetes's.

In: a compiled pipeline and its arguments; the id of a run.
Out: runs and schedules; what became of their tasks, and why.
Read first: `api.py` (how Kubeflow is asked), then `submitting.py` and `runs.py`.
"""
