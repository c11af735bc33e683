"""A page to see, correct and make the labels of matches in: nothing that was done in it is lost.

In: videos, label files in any format, perhaps a model that suggests; edits of a browser on this machine.
Out: label files, a journal of every edit beside them, kick_offs.json.
Read first: `edits.py` (what an edit is), `store.py` (how it is kept), then `app.py` (what may be asked).

Public: `annotate` (`server.py`), `Store` (`store.py`).
"""
