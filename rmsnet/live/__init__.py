"""A match while it is played: events, page and clips, seconds after they happen.

In: a stream (HLS, RTSP, UDP, a file that grows) and a model.
Out: events.jsonl as the match goes on, a recording of each period, and at the end what spotting the recordings leaves.
Read first: `stage.py` (the threads), then `recorder.py` (what is kept) and `spotter.py` (what is made of it).

Public: `live_stage`, `tell_running` (`stage.py`).
"""
