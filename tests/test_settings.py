import math
from dataclasses import dataclass, fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmsnet import params
from rmsnet.settings import Range, about, require_ranges, setting

SECTIONS = [
    params.DataParams,
    params.ExtractParams,
    params.TrainParams,
    params.SpotParams,
    params.EvaluateParams,
    params.RegisterParams,
]


@pytest.mark.parametrize(
    ("within", "value", "says"),
    [
        (Range(1, 10), 0, "must be at least 1, not 0"),
        (Range(1, 10), 11, "must be at most 10, not 11"),
        (Range(0, 10), -1, "must not be negative, not -1"),
        (Range(0, 1), 1.5, "must lie in [0, 1], not 1.5"),
        (Range(0, 1, below=True), 1, "must lie in [0, 1), not 1"),
        (Range(0, above=True), 0, "must be positive, not 0"),
        (Range(0), math.inf, "must be finite, not inf"),
        (Range(0, 1), math.nan, "must lie in [0, 1], not nan"),
        (Range(0), 3.5, ""),
    ],
)
def test_what_is_out_of_range_is_said_in_words(within, value, says):
    assert within.fault(value) == says


@given(st.floats(), st.floats(-9, 9), st.floats(0, 9), st.booleans(), st.booleans())
def test_a_value_has_a_fault_if_and_only_if_it_lies_outside(value, low, length, above, below):
    within = Range(low, low + length, above, below)
    inside = low < value < low + length or (value == low and not above) or (value == low + length and not below)
    inside &= not (value == low and above) and not (value == low + length and below)
    assert bool(within.fault(value)) == (not inside)


@pytest.mark.parametrize(
    ("within", "text"),
    [(Range(0, 1, below=True), "[0, 1)"), (Range(0, above=True), "(0, ∞)"), (Range(1, 10**7), "[1, 10,000,000]")],
)
def test_a_range_is_written_as_an_interval(within, text):
    assert str(within) == text


def test_a_section_with_a_number_out_of_range_is_refused_by_its_name():
    @dataclass
    class Section:
        name: str = setting("", unless="never")
        share: float = setting(0.5, "", Range(0, 1), unless="never")

        def __post_init__(self) -> None:
            require_ranges(self)

    Section(share=1.0)
    with pytest.raises(ValueError, match=r"^share must lie in \[0, 1\], not 2"):
        Section(share=2)


@pytest.mark.parametrize("section", SECTIONS)
def test_every_parameter_says_when_to_leave_it_alone_and_every_number_its_range(section):
    for item in fields(section):
        assert about(item).unless, item.name
        if item.type in (int, float):
            assert about(item).within is not None, item.name
        assert f"        {item.name}: " in section.__doc__, item.name
