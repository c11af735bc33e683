"""The page in a real browser, from file://, as people use it."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from rmsnet.files import read_json
from rmsnet.matches.stage import spot_stage
from tests.chromium import Page, chromium, find_chromium
from tests.matches.builders import write_features, write_game, write_sure_model

pytestmark = pytest.mark.skipif(find_chromium() is None, reason="no Chromium on this machine")

LABELS = [
    ("1 - 00:10", "soccer-ball"),
    ("1 - 00:40", "y-card"),
    ("2 - 00:25", "substitution-in"),
    ("2 - 00:50", "y-card"),
]
GAME = "league/season/2030-01-01 - 20-00 Kestrel Bay 1 - 0 Brackwater & Co"


@dataclass
class Opened:
    page: Page
    out: Path
    folder: Path

    @property
    def events(self) -> list[dict]:
        rows = read_json(self.out / "results_spotting.json")["predictions"]
        return [{**row, "confidence": float(row["confidence"]), "seconds": int(row["position"]) / 1000} for row in rows]

    def shown(self) -> int:
        return self.page.js("document.querySelectorAll('.mark:not([hidden])').length")


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with chromium(tmp_path_factory.mktemp("profile")) as page:
        yield page


@pytest.fixture(scope="module")
def spotted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    game = write_game(folder / "data" / GAME, videos=True, labels=LABELS)
    model = write_sure_model(folder / "model")
    spot_stage([game], str(model), folder / "out", stride=8, confidence=0.0)
    return folder


@pytest.fixture
def match(browser, spotted):
    browser.open(spotted / "out/report.html")
    browser.wait("video.readyState > 0")
    browser.requested.clear()
    return Opened(browser, spotted / "out", spotted)


def test_the_page_loads_whole_without_a_network(browser, spotted, match):
    browser.open(spotted / "out/report.html")
    browser.wait("video.readyState > 0")
    assert browser.errors == []
    assert {address.split(":")[0] for address in browser.requested} <= {"file", "data"}
    assert browser.js("document.getElementById('title').textContent") == "Kestrel Bay 1 - 0 Brackwater & Co"
    assert browser.js("[...document.querySelectorAll('.lane-name')].map((e) => e.textContent)") == [
        "Card", "Substitution", "Goal",
    ]  # fmt: skip
    assert match.shown() == len(match.events) > 5
    assert browser.js("document.querySelectorAll('.truth').length") == len(LABELS)
    assert browser.js("document.querySelectorAll('.tag.warning').length") == 1


@pytest.mark.parametrize("width", [390, 1440])
def test_nothing_lies_beside_the_screen_of_a_telephone_or_a_desk(browser, spotted, width):
    browser.open(spotted / "out/report.html", width, 844)
    assert browser.js("document.documentElement.scrollWidth <= window.innerWidth")
    assert browser.js("el('scroller').scrollWidth <= el('scroller').clientWidth")
    assert browser.js("el('title').scrollWidth <= el('title').clientWidth")
    inside = "(e) => e.getBoundingClientRect().right <= window.innerWidth"
    assert browser.js(f"[...document.querySelectorAll('button:not(.mark):not(.truth)')].every({inside})")


def test_a_click_on_an_event_seeks_the_video_and_the_other_half_brings_its_own(match):
    page = match.page
    for half in (0, 1):
        number = next(
            n for n, event in enumerate(match.events) if event["half"] == str(half + 1) and event["seconds"] > 5
        )
        page.click(f".mark[data-id=e{number}]")
        page.wait(f"video.readyState > 1 && !video.seeking && video.src.endsWith('{half + 1}_224p.mp4')")
        assert page.js("video.currentTime") == pytest.approx(match.events[number]["seconds"], abs=0.05)
        assert page.js("document.querySelector('.row.selected').dataset.id") == f"e{number}"
    page.click(".row[data-id=e0]")
    page.wait("video.readyState > 1 && !video.seeking && video.src.endsWith('1_224p.mp4')")
    assert page.js("video.currentTime") == pytest.approx(match.events[0]["seconds"], abs=0.05)


def test_the_slider_filters_by_confidence(match):
    page = match.page
    middle = sorted(event["confidence"] for event in match.events)[len(match.events) // 2]
    percent = round(100 * middle)
    page.js(f"el('confidence').value = {percent}; el('confidence').dispatchEvent(new Event('input'))")
    expected = sum(event["confidence"] >= percent / 100 for event in match.events)
    assert match.shown() == expected
    assert page.js("document.querySelectorAll('.row:not(.missed)').length") == expected
    assert page.js("el('count').textContent") == f"{expected} of {len(match.events)} events"


def test_a_chip_hides_a_class(match):
    label = match.events[0]["label"]
    index = ["card", "subs", "soccer"].index(label)
    match.page.click(f".chip[data-class='{index}']")
    assert match.shown() == sum(event["label"] != label for event in match.events)
    match.page.press(str(index + 1))
    assert match.shown() == len(match.events)


def test_the_keys_step_move_filter_zoom_and_play(match):
    page = match.page
    for number in range(2):
        page.press("ArrowDown", 40)
        assert page.js("state.selected") == page.js(f"listed()[{number}].id")
    page.press("ArrowUp", 38)
    assert page.js("state.selected") == page.js("listed()[0].id")
    before = page.js("state.seconds")
    page.press("ArrowRight", 39)
    assert page.js("state.seconds") == pytest.approx(before + 5, abs=0.1)
    page.press("]")
    assert page.js("state.confidence") == pytest.approx(0.05)
    page.press("+")
    assert page.js("el('lanes').offsetWidth / el('scroller').clientWidth") > 1.5
    page.press("0")
    assert page.js("el('lanes').offsetWidth / el('scroller').clientWidth") < 1
    page.press(" ", 32)
    page.wait("!video.paused && video.currentTime > state.seconds - 1")
    page.press(" ", 32)
    page.wait("video.paused")
    page.press("?")
    assert page.js("el('help').open")


def test_the_truth_is_matched_as_the_metric_does_within_the_chosen_seconds(match):
    page = match.page
    for tolerance in ("2.5", "5", "30"):
        page.js(f"el('tolerance').value = '{tolerance}'; el('tolerance').dispatchEvent(new Event('change'))")
        free, found = list(match.events), 0
        for label, half, seconds in (("soccer", "1", 10), ("card", "1", 40), ("subs", "2", 25), ("card", "2", 50)):
            of_kind = [event for event in free if (event["label"], event["half"]) == (label, half)]
            near = [event for event in of_kind if abs(event["seconds"] - seconds) <= float(tolerance)]
            if near:
                free.remove(max(near, key=lambda event: event["confidence"]))
                found += 1
        assert page.js("el('truth-summary').textContent").startswith(f"{found} of 4 found")
        assert page.js("document.querySelectorAll('.row.missed').length") == 4 - found


def test_a_click_on_the_timeline_moves_the_video(match):
    match.page.click("#axis")
    # Half of two minutes is the start of the second half.
    match.page.wait("state.half === 1 && !video.seeking && video.readyState > 1")
    assert match.page.js("video.currentTime") < 1


def test_features_without_a_video_can_be_given_one(browser, spotted):
    file = write_features(spotted / "alone.npy")
    spot_stage([file], str(spotted / "model"), spotted / "alone", confidence=0.0)
    browser.open(spotted / "alone/report.html")
    assert "no video" in browser.js("el('no-video-reason').textContent")
    browser.click(".row")
    seconds = browser.js("state.seconds")
    assert seconds > 0
    browser.choose_file("#file", spotted / "data" / GAME / "1_224p.mp4")
    browser.wait("video.readyState > 1 && !video.seeking && el('no-video').hidden")
    assert browser.js("video.currentTime") == pytest.approx(seconds, abs=0.05)


def test_a_video_that_is_gone_is_said(browser, spotted):
    game = write_game(spotted / "moved")
    (game / "1_224p.mp4").write_bytes(b"no video")
    spot_stage([game], str(spotted / "model"), spotted / "gone")
    browser.open(spotted / "gone/report.html")
    browser.wait("!el('no-video').hidden")
    assert "cannot play 1_224p.mp4" in browser.js("el('no-video-reason').textContent")
