"""Each format that is written gives back what it holds; and whatever is written, what comes back says what is lost."""

from fractions import Fraction
from pathlib import PurePosixPath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rmsnet.dataset.ball_actions import BALL_CLASSES
from rmsnet.dataset.formats.converting import read_again
from rmsnet.dataset.formats.document import Annotations
from rmsnet.dataset.formats.losses import losses
from rmsnet.dataset.formats.registry import FORMATS
from rmsnet.dataset.formats.stated import NOTHING, Stated
from rmsnet.dataset.formats.times import frame_of_ms, ms_of_frame
from rmsnet.dataset.labels import LABELS, V2_CLASSES
from tests.dataset.formats.builders import documents, written

V1 = tuple(LABELS["v1"] - {"no-events"})

HELD = {
    "soccernet-v1": documents(labels=V1, grid="second", halves=2, confidence=False, marked=("team",), extra=True),
    "soccernet-v2": documents(labels=V2_CLASSES, halves=2, confidence=False, marked=("team", "visible"), extra=True),
    "soccernet-ball": documents(labels=BALL_CLASSES, confidence=False, marked=("team", "visible"), extra=True),
    "soccernet-results": documents(confidence=True, marked=("team",), extra=True),
    "osl": documents(marked=("team", "visible", "end_ms", "head", "fps"), extra=True),
    "osl-predictions": documents(confidence=True, marked=("team", "visible", "end_ms", "head", "fps"), extra=True),
    "osl-results": documents(confidence=True, marked=("team", "visible", "end_ms", "head", "fps"), extra=True),
    "e2e-spot": documents(grid="frame", marked=("team", "visible", "fps"), extra=True),
    "csv": documents(marked=("team", "visible", "end_ms", "head"), extra=True),
    "tsv": documents(marked=("team", "visible", "end_ms", "head"), extra=True),
    "sportscode": documents(marked=("team", "visible", "end_ms"), extra=True),
}
"""What each can hold."""

NOT_KEPT_EMPTY = ("csv", "tsv", "soccernet-ball", "soccernet-results")
"""Footage without events is in no row of them."""


def test_every_format_that_is_written_is_tried():
    assert set(HELD) == {name for name, form in FORMATS.items() if form.write is not None}


@pytest.mark.parametrize("name", HELD)
def test_what_a_format_holds_comes_back(name):
    @settings(max_examples=20)
    @given(HELD[name])
    def holds(document: Annotations) -> None:
        again = read_again(written(name, document), name, NOTHING)
        lost = losses(document, again)
        if name in NOT_KEPT_EMPTY:
            lost = [line for line in lost if "of footage without events" not in line]
        assert lost == []
        assert [line for line in losses(again, document) if "confidence" in line or "time of" in line] == []

    holds()


@pytest.mark.parametrize("name", HELD)
def test_what_it_gives_back_it_holds_unchanged(name):
    """A second way through it changes nothing: no rounding adds up."""
    anything = documents(
        labels={"soccernet-v1": V1}.get(name, ()), marked=("team", "visible", "end_ms", "head"), extra=True
    )

    @settings(max_examples=10)
    @given(anything)
    def settles(document: Annotations) -> None:
        stated = Stated(fps=Fraction(25))
        first = read_again(written(name, document, stated), name, stated)
        second = read_again(written(name, first, stated), name, stated)
        assert second.timelines == first.timelines
        assert losses(first, second) == []

    settles()


@pytest.mark.parametrize("fps", ["25", "29.97", "30000/1001", "50", "59.94", "2", "1"])
def test_a_frame_comes_back_as_itself(fps):
    rate = Fraction(fps)
    for frame in [*range(2000), *range(150_000, 151_000)]:
        assert frame_of_ms(ms_of_frame(frame, rate), rate) == frame


@given(st.integers(0, 10**7), st.fractions(Fraction(1, 100), 999))
def test_so_it_does_at_any_rate_below_a_thousand(frame, rate):
    assert frame_of_ms(ms_of_frame(frame, rate), rate) == frame


def test_frame_29_at_25_frames_a_second_is_1160_ms():
    """Cutting on both ways makes 1159 ms and frame 28 of it; 57, 58 and 113 get lost in the same way."""
    assert ms_of_frame(29, Fraction(25)) == 1160
    assert [frame_of_ms(ms_of_frame(frame, Fraction(25)), Fraction(25)) for frame in (29, 57, 58, 113)] == [
        29,
        57,
        58,
        113,
    ]
    assert frame_of_ms(1159, Fraction(25)) == 29


def test_position_to_frame_is_a_division_at_the_rates_of_soccernet():
    assert [frame_of_ms(40 * frame, Fraction(25)) for frame in range(100)] == list(range(100))
    assert [frame_of_ms(500 * frame, Fraction(2)) for frame in range(100)] == list(range(100))


def test_written_paths_lie_below_the_folder():
    for name in HELD:
        for path in written(name, Annotations(()), Stated(fps=Fraction(25))):
            assert not PurePosixPath(path).is_absolute()
