"""The page of a match: one file that holds everything but the videos. Read first: `match_page.py`, then `page.js`."""
