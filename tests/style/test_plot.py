"""Plots without a window, a date or a state."""

import subprocess
import sys

import numpy as np

from rmsnet.style.palette import look
from rmsnet.style.plot import draw_bars, draw_line, figure, name_axes, png


def drawn() -> bytes:
    made, (left, right) = figure("Tiny (simulated), test", 1, 2)
    draw_line(left, range(1000), np.arange(1000), "first", look(0), (np.arange(1000) - 9, np.arange(1000) + 9))
    draw_bars(right, ["one", "two"], {"train": [3, 1], "test": [1, 0]}, stacked=True)
    for axes in (left, right):
        name_axes(axes, "title", "x", "y")
    return png(made)


def test_the_same_data_give_the_same_bytes_without_date_and_program():
    picture = drawn()
    assert picture == drawn()
    assert picture.startswith(b"\x89PNG")
    assert b"tEXt" not in picture


def test_bars_carry_their_counts_and_stacked_ones_their_sum():
    _, (axes,) = figure("")
    draw_bars(axes, ["one", "two"], {"train": [3000, 1], "test": [1, 0]}, stacked=True)
    assert [text.get_text() for text in axes.texts] == [" 3,001", " 1"]
    _, (axes,) = figure("")
    draw_bars(axes, ["one"], {"events": [3], "predictions": [4]})
    assert [text.get_text() for text in axes.texts] == [" 3", " 4"]


def test_the_note_is_in_the_corner_and_a_line_has_its_marker():
    made, (axes,) = figure("Tiny (simulated), test")
    assert made._supxlabel.get_text() == "Tiny (simulated), test"
    draw_line(axes, range(100), range(100), "line", look(13))
    (line,) = axes.lines
    assert (line.get_color(), line.get_linestyle(), line.get_marker()) == (look(13).colour.on_light, "--", "s")
    assert line.get_markevery() >= 8


def test_pyplot_is_never_loaded():
    code = (
        "import sys; from rmsnet.style.plot import figure, png; assert 'matplotlib' not in sys.modules;"
        "png(figure('note')[0]); assert 'matplotlib.figure' in sys.modules;"
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
