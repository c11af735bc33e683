"""Plots as PNG and SVG: one kind of figure, axes, line and bar; the same data give the same bytes.

Made with `matplotlib.figure.Figure`: no window, no state, and Matplotlib is loaded by who draws.
"""

import io
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from rmsnet.style.palette import QUIET, Look, look

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

_DOTS_PER_INCH = 110
IN_A_COLUMN = 5.8
"""Inches of a picture that a page shows beside another one, at its own size: half of 1128 pixels, 96 to the inch."""

_MARKERS_OF_A_LINE = 12
_HATCHES = ("", "////", "....", "xxxx")
"""Of bars side by side: who sees no colour tells them apart."""
_FONTS = (
    *("Noto Sans CJK JP", "Noto Sans CJK SC", "Noto Sans JP", "Source Han Sans", "WenQuanYi Zen Hei", "IPAexGothic"),
    *("Hiragino Sans", "Yu Gothic", "Microsoft YaHei", "Malgun Gothic", "Noto Sans Arabic", "Noto Sans Devanagari"),
)
"""Fonts with the letters that Matplotlib's own lacks."""


def figure(
    note: str,
    rows: int = 1,
    columns: int = 1,
    *,
    width: float = 8.0,
    height: float = 4.2,
    heights: Sequence[float] | None = None,
    layout: Literal["constrained"] | None = "constrained",
) -> "tuple[Figure, list[Axes]]":
    """A figure with its panels, row by row.

    Args:
        note: what the numbers are from, for the corner.
        rows: of panels.
        columns: of panels.
        width: inches.
        height: inches.
        heights: of the rows, to each other; None: equal.
        layout: measures every text to find its room, which takes as long as drawing; None: who calls knows the room.
    """
    from matplotlib.figure import Figure

    made = Figure(figsize=(width, height), dpi=_DOTS_PER_INCH, layout=layout)
    panels = made.subplots(rows, columns, squeeze=False, height_ratios=heights).flatten().tolist()
    for panel in panels:
        panel.spines[["top", "right"]].set_visible(False)
        panel.grid(alpha=0.25)
        panel.set_axisbelow(True)
        if width <= IN_A_COLUMN:
            panel.tick_params(labelsize=8)
    made.supxlabel(note, x=0.995, ha="right", fontsize=7, color=QUIET.on_light)
    return made, panels


class Drawing(NamedTuple):
    """A picture in both forms.

    Attributes:
        png: for a screen.
        svg: for a page or a paper, at any size.
    """

    png: bytes
    svg: bytes


def files_of(drawings: Mapping[str, Drawing]) -> dict[str, bytes]:
    """Contents by the names of their files: <name>.png and <name>.svg of each."""
    return {
        f"{name}.{kind}": content
        for name, drawn in drawings.items()
        for kind, content in zip(Drawing._fields, drawn, strict=True)
    }


