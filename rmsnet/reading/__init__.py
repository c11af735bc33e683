"""What others made, read so that nothing in it can stop the reading: names, zips, arrays, tensors, tables.

In: paths, names and bytes of anybody.
Out: names that may be used, members of zips, arrays, tensors and rows, or one line that says what is wrong.
Read first: `names.py`, then `arrays.py`. JSON and YAML are read by `rmsnet.documents`, in the hall.

Public: `same_name`, `find_path` (`names.py`), `Archive` (`archives.py`), `map_array` (`arrays.py`), `read_tensors`
(`tensors.py`), `read_rows` (`rows.py`).
"""
