"""How rmsnet looks: one palette, one page, one plot, one writer of each kind of table.

In: rows, numbers and names of any room.
Out: HTML pages, PNG bytes, CSV, Markdown, text for a terminal.
Read first: `tables.py` (what a row is), then `page.py` and `plot.py`.
"""
