"""Text of anybody on a plot, in a cell of a table."""

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FONTS = (
    *("Noto Sans CJK JP", "Noto Sans CJK SC", "Noto Sans JP", "Source Han Sans", "WenQuanYi Zen Hei", "IPAexGothic"),
    *("Hiragino Sans", "Yu Gothic", "Microsoft YaHei", "Malgun Gothic", "Noto Sans Arabic", "Noto Sans Devanagari"),
)
"""Fonts that have what Matplotlib's own lacks, taken where they are installed."""


@contextmanager
def plain_text(figure: "Figure") -> Iterator[None]:
    """Draw a figure with its texts as they stand: "$" begins no formula, letters come from the first font with them."""
    import matplotlib
    from matplotlib.text import Text

    families = _families()
    for text in figure.findobj(Text):
        text.set_parse_math(False)
        text.set_fontfamily(families)
    # Ticks are made while the figure is drawn.
    with matplotlib.rc_context({"text.parse_math": False, "font.family": families}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from")  # drawn as a box
        yield


@cache
def _families() -> list[str]:
    from matplotlib import font_manager

    installed = {font.name for font in font_manager.fontManager.ttflist}
    return ["DejaVu Sans", *(name for name in FONTS if name in installed)]


_NUMBER = r"[+-]?\d[\d.,]*"
_FORMULA = re.compile(rf"[=@\t\r]|(?!{_NUMBER}( \[{_NUMBER}, {_NUMBER}\])?$)[+-]")
"""How a text begins that a spreadsheet takes for a formula; a number is none, nor is "+1.5 [0.2, 2.8]"."""


def text_cell(value: Any) -> Any:
    """A value for a CSV cell: a text that a spreadsheet would run as a formula is quoted."""
    return f"'{value}" if isinstance(value, str) and _FORMULA.match(value) else value


def markdown_cell(value: Any) -> str:
    """A value for a cell of a Markdown table: nothing in it ends the cell or the line, or is HTML."""
    return " ".join(str(value).split()).replace("<", "&lt;").replace("|", "\\|")
