"""The image that every component runs in, the project's own, and what makes a component of it."""

from functools import partial

from kfp import dsl

from rmsnet import __version__

IMAGE = f"rmsnet:{__version__}"

component = partial(dsl.component, base_image=IMAGE, install_kfp_package=False)
"""`@component()` in front of two lines that call the `body` beside them.

Kubeflow keeps the text of a component about ten times for each task of a run, so what it does and what its arguments
are stands in `body.py`.
"""
