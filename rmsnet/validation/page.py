"""The HTML of a report: one page with its style and pictures in it, that loads nothing from anywhere."""

import base64
import html
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1d2733; max-width: 62rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.5rem } h2 { font-size: 1.15rem; margin-top: 2.2rem }
.verdict { padding: .8rem 1rem; border-radius: .4rem; font-size: 1.1rem; color: #fff; background: #2d6a4f }
.failed { background: #c1121f } .undecided { background: #6a4c93 } .warnings { background: #b26a00 }
.tag { color: #fff; border-radius: .3rem; padding: .1rem .5rem; font-size: .8rem; background: #b26a00 }
.tag.critical { background: #c1121f } .tag.broken { background: #6a4c93 } .tag.passed { background: #2d6a4f }
.scroll { overflow-x: auto } table { border-collapse: collapse; font-size: .85rem; margin: .5rem 0 }
th, td { text-align: left; padding: .2rem .7rem; border-bottom: 1px solid #dfe5ec; vertical-align: top }
td.number { text-align: right; font-variant-numeric: tabular-nums } figure { margin: 1.2rem 0 }
figcaption { font-weight: 600; margin-bottom: .3rem } img { max-width: 100%; height: auto } .quiet { color: #5b6875 }
"""


def html_page(title: str, body: Iterable[str]) -> str:
    """A whole page; `title` is plain text, `body` HTML."""
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{text(title)}</title>\n'
        f'<meta name="viewport" content="width=device-width">\n<style>{_STYLE}</style>\n</head>\n<body>\n'
        + "\n".join([f"<h1>{text(title)}</h1>", *body])
        + "\n</body>\n</html>\n"
    )


def text(value: Any) -> str:
    """A value as HTML text."""
    return html.escape("" if value is None else f"{value:,}" if isinstance(value, int) else str(value))


def table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A table; numbers stand to the right."""
    cells = "".join(f"<th>{text(name)}</th>" for name in head)
    lines = [f'<div class="scroll"><table>\n<tr>{cells}</tr>']
    for row in rows:
        cells = "".join(
            f'<td class="number">{text(value)}</td>' if isinstance(value, int | float) else f"<td>{text(value)}</td>"
            for value in row
        )
        lines.append(f"<tr>{cells}</tr>")
    return "\n".join([*lines, "</table></div>"])


def figures(pictures: Sequence[tuple[str, bytes]]) -> Iterator[str]:
    """Pictures (PNG) with their captions."""
    for caption, picture in pictures:
        data = base64.b64encode(picture).decode()
        yield (
            f"<figure><figcaption>{text(caption)}</figcaption>"
            f'<img alt="{text(caption)}" src="data:image/png;base64,{data}"></figure>'
        )
