"""Clips around the events of a match, and a reel of them. Read first: `clips.py`."""
