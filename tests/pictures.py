"""Pictures that nobody looks at: everything of a figure is made, and not rendered, which takes most of the time."""

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG

PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg==")
SVG = '<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>\n'


@contextmanager
def not_rendered() -> Iterator[None]:
    """One grey dot in the place of every picture."""

    def png(canvas: FigureCanvasAgg, file: IO[bytes], **_: Any) -> None:
        file.write(PNG)

    def svg(canvas: FigureCanvasSVG, file: IO[bytes], **_: Any) -> None:
        file.write(SVG.encode())

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FigureCanvasAgg, "print_png", png)
        patch.setattr(FigureCanvasSVG, "print_svg", svg)
        yield
