"""Minutes, time codes, links and kick-off on the page."""

import json
from fractions import Fraction
from pathlib import Path

import pytest

from rmsnet.dataset.periods import HALVES
from rmsnet.matches.exports.cuts import Source
from rmsnet.matches.exports.timecode import frame_of, milliseconds, timecode
from rmsnet.matches.page.parts import code_of
from rmsnet.matches.stage import spot_stage
from tests.chromium import find_chromium
from tests.matches.builders import write_features
from tests.matches.exports.test_source import write_film
from tests.matches.exports.timelines import NTSC, RATES
from tests.matches.page.opened import number_on_screen

pytestmark = pytest.mark.skipif(find_chromium() is None, reason="no Chromium on this machine")


@pytest.fixture
def forgetful(match):
    """The page in a browser that has kept nothing."""
    match.page.js("localStorage.clear()")
    match.open()
    yield match
    match.page.js("localStorage.clear()")


# ---- minutes and time codes


def test_minutes_are_those_of_the_table(match):
    moments = [(half, ms) for half in (1, 2) for ms in (0, 59_999, 60_000, 2_699_999, 2_700_000, 2_940_000)]
    said = match.page.js(
        f"{json.dumps(moments)}.map(([half, ms]) => minute_of({{ half: half - 1, seconds: ms / 1000 }}))"
    )
    assert said == [HALVES[half - 1].said(ms) for half, ms in moments]


@pytest.mark.parametrize("drop", [False, True])
@pytest.mark.parametrize("rate", RATES)
def test_time_codes_are_those_of_the_exports(match, rate, drop):
    if drop and rate not in (NTSC, Fraction(60000, 1001)):
        return
    source = Source(1, Path("film.mp4"), rate, 400_000, 1_000_000, drop, Fraction(1, 10), Fraction(3))
    moments_ms = [*range(0, 700_000, 7919), *range(0, 200), 59_993, 60_060, 120_120, 600_600]
    match.page.js(f"match.halves[0].code = {json.dumps(code_of(source))}")
    codes = match.page.js(f"{json.dumps(moments_ms)}.map((ms) => timecode_of({{ half: 0, seconds: ms / 1000 }}))")
    assert codes == [timecode(source.start + source.frame_at(ms / 1000), rate, drop) for ms in moments_ms]


def test_the_time_code_names_the_frame_on_the_screen_from_that_of_the_file_on_and_steps_are_frames(
    browser, spotted, tmp_path
):
    game = spotted / "ntsc"
    write_features(game / "1_test.npy")
    write_film(game / "1_224p.mp4", NTSC, 1700, timecode="00:59:58;00")
    spot_stage([game], str(spotted / "model"), spotted / "ntsc-out", confidence=0.0)
    browser.open(spotted / "ntsc-out/report.html")
    browser.wait("video.readyState > 1")
    assert browser.js("el('timecode').textContent") == "00:59:58;00"
    browser.js("seek(0, 1.999)")
    assert browser.js("el('timecode').textContent") == "00:59:59;29"
    browser.press(".")
    assert browser.js("el('timecode').textContent") == "01:00:00;00"
    first = frame_of("00:59:58;00", NTSC)
    for frame in (1, 29, 58, 113, 1000):  # truncated milliseconds would show, or name, the frame before
        browser.js(f"seek(0, {milliseconds(frame, NTSC)} / 1000)")
        assert number_on_screen(browser, tmp_path, frame) == frame
        assert browser.js("el('timecode').textContent") == timecode(first + frame, NTSC, drop=True)


def test_without_a_video_a_moment_is_named_by_its_time(browser, spotted):
    spot_stage([write_features(spotted / "bare.npy")], str(spotted / "model"), spotted / "bare", confidence=0.0)
    browser.open(spotted / "bare/report.html")
    browser.js("seek(0, 21.5)")
    assert browser.js("el('timecode').textContent") == "00:21.500"


def test_whoever_moves_on_before_the_video_has_arrived_sees_where_they_went_last(match, tmp_path):
    for last in (1, 400, 900):
        for frame in (700, 50, 1200, last):
            match.page.js(f"seek(0, {frame} / 25)")
        assert number_on_screen(match.page, tmp_path, last) == last
        assert match.page.js("[state.seconds, frame_of(state)]") == [pytest.approx(last / 25, abs=1e-3), last]


# ---- into the clipboard


def test_a_time_code_a_link_and_the_list_are_copied(match):
    page = match.page
    page.allow_clipboard()
    page.click(".row[data-id=e0]")
    for button, expected in (
        ("copy-code", "timecode_of(all.get('e0'))"),
        ("timecode", "timecode_of(state)"),
        ("copy-link", "location.href"),
        ("copy-list", "chosen().map((one) => words_of(one).join('\\t')).join('\\n')"),
    ):
        page.js(f"el('said').textContent = ''; el('{button}').click()")
        page.wait("el('said').textContent.startsWith('Copied')")
        assert page.js("navigator.clipboard.readText()") == page.js(expected)
    (first, *rest) = page.js("navigator.clipboard.readText()").split("\n")
    assert len(rest) == len(match.events) - 1
    half, code, minute, _, confidence = first.split("\t")
    assert (half, minute) == ("1", "1'")
    assert code == timecode(int(25 * match.events[0]["seconds"]), Fraction(25), drop=False)
    assert confidence == f"{round(100 * match.events[0]['confidence'])} %"


