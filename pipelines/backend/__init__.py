"""What Kubeflow's backend and Argo will do with a compiled pipeline, as rules that a file can be held against.

In: the YAML that the compiler writes, ours or anybody's.
Out: findings, each with its rule and where that was read; what a run costs in pods and bytes.
Read first: `rules.py`, then `document.py` (the file as tasks) and `workflow.py` (the object that Argo keeps of a run).
"""
