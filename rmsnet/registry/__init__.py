"""Which version is champion, by which decision, and the way back.

In: evaluated models with their MLflow runs, the games that decide, the data's validation report.
Out: versions, aliases, an append-only history, decisions and model cards.
Read first: `gate.py` (what is asked of a challenger) and `levels.py` (how strictly), then `questions.py`,
`decision.py`, `stage.py` and `history.py`.

Public: `register_stage`, `promote`, `rollback`, `compare` (`stage.py`), `standing` (`asking.py`), `differences`
(`audit.py`), `verify` (`verifying.py`), `lineage`.
"""
