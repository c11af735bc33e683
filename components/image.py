"""The image that every component runs in: the project's own, tagged with its version."""

from rmsnet import __version__

IMAGE = f"rmsnet:{__version__}"