def small_multiples(
    title: str, note: str, names: Sequence[str], looks: Sequence[Look] | None, x: str, y: str
) -> "tuple[Figure, list[Axes]]":
    """A figure of a column's width with a small panel for each thing, on the same axes, under its name.

    Args:
        title: of the figure.
        note: what the numbers are from.
        names: of the things.
        looks: of the things, where each panel shows one; None: names are black.
        x: what is drawn from left to right in all of them.
        y: what is drawn upwards.
    """
    columns = min(len(names), 3 if len(names) < 10 else 5)
    rows = -(-len(names) // columns)
    height = 1.5 + 1.4 * rows
    made, panels = figure("", rows, columns, width=IN_A_COLUMN, height=height, layout=None)
    made.subplots_adjust(
        left=0.72 / IN_A_COLUMN,
        right=1 - 0.16 / IN_A_COLUMN,
        bottom=0.58 / height,
        top=1 - 0.58 / height,
        wspace=0.3,
        hspace=0.28,
    )
    for spare in panels[len(names) :]:
        spare.remove()
    panels = panels[: len(names)]
    inks = ["black"] * len(names) if looks is None else [of.colour.on_light for of in looks]
    for number, (panel, name, ink) in enumerate(zip(panels, names, inks, strict=True)):
        panel.set_title(name, loc="left", y=1.0, fontsize=8 if columns < 5 else 7, color=ink)
        panel.xaxis.set_label_coords(0.5, -0.2)
        panel.yaxis.set_label_coords(-0.2, 0.5)
        panel.tick_params(
            labelsize=7, labelleft=number % columns == 0, labelbottom=number + columns >= len(names), pad=2
        )
        if number:
            panel.sharex(panels[0])
            panel.sharey(panels[0])
    made.suptitle(title, x=0.01, ha="left", fontsize=10)
    made.supylabel(y, fontsize=9)
    made.supxlabel(x, x=0.1, ha="left", fontsize=9, color="black")
    made.text(0.995, 0.008, note, ha="right", fontsize=7, color=QUIET.on_light)
    return made, panels


def png(made: "Figure") -> bytes:
    """The picture, without the date and the name of the program; its texts stand as they are, in any script."""
    with _plain_texts(made):
        return _png(made)


def drawing(made: "Figure") -> Drawing:
    """The picture in both forms, laid out once."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    buffer = io.BytesIO()
    with _plain_texts(made):
        drawn = _png(made)
        made.set_layout_engine("none")
        FigureCanvasSVG(made).print_svg(buffer, metadata={"Date": None, "Creator": None})  # type: ignore[no-untyped-call]
    return Drawing(drawn, buffer.getvalue())


def _png(made: "Figure") -> bytes:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    buffer = io.BytesIO()
    # `savefig` gives the same bytes and draws twice: the first time for a layout that drawing makes anyway.
    FigureCanvasAgg(made).print_png(buffer, metadata={"Software": None})  # type: ignore[no-untyped-call]
    return buffer.getvalue()


@contextmanager
def _plain_texts(made: "Figure") -> Iterator[None]:
    import matplotlib
    from matplotlib.text import Text

    families = _families()
    for text in made.findobj(Text):
        text.set_parse_math(False)  # "$" begins no formula
        text.set_fontfamily(families)
    # Ticks are made while the figure is drawn. Identifiers of an SVG are random without a salt.
    settings: Any = {"text.parse_math": False, "font.family": families, "svg.hashsalt": "rmsnet"}
    with matplotlib.rc_context(settings), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from")  # drawn as a box
        yield


@cache
def _families() -> list[str]:
    """Matplotlib's own font, then those of `_FONTS` that are installed."""
    from matplotlib import font_manager

    installed = {font.name for font in font_manager.fontManager.ttflist}
    return ["DejaVu Sans", *(name for name in _FONTS if name in installed)]


def name_axes(axes: "Axes", title: str = "", x: str = "", y: str = "") -> None:
    """Title and labels, and the legend beside the panel where something in it has a name."""
    made = axes.get_figure(root=True)
    size = 9 if made is not None and made.get_figwidth() <= IN_A_COLUMN else 10
    axes.set_title(title, loc="left", fontsize=size + 1)
    axes.set_xlabel(x, fontsize=size)
    axes.set_ylabel(y, fontsize=size)
    names = axes.get_legend_handles_labels()[1]
    if names:
        place: dict[str, Any] = {"loc": "upper left", "bbox_to_anchor": (1.0, 1.0), "ncols": 1 + len(names) // 25}
        axes.legend(frameon=False, fontsize=8, **place)


def whole_numbers(axis: "Axis") -> None:
    """No tick between two counts."""
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator("auto", integer=True))


def draw_line(
    axes: "Axes",
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    name: str,
    of: Look,
    band: tuple[npt.ArrayLike, npt.ArrayLike] | None = None,
) -> None:
    """A line with a dozen markers at most, and the band of its interval.

    Args:
        axes: where.
        x: of its points.
        y: of its points.
        name: for the legend.
        of: the look of what it shows.
        band: lower and upper end at each x.
    """
    every = max(1, -(-len(np.asarray(x)) // _MARKERS_OF_A_LINE))
    colour = of.colour.on_light
    shape: dict[str, Any] = {"linestyle": of.line, "marker": of.marker, "markersize": 4, "markevery": every}
    axes.plot(x, y, color=colour, linewidth=1.6, label=name, **shape)
    if band is not None:
        axes.fill_between(
            np.asarray(x), np.asarray(band[0]), np.asarray(band[1]), color=colour, alpha=0.15, linewidth=0
        )


def draw_bars(
    axes: "Axes",
    names: Sequence[str],
    series: Mapping[str, Sequence[int]],
    looks: Mapping[str, Look] | None = None,
    *,
    stacked: bool = False,
) -> None:
    """Horizontal bars of counts, from the top, with their numbers behind them.

    Args:
        axes: where.
        names: of the bars.
        series: the counts of every name, by what they count.
        looks: by what they count; None: by their place.
        stacked: one bar of all series with their sum behind it, instead of a bar each.
    """
    place, start = np.arange(len(names)), np.zeros(len(names))
    height = 0.78 if stacked else 0.78 / len(series)
    for number, (name, counts) in enumerate(series.items()):
        at = place if stacked else place + height * (number - (len(series) - 1) / 2)
        colour = (looks[name] if looks else look(number)).colour.on_light
        hatch = _HATCHES[number % len(_HATCHES)]
        left = start if stacked else 0.0
        axes.barh(at, counts, height, left, color=colour, hatch=hatch, edgecolor="white", linewidth=0, label=name)
        start = start + counts if stacked else np.asarray(counts)
        if not stacked or number == len(series) - 1:
            for y, count in zip(at, start, strict=True):
                axes.annotate(f" {count:,.0f}", (count, y), va="center", fontsize=8)
    axes.set_yticks(place, names)
    axes.invert_yaxis()
    axes.margins(x=0.12)
    whole_numbers(axes.xaxis)
