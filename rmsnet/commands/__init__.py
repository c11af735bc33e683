"""One file per command: its arguments (`add_parser`) and the call of the function behind it (`run`).

No behaviour lives here. Heavy libraries are imported inside `run`, so that `rmsnet --help` is instant.
"""
