"""The pages of the server: one for each match, and where there are several one that leads to them."""

from collections.abc import Mapping, Sequence
from typing import Any

from rmsnet.annotating.desk import Desk
from rmsnet.dataset.formats.registry import FORMATS
from rmsnet.matches.page.parts import filled, part
from rmsnet.style.page import page, table, tag

SHARED_SCRIPTS = ("moments", "ground", "axis", "video", "look")
SCRIPTS = ("edits", "server", "frames", "board", "chosen", "looks", "hands", "keys", "start")
"""The parts of the page's script, in order: those of every page of a match, then our own."""


def match_page(desk: Desk, annotator: str, several: bool) -> str:
    """The page of a match.

    Args:
        desk: the match.
        annotator: whose edits these are.
        several: whether there is a page above it.
    """
    data = {
        **desk.data(),
        "annotator": annotator,
        "several": several,
        "formats": [name for name, form in FORMATS.items() if form.write is not None],
    }
    shared = [part(f"{name}.js") for name in SHARED_SCRIPTS]
    own = [part(f"{name}.js", __package__) for name in SCRIPTS]
    styles = f"{part('page.css')}\n{part('annotate.css', __package__)}"
    return filled(part("annotate.html", __package__), f"{data['title']}: annotate", styles, data, [*shared, *own])


def overview_page(rows: Sequence[Mapping[str, Any]]) -> str:
    """Where the pages of several matches are reached."""
    listed = [
        {
            "Match": tag("a", row["name"], href=f"match/{row['number']}/"),
            "Events": "?" if row["events"] is None else row["events"],
            "Worth a look": row["looks"] or "",
            "": row["note"],
        }
        for row in rows
    ]
    return page("Matches to annotate", [table(listed)])
