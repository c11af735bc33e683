"""The reel on the page: what is ticked, played, saved and cut; and clips that are reached from their event."""

import json
from itertools import pairwise

import pytest

from rmsnet.matches.stage import spot_stage
from rmsnet.reading.rows import read_rows
from tests.chromium import find_chromium
from tests.matches.builders import write_game

pytestmark = pytest.mark.skipif(find_chromium() is None, reason="no Chromium on this machine")


@pytest.fixture
def fresh(match):
    """The page in a browser that has kept nothing."""
    match.page.js("localStorage.clear()")
    match.open()
    yield match
    match.page.js("localStorage.clear()")


def seconds_around(page, before, after):
    page.js(f"for (const one of match.classes) {{ one.before = {before}; one.after = {after}; }}")


def test_what_is_ticked_of_what_is_shown_is_in_the_reel_and_it_is_kept(fresh):
    page, count = fresh.page, len(fresh.events)
    assert page.js("chosen().length") == count
    page.click(".pick[data-id=e1]")
    page.js("select('e0')")
    page.press("x")
    assert page.js("chosen().map((event) => event.id)") == [f"e{number}" for number in range(2, count)]
    assert page.js("el('reel-length').textContent").startswith(f"{count - 2} · ")
    hidden = page.js("all.get('e2').class")
    page.js(f"toggle({hidden})")
    assert not page.js(f"chosen().some((event) => event.class === {hidden})")
    fresh.open()
    assert page.js("chosen().length") == count - 2
    page.click(".pick[data-id=e1]")
    assert page.js("chosen().length") == count - 1


def test_stretches_that_overlap_are_one(fresh):
    page = fresh.page
    seconds_around(page, 8, 7)
    parts = page.js("stretches()")
    for half in (0, 1):
        of_half = [part for part in parts if part["half"] == half]
        assert all(one["end"] <= other["start"] for one, other in pairwise(of_half))
    for event in fresh.events:
        around = [part for part in parts if part["half"] == int(event["half"]) - 1]
        assert any(part["start"] <= event["seconds"] <= part["end"] for part in around)
    assert all(0 <= part["start"] < part["end"] <= page.js("match.halves[0].seconds") for part in parts)


