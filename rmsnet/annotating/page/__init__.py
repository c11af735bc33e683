"""The page to annotate in: today's match page with hands. Read first: `pages.py`, then `edits.js` and `server.js`."""
