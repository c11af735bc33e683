"""Label files of other tools: each read into one document and written from it, and what is lost is said.

In: a file, folder or zip in one of the formats of `registry.py`.
Out: `Annotations`, and files in another of those formats.
Read first: `document.py` (what all of them become), then `converting.py`.

Public: `read_source`, `Annotations` (`document.py`), `FORMATS` (`registry.py`), `convert`
(`converting.py`).
"""
