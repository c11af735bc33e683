"""One match or a season: events, a page to look at, highlight clips.

In: videos, feature files, a game folder or a dataset, and a model.
Out: a folder a match with results_spotting.json, events.csv, votes.svg, report.html, highlights/; an overview of all.
Read first: `stage.py`, then `sources.py` (what may be spotted).

Public: `spot_stage`, `find_matches` (`sources.py`), `join_spotted`, `score_spotted` (`overview.py`).
"""
