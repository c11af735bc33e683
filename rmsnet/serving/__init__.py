"""A model as a web service: features of a half in, events out, whoever asks and however.

In: an MLflow model, requests of clients that may be slow, many, or broken.
Out: events as JSON with the drift of the features; memory and time stay within `limits.py`.
Read first: `app.py` (what may be asked), then `server.py` (the process) and `bodies.py` (what a client may cost).

Public: `serve` (`server.py`).
"""