def test_the_reel_plays_its_stretches_one_after_the_other_and_nothing_between(fresh):
    page = fresh.page
    seconds_around(page, 0.3, 0.3)
    picked = [0, len(fresh.events) // 2, len(fresh.events) - 1]  # in both halves
    page.js(f"events.forEach((event, number) => ticked.set(name_in_reel(event), {picked}.includes(number)))")
    page.js("refresh()")
    parts = page.js("stretches()")
    assert len(parts) == 3
    page.js(
        "window.seen = []; const before = follow_reel; follow_reel = () => {"
        " if (reel && !video.seeking && wanted === null) seen.push([state.half, reel[0].start, state.seconds]);"
        " before(); }; 0"
    )
    page.press("r")
    assert page.js("el('play-reel').textContent") == "Stop reel"
    page.wait("reel === null")
    assert page.js("[video.paused, el('play-reel').textContent]") == [True, "Play reel"]
    seen = page.js("seen")
    first = {(half, start): seconds for half, start, seconds in reversed(seen)}
    assert list(dict.fromkeys((half, start) for half, start, _ in seen)) == [
        (part["half"], part["start"]) for part in parts
    ]
    assert all(seconds >= start - 0.01 for _, start, seconds in seen)
    for part, after in zip(parts, [*parts[1:], None], strict=True):
        found = first[part["half"], part["start"]]
        assert after is None or after["half"] != part["half"] or found < after["start"]


def test_who_goes_somewhere_else_has_left_the_reel(fresh):
    page = fresh.page
    page.press("r")
    page.wait("!video.paused && !video.seeking")
    page.js("const { half, start } = reel[0]; seek(half, start + 0.5)")
    page.wait("!video.seeking && wanted === null")
    assert page.js("reel !== null")
    page.js("seek(1, 58)")
    page.wait("reel === null")
    assert page.js("el('play-reel').textContent") == "Play reel"


def test_a_reel_of_nothing_cannot_be_played(fresh):
    fresh.page.js("events.forEach((event) => ticked.set(name_in_reel(event), false)); refresh()")
    assert fresh.page.js("['play-reel', 'copy-list', 'save-reel'].every((id) => el(id).disabled)")
    fresh.page.press("r")
    assert fresh.page.js("reel === null && video.paused")


def test_what_the_page_saves_is_what_spot_cuts(fresh, spotted, tmp_path):
    page = fresh.page
    page.js("events.forEach((event, number) => ticked.set(name_in_reel(event), number === 1 || number === 3))")
    page.js("refresh()")
    (tmp_path / "reel.csv").write_text(page.js("reel_table()"), encoding="utf-8")
    rows = read_rows(tmp_path / "reel.csv", ("half",))
    table = read_rows(fresh.out / "events.csv", ("half",))
    assert [{**row, "confidence": float(row["confidence"])} for row in rows] == [
        {**row, "confidence": float(row["confidence"])} for row in (table[1], table[3])
    ]
    game = next((spotted / "data").rglob("1_test.npy")).parent
    options = {"reel_events": tmp_path / "reel.csv", "before": ["1"], "after": ["1"], "reel_classes": None}
    (done,) = spot_stage([game], str(spotted / "model"), tmp_path / "out", stride=8, highlights=True, **options)
    assert done.warnings == ()
    assert len(list((tmp_path / "out/highlights").glob("0*.mp4"))) == 2
    page.open(tmp_path / "out/report.html")
    with_clip = page.js("events.filter((event) => event.clip).map((event) => event.ms)")
    assert with_clip == [int(row["position_ms"]) for row in rows]


def test_a_value_with_a_comma_or_a_quote_is_quoted(match):
    values = json.dumps(["a,b", 'say "x"', "plain", 7])
    assert match.page.js(f"{values}.map(quoted)") == ['"a,b"', '"say ""x"""', "plain", 7]


def test_a_clip_is_reached_from_its_event_and_the_reel_from_the_list(browser, spotted, tmp_path):
    game = write_game(tmp_path / "game", videos=True, seed=0)
    cut = {"before": ["2"], "after": ["1"], "reel_classes": "substitution"}
    out = tmp_path / "out"
    spot_stage([game], str(spotted / "model"), out, stride=8, confidence=0.0, highlights=True, **cut)
    browser.open(out / "report.html")
    clips = browser.js("events.map((event) => [match.classes[event.class].label, event.clip, event.ms])")
    assert all((clip is not None) == (label == "subs" and ms < 60_000) for label, clip, ms in clips)
    assert all((out / clip).is_file() for _, clip, _ in clips if clip)
    number = next(number for number, (_, clip, _) in enumerate(clips) if clip)
    browser.js(f"select('e{number}')")
    assert browser.js("el('clip').href") == (out / clips[number][1]).as_uri()
    assert browser.js("el('clip').hidden") is False
    assert browser.js("el('reel-file').href") == (out / "highlights/reel.mp4").as_uri()
    assert browser.js("match.classes.map((one) => [one.in_reel, one.before, one.after])") == [
        [False, 2, 1],
        [True, 2, 1],
        [False, 2, 1],
    ]
    assert browser.js("chosen().every((event) => match.classes[event.class].label === 'subs')")
    other = next(number for number, (_, clip, _) in enumerate(clips) if not clip)
    browser.js(f"select('e{other}')")
    assert browser.js("el('clip').hidden")
    spot_stage([game], str(spotted / "model"), out, stride=8, confidence=0.0)
    browser.open(out / "report.html")
    assert browser.js("events.every((event) => !event.clip) && el('reel-file').hidden")


def test_an_event_is_played_with_what_leads_to_it(match):
    page = match.page
    seconds_around(page, 3, 7)
    number = next(number for number, event in enumerate(match.events) if event["seconds"] > 5)
    page.js(f"select('e{number}', true); video.pause()")
    assert page.js("state.seconds") == pytest.approx(match.events[number]["seconds"] - 3, abs=0.5)