def test_where_the_browser_refuses_to_copy_the_text_is_shown(match):
    page = match.page
    page.js("document.execCommand = () => false; navigator.clipboard.writeText = () => Promise.reject()")
    page.press("c")
    page.wait("el('said').textContent.startsWith('This browser lets the page copy nothing. 00:00:00:00')")


# ---- links


def test_a_link_opens_at_its_event_even_where_the_filters_hide_it(match):
    page = match.page
    number = min(range(len(match.events)), key=lambda number: match.events[number]["confidence"])
    event = match.events[number]
    page.js(f"select('e{number}')")
    link = page.js("location.hash")
    assert link.startswith(f"#{event['half']}-00:{event['seconds']:06.3f}-")
    page.js(f"toggle(all.get('e{number}').class); set_confidence(0.99)")
    assert page.js("state.selected") is None
    assert page.js("location.hash") == ""
    page.js(f"location.hash = '{link}'")
    page.wait(f"state.selected === 'e{number}'")
    assert page.js(f"!marks.get('e{number}').hidden")
    match.open(link)
    page.wait("video.readyState > 1 && !video.seeking")
    assert page.js("state.selected") == f"e{number}"
    assert page.js("video.currentTime") == pytest.approx(event["seconds"], abs=0.05)


def test_a_link_to_a_moment_without_an_event_opens_there(match):
    match.open("#2-00:07.250")
    assert match.page.js("[state.half, state.seconds]") == [1, 7.25]


@pytest.mark.parametrize("address", ["#3-00:07.000-goal", "#1-99:00.000", "#nothing", "#1-00:%E0%A4%A", "#"])
def test_an_address_of_nothing_in_this_match_opens_at_its_start(match, address):
    match.open(address)
    assert match.page.js("[state.half, state.seconds, state.selected]") == [0, 0, None]
    assert match.page.errors == []


# ---- kick-off


def test_minutes_count_from_the_kick_off_that_is_set_and_it_is_kept(forgetful):
    page = forgetful.page
    page.js("seek(0, 12.5)")
    page.press("k")
    assert page.js("el('kick-off').value") == "00:12.5"
    before = page.js("minute_of({ half: 0, seconds: 72.4 })"), page.js("minute_of({ half: 0, seconds: 72.5 })")
    assert before == ("1'", "2'")
    assert page.js("minute_of({ half: 0, seconds: 12.4 })") == "0'"
    assert page.js("minute_of({ half: 1, seconds: 0 })") == "46'"
    assert page.js("parseFloat(document.querySelector('.tick').style.left)") == pytest.approx(
        page.js("100 * 12.5 / total"), abs=1e-3
    )
    early = [event for event in forgetful.events if event["half"] == "1" and event["seconds"] < 12.5]
    shown = page.js("[...document.querySelectorAll('.row:not(.missed) .minute')].map((one) => one.textContent)")
    assert shown.count("0'") == len(early)
    forgetful.open()
    assert page.js("kick_offs") == [12.5, 0]
    assert page.js("el('kick-off').value") == "00:12.5"


def type_kick_off(page, text):
    page.js(f"el('kick-off').value = '{text}'; el('kick-off').dispatchEvent(new Event('change'))")


@pytest.mark.parametrize(("typed", "seconds"), [("0:42", 42), ("7.25", 7.25), ("-1:30", None), ("-0:05", -5), ("0", 0)])
def test_kick_off_may_be_typed_also_before_the_video_begins(forgetful, typed, seconds):
    page = forgetful.page
    type_kick_off(page, typed)
    assert page.js("kick_offs[0]") == (seconds or 0)
    if seconds is None:  # longer than the video
        assert "minutes and seconds" in page.js("el('said').textContent")


@pytest.mark.parametrize("typed", ["soon", "", "1:2:3", "99:00"])
def test_what_is_no_time_changes_nothing_and_is_said(forgetful, typed):
    page = forgetful.page
    type_kick_off(page, "0:10")
    type_kick_off(page, typed)
    assert page.js("kick_offs[0]") == 10
    assert page.js("el('kick-off').value") == "00:10"
    assert page.js("el('said').textContent").startswith("Kick-off is a time in the video")


def test_a_browser_that_keeps_nothing_says_so(forgetful):
    page = forgetful.page
    page.js("Storage.prototype.setItem = () => { throw new Error('full'); }")
    type_kick_off(page, "0:10")
    assert page.js("el('said').textContent").endswith("this browser keeps it until the page is closed")
    assert page.js("kick_offs[0]") == 10
