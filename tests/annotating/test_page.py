"""The page in a real browser, from its own server, as people use it."""

import json

import pytest

from rmsnet.documents import read_json
from tests.annotating.conftest import RATE_TIMES
from tests.annotating.served import served
from tests.chromium import Page, find_chromium
from tests.matches.page.opened import number_on_screen

pytestmark = pytest.mark.skipif(find_chromium() is None, reason="no Chromium on this machine")


def opened(browser: Page, address: str, hash: str = "", width: int = 1440, height: int = 900) -> Page:
    browser.open("about:blank")
    browser.errors.clear()
    browser.open(f"{address}match/1/{hash}", width, height)
    browser.wait("document.documentElement.dataset.ready && video.readyState > 1 && !video.seeking")
    return browser


def kept(page: Page) -> None:
    page.wait("waiting.length === 0 && !sending")


def rows(game) -> list[dict]:
    return read_json(game / "Labels.json")["annotations"]


def test_accept_move_undo_reload_export(browser, game, model, tmp_path):
    with served([game], model) as server:
        page = opened(browser, server.address)
        page.wait("said !== null")
        # accept the first suggestion
        page.js("choose(rows.find((row) => row.suggestion).id)")
        suggestion = page.js("chosen().suggestion")
        page.press("y")
        kept(page)
        accepted = next(row for row in rows(game) if row.get("origin") == "suggested")
        assert accepted["suggestion"] == suggestion["key"]
        assert accepted["suggested_by"] == server.desk.suggestions["by"]
        # add one where the video stands, and move it three pictures on
        page.js("seek(0, 7.02)")
        assert number_on_screen(page, tmp_path, 175) == 175
        page.press("3")
        page.wait("chosen()?.mark?.position_ms === 7000")
        for picture in (176, 177, 178):
            page.press(".")
            assert number_on_screen(page, tmp_path, picture) == picture
        page.press("m")
        page.wait("chosen().mark.position_ms === 7120")
        page.press(">", shift=True)
        page.wait("chosen().mark.position_ms === 7160")
        kept(page)
        # undo, twice, and do one of them again
        for _ in range(2):
            page.press("z", 90, control=True)
        page.wait("chosen().mark.position_ms === 7000")
        page.press("z", 90, control=True, shift=True)
        page.wait("chosen().mark.position_ms === 7120")
        # the page anew, at the event: the same labels, and the picture that was saved
        address = page.js("location.hash")
        before = page.js("[...view().keys()].toSorted()")
        opened(page, server.address)
        assert page.js("[...view().keys()].toSorted()") == before
        page.js("choose(rows.find((row) => row.mark?.position_ms === 7120).id)")
        assert number_on_screen(page, tmp_path, 178) == 178
        assert address
        # taken away
        table = page.js("fetch('export/csv').then((answer) => answer.text())")
        assert "0:00:07.12" in table
        assert "suggested" in table
        assert page.errors == []


def test_the_picture_that_was_saved_is_the_picture_that_comes_back(browser, game, tmp_path):
    """At 30000/1001 pictures a second, where milliseconds lie beside the pictures."""
    with served([game]) as server:
        page = opened(browser, server.address)
        saved = {}
        for picture in (1, 28, 29, 57, 113, 299):
            page.js(f"seek(1, {RATE_TIMES[picture] / 1000 + 0.01})")
            page.wait("video.readyState > 1 && !video.seeking && state.half === 1")
            assert number_on_screen(page, tmp_path, picture) == picture
            page.press("1")
            page.wait(f"view().size === {len(saved) + 2}")
            saved[page.js("state.selected")] = picture
        kept(page)
        opened(page, server.address)
        for id, picture in saved.items():
            page.js(f"choose({json.dumps(id)})")
            page.wait("video.readyState > 1 && !video.seeking")
            assert number_on_screen(page, tmp_path, picture) == picture
