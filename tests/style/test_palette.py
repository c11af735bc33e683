"""Colours that people with and without all cones can tell apart, on paper and on a dark screen."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmsnet.dataset.labels import V1_CLASSES, V2_CLASSES
from rmsnet.style.palette import PLACES, QUIET, TRUTH, class_looks, look, split_look

# Linear RGB as an eye without the cones for green and for red sees it (Machado, Oliveira and Fernandes 2009, table 1).
EYES = {
    "all cones": np.eye(3),
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
}
# Linear RGB to OKLab (Ottosson 2020); distances of 100 lie between black and white.
LMS = [
    [0.4122214708, 0.5363325363, 0.0514459929],
    [0.2119034982, 0.6806995451, 0.1073969566],
    [0.0883024619, 0.2817188376, 0.6299787005],
]
LAB = [
    [0.2104542553, 0.7936177850, -0.0040720468],
    [1.9779984951, -2.4285922050, 0.4505937099],
    [0.0259040371, 0.7827717662, -0.8086757660],
]
GROUNDS = {"on_light": "#ffffff", "on_dark": "#14181d"}
COLOURS = [look(place).colour for place in range(18)]


def linear(colour: str) -> np.ndarray:
    values = np.array([int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)])
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def lab(colour: str, eye: str) -> np.ndarray:
    return 100 * np.array(LAB) @ np.cbrt(np.array(LMS) @ np.clip(np.array(EYES[eye]) @ linear(colour), 0, 1))


def contrast(one: str, other: str) -> float:
    """As WCAG 2 defines it."""
    dark, light = sorted(float(linear(colour) @ [0.2126, 0.7152, 0.0722]) for colour in (one, other))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("ground", GROUNDS)
@pytest.mark.parametrize("eye", EYES)
def test_neighbours_and_next_but_one_differ_for_every_eye(ground, eye):
    seen = [lab(getattr(colour, ground), eye) for colour in COLOURS]
    distances = [np.linalg.norm(seen[place] - seen[place + step]) for step in (1, 2) for place in range(18 - step)]
    assert min(distances) > 6.5


@pytest.mark.parametrize("ground", GROUNDS)
@pytest.mark.parametrize("eye", EYES)
def test_the_classes_of_v1_and_the_cards_of_v2_differ_for_every_eye(ground, eye):
    for classes in (V1_CLASSES, ("Yellow card", "Red card", "Yellow->red card")):
        seen = [lab(getattr(one.colour, ground), eye) for one in class_looks(classes)]
        assert min(np.linalg.norm(one - other) for one, other in itertools.combinations(seen, 2)) > 6


@pytest.mark.parametrize("ground", GROUNDS)
def test_every_colour_can_be_seen_on_its_ground(ground):
    for colour in (*COLOURS, QUIET, TRUTH):
        assert contrast(getattr(colour, ground), GROUNDS[ground]) > 3


def test_both_variants_of_a_colour_have_one_hue():
    for colour in COLOURS:
        one, other = (np.arctan2(*lab(variant, "all cones")[:0:-1]) for variant in colour)
        assert abs(np.degrees((one - other + np.pi) % (2 * np.pi) - np.pi)) < 15


def test_who_sees_no_colour_has_the_marker_and_the_line():
    for looks in (class_looks(V2_CLASSES), [look(place) for place in range(PLACES)]):
        assert len({(one.marker, one.line) for one in looks}) == len(looks)


def test_a_class_is_the_same_in_every_list_and_order():
    v2 = dict(zip(V2_CLASSES, class_looks(V2_CLASSES), strict=True))
    assert class_looks(V1_CLASSES) == [v2["Yellow card"], v2["Substitution"], v2["Goal"]]
    assert class_looks(("GOAL", "PASS", "THROW IN"))[::2] == [v2["Goal"], v2["Throw-in"]]
    assert class_looks(V2_CLASSES[::-1]) == [v2[name] for name in V2_CLASSES[::-1]]


@given(st.sets(st.text(max_size=8) | st.sampled_from(V2_CLASSES), max_size=PLACES))
def test_no_two_classes_look_alike_and_none_depends_on_the_order(names):
    listed = sorted(names)
    looks = class_looks(listed)
    assert len(set(looks)) == len(listed)
    assert len({one.colour for one in looks}) == min(len(listed), 18)
    assert class_looks(listed[::-1]) == looks[::-1]


def test_splits_have_their_looks():
    assert len({split_look(name) for name in ("train", "valid", "test", "challenge")}) == 4
