"""What was chosen as worth a look, in the page."""

import pytest

from rmsnet.annotating.next_games import Look
from rmsnet.dataset.roles import CHOSEN
from rmsnet.files import write_json
from tests.annotating.served import served
from tests.chromium import find_chromium

pytestmark = pytest.mark.skipif(find_chromium() is None, reason="no Chromium on this machine")

LOOKS = (Look(1, 4000, "y-card", 0.5, 1.0, 0.9), Look(2, 7000, "soccer-ball", 0.4, 0.97, 0.1))


def test_the_page_opens_at_the_first_moment_worth_a_look_and_goes_to_the_next_by_a_key(browser, game):
    (game / CHOSEN).parent.mkdir()
    write_json(game / CHOSEN, {"by": ["abc"], "moments": [vars(look) for look in LOOKS]})
    with served([game]) as server:
        browser.open(f"{server.address}match/1/")
        browser.wait("document.documentElement.dataset.ready")
        assert browser.js("[state.half, Math.round(state.seconds)]") == [0, 4]
        assert browser.js("el('next-look').textContent") == "Worth a look 1 of 2"
        assert browser.js("el('said').textContent").endswith("? The models say 50 %, and they disagree")
        browser.press("w")
        assert browser.js("[state.half, Math.round(state.seconds)]") == [1, 7]
        assert browser.js("el('said').textContent").endswith("? The models say 40 %")
        browser.press("w")
        assert browser.js("[state.half, Math.round(state.seconds)]") == [0, 4]
        assert browser.errors == []


def test_a_match_of_which_nothing_was_chosen_has_no_such_button(browser, game):
    with served([game]) as server:
        browser.open(f"{server.address}match/1/")
        browser.wait("document.documentElement.dataset.ready")
        assert browser.js("el('next-look').hidden")
        browser.press("w")
        assert browser.js("el('said').textContent").startswith("Nothing was chosen in this match")
