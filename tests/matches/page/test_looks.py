"""Light and dark, the lane of confidence, votes at one scale, and where the caption stands."""

from xml.etree import ElementTree

import numpy as np
import pytest

from rmsnet.dataset.labels import V1_CLASSES, truth_of
from rmsnet.features.bank import BankHalf, FrameBank
from rmsnet.matches.page import votes
from rmsnet.spots import Predictions
from tests.chromium import find_chromium

needs_browser = pytest.mark.skipif(find_chromium() is None, reason="no Chromium on this machine")

GROUND = "getComputedStyle(document.body).backgroundColor"
LIGHT, DARK = "rgb(255, 255, 255)", "rgb(20, 24, 29)"


@pytest.fixture
def page(match):
    match.page.js("localStorage.clear()")
    match.page.emulate("screen", "light")
    match.open()
    yield match.page
    match.page.js("localStorage.clear()")
    match.page.emulate("screen", "light")


@needs_browser
def test_the_look_is_the_machine_s_until_another_is_chosen_and_that_is_kept(page, match):
    assert (page.js(GROUND), page.js("el('look').textContent")) == (LIGHT, "Dark")
    page.emulate("screen", "dark")
    page.wait("el('look').textContent === 'Light'")
    assert page.js(GROUND) == DARK
    page.click("#look")
    assert page.js(GROUND) == LIGHT
    assert page.js("getComputedStyle(document.documentElement).colorScheme") == "light"
    match.open()
    assert (page.js(GROUND), page.js("el('look').textContent")) == (LIGHT, "Dark")
    page.emulate("screen", "light")
    page.click("#look")
    assert page.js(GROUND) == DARK


@needs_browser
def test_paper_stays_white(page):
    page.click("#look")
    page.emulate("print", "light")
    assert page.js(GROUND) == LIGHT


@needs_browser
def test_the_lane_of_confidence_holds_every_event_at_its_height(page, match):
    heights = page.js("[...document.querySelectorAll('.sure')].map((dot) => parseFloat(dot.style.bottom))")
    assert heights == pytest.approx([100 * event["confidence"] for event in match.events])
    page.js("set_confidence(0.5)")
    assert page.js("document.querySelectorAll('.sure.unsure').length") == len(match.events) - match.shown()
    page.click(".sure[data-id=e2]")
    assert page.js("state.selected") == "e2" or page.js("state.confidence") > match.events[2]["confidence"]


@needs_browser
def test_the_least_confidence_is_dragged_in_its_lane(page):
    box = page.js(
        "(() => { const b = el('threshold').parentNode.getBoundingClientRect(); return [b.x, b.y, b.height]; })()"
    )
    page.drag("#threshold", box[0] + 30, box[1] + 0.25 * box[2])
    assert page.js("state.confidence") == pytest.approx(0.75, abs=0.03)
    assert page.js("Number(el('confidence').value)") == pytest.approx(75, abs=3)


@needs_browser
def test_votes_have_one_scale_in_every_match_that_of_the_clips_that_hold_a_moment(page):
    assert page.js("match.most_votes") == 41
    assert page.js("document.querySelector('.lane svg').getAttribute('viewBox')").endswith(" 41")


def test_and_so_have_their_pictures():
    drawn = []
    halves = (BankHalf("match", 1, 0, 120),)
    bank = FrameBank(np.zeros((120, 1), np.float32), halves, truth_of([[]], V1_CLASSES), V1_CLASSES, 2.0, 0.5, {})
    one = Predictions(np.array([0]), np.array([30_000]), np.array([2]), np.array([0.9]))
    for most in (3, 30):
        counts = np.zeros((3, 120), int)
        counts[2, 60] = most
        picture = ElementTree.fromstring(votes.draw_votes(counts, one, bank, 41, "a <note>"))
        heights = [float(point.split(",")[1]) for point in picture.find(".//{*}polyline").get("points").split()]
        drawn.append(heights)
    low, high = (max(drawn[0]) - min(heights) for heights in drawn)
    assert high == pytest.approx(10 * low, abs=1)


@needs_browser
def test_the_caption_leaves_the_score_alone(page):
    page.js("select('e0')")
    page.wait("el('caption').classList.contains('on')")
    caption, screen = (
        page.js(f"(() => {{ const b = el('{name}').getBoundingClientRect(); return [b.top, b.bottom]; }})()")
        for name in ("caption", "screen")
    )
    assert caption[0] > sum(screen) / 2
    assert caption[1] < screen[1] - 60  # above the player's own controls
