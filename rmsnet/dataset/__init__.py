"""What a dataset is: games with files for their halves, annotated events, split lists, and where it comes from.

In: a folder or zip in SoccerNet's layout, an object store, a DVC revision, SoccerNet's own servers.
Out: `Dataset`, `Event`s, memory-mapped feature files.
Read first: `soccernet.py` (the layout), then `labels.py` (events and their times).

Label files of other tools have a room of their own, `formats/`.

Public: `open_dataset`, `game_events`, `open_features` (`feature_files.py`), `fetch` (`sources.py`), `download`
(`downloading.py`).
"""
