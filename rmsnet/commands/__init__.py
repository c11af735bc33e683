"""The commands, a file each: arguments (`add_parser`) and the call of the function behind it (`run`).

In: what stands on the command line.
Out: an exit status, text for people or JSON for programs.
Read first: `train.py`; options that several commands share are in `_options.py`.

No behaviour lives here. Heavy libraries are imported inside `run`, so that `rmsnet --help` is instant.
"""
