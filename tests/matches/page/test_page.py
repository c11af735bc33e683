"""The page in a real browser, from file://, as people use it."""

import shutil
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from rmsnet.files import write_json
from rmsnet.matches.stage import spot_stage
from tests.chromium import Page, find_chromium
from tests.matches.builders import write_features, write_game
from tests.matches.page.opened import GAME, LABELS, Opened, number_on_screen
from tests.video.videos import join, write_video

pytestmark = pytest.mark.skipif(find_chromium() is None, reason="no Chromium on this machine")


def test_the_page_loads_whole_without_a_network(browser, spotted, match):
    browser.open(spotted / "out/report.html")
    browser.wait("video.readyState > 0")
    assert browser.errors == []
    assert {address.split(":")[0] for address in browser.requested} <= {"file", "data"}
    assert browser.js("document.getElementById('title').textContent") == "Kestrel Bay 1 - 0 Brackwater & Co"
    assert browser.js("[...document.querySelectorAll('.lane-name')].map((e) => e.textContent)") == [
        "Confidence", "Card", "Substitution", "Goal",
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


def test_until_the_slider_is_moved_each_class_begins_where_it_has_learned_to(browser, spotted, tmp_path):
    model = tmp_path / "model"
    shutil.copytree(spotted / "model", model)
    events = Opened(browser, spotted / "out", spotted).events
    hidden = events[0]["label"]
    learned = {name: {"confidence": 1.0 if name == hidden else 0.0} for name in ("card", "subs", "soccer")}
    write_json(model / "thresholds.json", learned)
    spot_stage([spotted / "data" / GAME], str(model), tmp_path / "out", stride=8)
    browser.open(tmp_path / "out" / "report.html")
    shown = sum(event["label"] != hidden or event["confidence"] == 1 for event in events)
    assert Opened(browser, tmp_path / "out", spotted).shown() == shown
    assert browser.js("el('confidence-value').textContent") == "as learned"
    assert browser.js("el('threshold').hidden")
    browser.js("el('confidence').value = 0; el('confidence').dispatchEvent(new Event('input'))")
    assert Opened(browser, tmp_path / "out", spotted).shown() == len(events)
    assert browser.js("el('confidence-value').textContent") == "0 %"


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


# ---- which moment of which video


def spot_video(spotted, name: str, videos: dict[str, Path], trims: str = "") -> Path:
    """The page of a game with features of a minute and videos by their names."""
    game = spotted / name
    write_features(game / "1_test.npy", seed=1)
    for target, video in videos.items():
        video.rename(game / target)
    if trims:
        (game / "video.ini").write_text(trims)
    spot_stage([game], str(spotted / "model"), spotted / f"{name}-out", stride=8, confidence=0.0)
    return spotted / f"{name}-out/report.html"


EVERY_40_MS = range(0, 60_000, 40)


def test_an_event_in_the_later_of_two_joined_recordings_is_on_the_screen(browser, spotted, tmp_path):
    parts = [
        write_video(tmp_path / f"{first}.ts", EVERY_40_MS[:750], numbers=range(first, first + 750))
        for first in (0, 750)
    ]
    page = spot_video(spotted, "joined", {"1_224p.ts": join(tmp_path / "joined.ts", *parts)})
    browser.open(page)
    browser.wait("video.readyState > 1")
    for seconds in (10, 45):
        browser.js(f"seek(0, {seconds} + 0.02)")
        assert number_on_screen(browser, tmp_path, 25 * seconds) == 25 * seconds


def test_where_a_broken_clock_cannot_be_mended_the_page_says_so(browser, spotted, tmp_path):
    part = write_video(tmp_path / "part.ts", EVERY_40_MS[:250], codec="libx265")
    page = spot_video(spotted, "broken", {"1_224p.ts": join(tmp_path / "joined.ts", part, part)})
    browser.open(page)
    browser.wait("!el('no-video').hidden")
    assert "clock breaks at 10.0 s" in browser.js("el('no-video-reason').textContent")


def test_a_video_that_begins_later_on_its_own_clock_shows_the_same_moment(browser, spotted, tmp_path):
    """Browsers count from the file's clock; ours begins with the file."""
    late = write_video(tmp_path / "late.mkv", [7000 + time for time in EVERY_40_MS])
    browser.open(spot_video(spotted, "late", {"1_224p.mkv": late}))
    browser.wait("video.readyState > 1")
    browser.js("seek(0, 20.02)")
    assert number_on_screen(browser, tmp_path, 500) == 500
    assert browser.js("state.seconds") == pytest.approx(20.02, abs=0.01)


def test_of_an_hq_video_the_half_is_shown(browser, spotted, tmp_path):
    hq = write_video(tmp_path / "hq.mkv", range(0, 80_000, 40))
    trims = "[1_HQ.mkv]\nstart_time_second = 15\nduration_second = 60\n"
    browser.open(spot_video(spotted, "hq", {"1_HQ.mkv": hq}, trims))
    browser.wait("video.readyState > 1")
    browser.js("seek(0, 20.02)")
    assert number_on_screen(browser, tmp_path, 25 * 35) == 25 * 35


def test_of_a_match_in_one_video_each_half_is_shown_from_its_kick_off_and_the_break_is_left_out(
    browser, spotted, tmp_path
):
    game = spotted / "filmed"
    write_features(game / "test.npy", seconds=100)
    write_video(game / "camera.mp4", range(0, 100_000, 100), rate=10)
    write_json(game / "kick_offs.json", [15, 60])
    spot_stage([game], str(spotted / "model"), spotted / "filmed-out", stride=8, confidence=0.0)
    assert not (spotted / "filmed-out/videos").exists()
    browser.open(spotted / "filmed-out/report.html")
    browser.wait("video.readyState > 1")
    for half, seconds, number in ((0, 20, 350), (1, 20, 800)):
        browser.js(f"seek({half}, {seconds} + 0.02)")
        assert number_on_screen(browser, tmp_path, number) == number
    browser.js("seek(0, 44.8); video.muted = true; play()")
    browser.wait("state.half === 1")
    assert browser.js("video.currentTime") >= 60


def test_an_hq_video_without_video_ini_is_not_shown_at_the_wrong_moment(browser, spotted, tmp_path):
    hq = write_video(tmp_path / "hq.mkv", EVERY_40_MS[:50])
    browser.open(spot_video(spotted, "hq-alone", {"1_HQ.mkv": hq}))
    browser.wait("!el('no-video').hidden")
    assert "no video.ini" in browser.js("el('no-video-reason').textContent")


@pytest.fixture
def server_without_ranges(spotted):
    """Python's own: it knows no range requests."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *arguments):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(spotted))) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_server_that_cannot_jump_in_a_video_is_said(browser, server_without_ranges):
    browser.open(f"{server_without_ranges}/out/report.html")
    browser.wait("!el('no-video').hidden")
    assert "range requests" in browser.js("el('no-video-reason').textContent")


# ---- by keyboard and by ear


def focused(page: Page, what: str) -> str | None:
    return page.js(f"document.activeElement.{what} ?? null")


def test_tab_reaches_the_list_and_the_arrows_go_on_from_there(match):
    page = match.page
    for _ in range(60):
        page.press("Tab", 9)
        if focused(page, "dataset.id"):
            break
    assert focused(page, "dataset.id") == page.js("listed()[0].id")
    assert focused(page, "matches(':focus-visible')")
    for number in (1, 2):
        page.press("ArrowDown", 40)
        assert focused(page, "dataset.id") == page.js(f"listed()[{number}].id") == page.js("state.selected")
    page.press("ArrowUp", 38)
    assert focused(page, "dataset.id") == page.js("listed()[1].id")
    page.press("Enter", 13)
    page.wait("!video.paused")
    assert page.js("state.selected") == focused(page, "dataset.id")
    page.press("]")
    assert focused(page, "className.includes('row')")
    page.press("Tab", 9)
    assert focused(page, "dataset.id") is None


def test_one_row_of_the_list_is_a_stop_of_the_tab_key(match):
    assert match.page.js("document.querySelectorAll('.row[tabindex=\"0\"]').length") == 1
    match.page.click(".row[data-id=e3]")
    assert match.page.js("document.querySelector('.row[tabindex=\"0\"]').dataset.id") == "e3"


def test_the_zoom_buttons_are_reached_and_pressed_by_keyboard(match):
    page = match.page
    reached = set()
    for _ in range(60):
        page.press("Tab", 9)
        reached.add(focused(page, "id"))
        if focused(page, "id") == "zoom-in":
            break
    assert {"zoom-out", "zoom-fit", "zoom-in"} <= reached
    page.press("Enter", 13)
    assert page.js("state.zoom") == 2


def test_what_a_screen_reader_says(match):
    nodes = match.page.accessible()
    named = {(node["role"], node["name"]) for node in nodes}
    assert {("button", "Zoom in"), ("button", "Zoom out"), ("button", "Show the whole match")} <= named
    assert {("button", "Previous event"), ("button", "Next event"), ("slider", "Confidence")} <= named
    first = match.events[0]
    words = {"card": "Card", "subs": "Substitution", "soccer": "Goal"}
    rows = [name for role, name in named if role == "button" and "half, 0" in name]
    assert len(rows) == match.page.js("listed().length")
    assert any(
        row.startswith(f"1', {words[first['label']]}, {round(100 * first['confidence'])} %, 1st half") for row in rows
    )
    assert all(name for role, name in named if role in ("button", "slider", "combobox"))
