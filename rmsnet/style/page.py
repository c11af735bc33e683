"""Pages: one frame, one style, one kind of table and picture; nothing is loaded from anywhere, all text is escaped.

page("Title", [tag("p", "words & numbers"), table(rows), picture("what it shows", png)], simulated=True)
"""

import base64
import html
from collections.abc import Iterable, Sequence
from importlib.resources import files
from typing import Any

import rmsnet
from rmsnet.style.palette import Look
from rmsnet.style.tables import Row, number_columns, shown
from rmsnet.style.words import SIMULATED

LONG = 30
"""Characters from which a cell may break its line."""

MADE_BY = f"Made by rmsnet {rmsnet.__version__}"


class Html(str):
    """Text that is HTML already."""


def text(value: Any) -> Html:
    """A value as HTML."""
    return value if isinstance(value, Html) else Html(html.escape(shown(value)))


def tag(name: str, *content: Any, kind: str = "", **attributes: str) -> Html:
    """An element: `kind` is its class; values in it are escaped unless they are HTML."""
    named = {**({"class": kind} if kind else {}), **attributes}
    inside = "".join(f' {key}="{html.escape(value)}"' for key, value in named.items())
    return Html(f"<{name}{inside}>{''.join(map(text, content))}</{name}>")


def section(title: Any, *content: Any) -> Html:
    """A part of a page under a heading."""
    return tag("section", tag("h2", title), *content)


def class_name(name: str, look: Look) -> Html:
    """A name behind a dot in its colour."""
    colours = f"--on-light:{look.colour.on_light};--on-dark:{look.colour.on_dark}"
    return tag("span", tag("span", kind="dot", style=colours), name, kind="class")


def table(rows: Sequence[Row], total: bool = False) -> Html:
    """A table: numbers to the right, words to the left; the last row may be a total."""
    if not rows:
        return tag("p", "None.", kind="quiet")
    right = number_columns(rows)

    def line(row: Row, cell: str, kind: str = "") -> Html:
        return tag(
            "tr", *(tag(cell, value, kind=_kind(value, name in right)) for name, value in row.items()), kind=kind
        )

    head = [line({name: name for name in rows[0]}, "th")] if any(name.strip() for name in rows[0]) else []
    last = len(rows) - 1 if total else -1
    body = (line(row, "td", "total" if number == last else "") for number, row in enumerate(rows))
    return tag("div", tag("table", *head, *body), kind="scroll")


def _kind(value: Any, number: bool) -> str:
    long = not isinstance(value, Html) and len(str(value)) > LONG
    return "number" if number else "long" if long else ""


def picture(shows: str, drawn: bytes) -> Html:
    """A PNG or SVG inside the page; what it shows is for those who cannot see it, and where it cannot be shown."""
    kind = "png" if drawn.startswith(b"\x89PNG") else "svg+xml"
    return Html(f'<img alt="{text(shows)}" src="data:image/{kind};base64,{base64.b64encode(drawn).decode()}">')


def pictures(pairs: Iterable[tuple[str, bytes]]) -> Html:
    """Several, beside one another where there is room."""
    return tag("div", *(picture(*pair) for pair in pairs), kind="pictures")


def style(name: str) -> str:
    """A style sheet of this folder: "colours" or "page"."""
    return files(__package__).joinpath(f"{name}.css").read_text(encoding="utf-8").rstrip()


def page(title: str, body: Iterable[Html], *, simulated: bool = False) -> str:
    """A whole page.

    Args:
        title: plain text.
        body: what stands between title and footer.
        simulated: say that the numbers are made up.
    """
    badge = tag("p", SIMULATED, kind="badge warning") if simulated else ""
    parts = (
        tag("header", tag("h1", title), badge),
        tag("main", *(Html(f"\n{part}") for part in body if part), "\n"),
        tag("footer", MADE_BY),
    )
    return document(title, style("page"), "\n".join(parts))


def document(title: str, styles: str, body: str) -> str:
    """The frame of every page.

    Args:
        title: plain text.
        styles: what is added to our colours.
        body: HTML.
    """
    return "\n".join(
        [
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f'<title>{text(title)}</title>\n<link rel="icon" href="data:,">',
            f"<style>\n{style('colours')}\n{styles}\n</style>\n</head>\n<body>",
            body,
            "</body>\n</html>\n",
        ]
    )
