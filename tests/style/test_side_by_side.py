import os

import pytest

from rmsnet.style.plot import Drawing
from rmsnet.style.side_by_side import draw_all


def picture(name: str) -> Drawing:
    return Drawing(name.encode(), b"<svg/>")


def test_pictures_keep_their_names_and_order_whoever_drew_them():
    drawn = draw_all({name: lambda name=name: picture(name) for name in "abcde"})
    assert list(drawn) == list("abcde")
    assert all(one.png == name.encode() for name, one in drawn.items())


def test_what_another_process_could_not_draw_is_drawn_here():
    here = os.getpid()

    def draw() -> Drawing:
        if os.getpid() != here:
            os._exit(9)
        return picture("a")

    drawn = draw_all({"a": draw, "b": draw, "c": draw})
    assert list(drawn) == ["a", "b", "c"]


def test_a_fault_in_drawing_is_raised_whichever_process_met_it():
    def fails() -> Drawing:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        draw_all({"a": fails, "b": lambda: picture("b")})
