"""How the documentation is built (make docs): by Sphinx, into pages that open without a server or a network."""

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1])]

import reference  # noqa: E402  # found by the path above

from rmsnet import __version__  # noqa: E402  # likewise

project = "rmsnet"
copyright = "MIT licence"
release = version = __version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_enable_extensions = ["attrs_block"]
myst_heading_anchors = 4
html_theme = "furo"
html_title = "rmsnet"
html_show_sourcelink = False
html_theme_options = {"navigation_with_keys": True}
exclude_patterns = ["notebooks"]
autodoc_typehints = "signature"
autodoc_member_order = "bysource"
napoleon_use_ivar = True
python_maximum_signature_line_length = 100


def setup(app):
    """Pages that are made from the code (reference.py) take the place of their files' text, anew in every build."""
    app.connect("source-read", reference.fill)
    app.connect("env-get-outdated", lambda app, environment, added, changed, removed: list(reference.MADE))
