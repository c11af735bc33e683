"""The commands of `python -m pipelines`, a file each: arguments (`add_parser`) and the call behind it."""
