"""The page in a real browser, from its own server, as people use it."""

import json

import pytest

from rmsnet.dataset.formats.reading import read_source
from rmsnet.documents import read_json
from tests.annotating.conftest import RATE_TIMES
from tests.annotating.served import served
from tests.chromium import Page, find_chromium
from tests.field.test_full_disk import room_for
from tests.video.videos import BITS

pytestmark = pytest.mark.skipif(find_chromium() is None, reason="no Chromium on this machine")


def opened(browser: Page, address: str, hash: str = "", width: int = 1440, height: int = 900) -> Page:
    browser.open("about:blank")
    browser.errors.clear()
    browser.open(f"{address}match/1/{hash}", width, height)
    browser.wait("document.documentElement.dataset.ready && video.readyState > 1 && !video.seeking")
    browser.js(f"window.number_shown = {NUMBER_SHOWN.strip()}")
    return browser


def shows(page: Page, number: int) -> bool:
    """Whether the video comes to show the picture of a number, see `tests.video.videos.numbered`."""
    page.wait(f"video.readyState > 1 && !video.seeking && number_shown() === {number}")
    return True


NUMBER_SHOWN = f"""
function number_shown() {{
  const canvas = Object.assign(document.createElement("canvas"), {{ width: {BITS}, height: 1 }});
  const context = canvas.getContext("2d");
  context.drawImage(video, 0, 0, video.videoWidth, video.videoHeight / 2, 0, 0, {BITS}, 1);
  const pixels = context.getImageData(0, 0, {BITS}, 1).data;
  let number = 0;
  for (let bit = 0; bit < {BITS}; bit++) if (pixels[4 * bit] > 128) number |= 1 << bit;
  return number;
}}
"""


def kept(page: Page) -> None:
    page.wait("waiting.length === 0 && !sending")


def rows(game) -> list[dict]:
    return read_json(game / "Labels.json")["annotations"]


def test_accept_move_undo_reload_export(browser, game, model):
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
        assert shows(page, 175)
        page.press("3")
        page.wait("chosen()?.mark?.position_ms === 7000")
        for picture in (176, 177, 178):
            page.press(".")
            assert shows(page, picture)
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
        assert shows(page, 178)
        assert address
        # taken away
        table = page.js("fetch('export/csv').then((answer) => answer.text())")
        assert "0:00:07.12" in table
        assert "suggested" in table
        assert page.errors == []


def test_the_picture_that_was_saved_is_the_picture_that_comes_back(browser, game):
    """At 30000/1001 pictures a second, where milliseconds lie beside the pictures."""
    with served([game]) as server:
        page = opened(browser, server.address)
        saved = {}
        for picture in (1, 28, 29, 57, 113, 299):
            page.js(f"seek(1, {RATE_TIMES[picture] / 1000 + 0.01})")
            assert shows(page, picture)
            page.press("1")
            page.wait(f"view().size === {len(saved) + 2}")
            saved[page.js("state.selected")] = picture
        kept(page)
        opened(page, server.address)
        for id, picture in saved.items():
            page.js(f"choose({json.dumps(id)})")
            assert shows(page, picture)


TOLD_LATE = """
(() => {
  const real = video.requestVideoFrameCallback.bind(video);
  const asked = [];
  let left = 0;
  const tell = (mediaTime) => asked.splice(0).forEach((told) => told(0, { mediaTime }));
  const watch = () =>
    real((_, { mediaTime }) => {
      watch();
      tell(left);
      left = mediaTime;
      setTimeout(tell, 300, mediaTime);
    });
  video.requestVideoFrameCallback = (told) => void asked.push(told);
  watch();
})()
"""
"""When a picture is painted the browser tells of the one that was left, and of the new one later."""

ARRIVED_LATE = """
(() => {
  let under_way = false;
  video.addEventListener("seeking", () => (under_way = true));
  video.addEventListener("seeked", () => setTimeout(() => (under_way = false), 300));
  Object.defineProperty(video, "seeking", { get: () => under_way });
})()
"""
"""The browser tells of a picture while it is still on its way to it."""


@pytest.mark.parametrize("busy", [TOLD_LATE, ARRIVED_LATE], ids=["told late", "arrived late"])
def test_what_a_busy_browser_saves_is_the_picture_that_it_shows(browser, game, busy):
    with served([game]) as server:
        page = opened(browser, server.address)
        page.js(busy)
        for events, picture in enumerate((1, 28, 29, 113), start=2):
            page.js(f"seek(1, {RATE_TIMES[picture] / 1000 + 0.01})")
            page.wait(f"number_shown() === {picture}")
            page.press("1")
            page.wait(f"view().size === {events}")
            assert page.js("chosen().mark.extra.video_time") == f"{RATE_TIMES[picture] / 1000:.6f}"
        kept(page)


def test_what_is_done_elsewhere_is_shown_and_what_conflicts_is_not_lost(browser, game):
    with served([game]) as server:
        page = opened(browser, server.address)
        page.js("choose(rows[0].id)")
        page.press("u")
        kept(page)
        # another tab adds an event, and deletes the one that is selected here
        server.add("x", "r-card", 4000)
        page.wait("rows.length === 2")
        assert "Done in another window: add" in page.js("el('said').textContent")
        page.js("POLLED = 0; catch_up = ((real) => async () => POLLED++ ? real() : false)(catch_up)")
        before = server.ask("state")[1]["marks"]["m1"]
        server.edit({"id": "m1", "before": before, "after": None})
        page.js("choose('m1')")
        page.press("2", shift=True)
        page.wait("!el('notice').hidden")
        assert "the event was deleted (version 3)" in page.js("el('notice-text').textContent")
        page.click("#notice-keep")
        page.wait("rows.length === 2 && waiting.length === 0")
        assert sorted(row["label"] for row in rows(game)) == ["r-card", "r-card"]
        # the label file is edited by hand
        document = read_json(game / "Labels.json")
        document["annotations"].append({"gameTime": "2 - 00:03", "label": "yr-card"})
        (game / "Labels.json").write_text(json.dumps(document))
        page.wait("rows.length === 3")
        assert "Labels.json was edited elsewhere: 1 added" in page.js("el('notice-text').textContent")


def test_two_tabs_work_beside_each_other(browser, game):
    with served([game]) as server, browser.another_tab() as other:
        page = opened(browser, server.address)
        opened(other, server.address)
        other.press("2")
        kept(other)
        page.wait("rows.length === 2")
        assert page.js("el('said').textContent").startswith("Done in another window: add")
        page.press("3")
        kept(page)
        other.wait("rows.length === 3")
        # what the other tab did last, this one takes back, and both show it
        other.press("z", 90, control=True)
        kept(other)
        page.wait("rows.length === 2")
        assert page.js("[...view().keys()].toSorted()") == other.js("[...view().keys()].toSorted()")
        assert len(rows(game)) == 2
        assert page.errors == other.errors == []


def test_what_two_tabs_could_not_keep_waits_in_the_browser_of_both(browser, game, monkeypatch):
    with served([game]) as server, browser.another_tab() as other:
        tabs = opened(browser, server.address), opened(other, server.address)
        with monkeypatch.context() as patch:
            room_for(0, patch)
            for key, tab in zip("23", tabs, strict=True):
                tab.press(key)
                tab.wait("el('kept').classList.contains('bad')")
            for tab in tabs:
                tab.js("void waiting.splice(0)")  # the browser is killed
                tab.open("about:blank")
            opened(browser, server.address)
            assert browser.js("waiting.length") == 2
        browser.wait("waiting.length === 0")
        assert len(rows(game)) == 3


def test_a_full_disk_is_said_and_the_change_waits_until_there_is_room(browser, game, monkeypatch):
    with served([game]) as server:
        page = opened(browser, server.address)
        page.js("choose(rows[0].id)")
        with monkeypatch.context() as patch:
            room_for(0, patch)
            page.press("u")
            page.wait("el('kept').classList.contains('bad')")
            said = page.js("el('kept').textContent")
            assert said.startswith("Not kept: ")
            assert "No space left" in said
            assert "1 change waits here and will be tried again" in said
            assert "unsure" in page.js("document.querySelector('.row').ariaLabel")
            page.js("void waiting.splice(0)")  # the browser is killed: the change waits in its storage
            opened(page, server.address)
            assert page.js("waiting.length") == 1
        page.wait("waiting.length === 0")
        assert page.js("el('kept').textContent").startswith("All changes are kept")
        assert server.ask("state")[1]["marks"]["m1"]["extra"]["unsure"] == "yes"


def test_a_page_on_which_a_change_waits_asks_before_it_is_left_and_keeps_the_change(browser, game, monkeypatch):
    with served([game]) as server:
        page = opened(browser, server.address)
        page.asked.clear()
        with monkeypatch.context() as patch:
            room_for(0, patch)
            page.press("2")
            page.wait("waiting.length === 1")
            page.open("about:blank")
            assert page.asked == ["beforeunload"]
        opened(page, server.address)
        page.wait("waiting.length === 0 && rows.length === 2")
        assert len(rows(game)) == 2


def test_the_kick_off_is_set_at_the_picture_shown_and_events_stay_at_theirs(browser, game):
    with served([game]) as server:
        page = opened(browser, server.address)
        page.js("seek(0, 2.01)")
        assert shows(page, 50)
        page.js("window.before = true")
        page.press("k")
        page.wait("!window.before && document.documentElement?.dataset.ready && video.readyState > 1")
        page.js(f"window.number_shown = {NUMBER_SHOWN.strip()}")
        assert read_json(game / "kick_offs.json") == [2.0, 0.0]
        assert page.js("view().get('m1').position_ms") == 8000
        page.js("choose('m1')")
        assert shows(page, 250)


def test_a_match_in_one_file_is_annotated_on_the_clock_of_the_file(browser, whole_match):
    def in_file():
        return [(mark.label, mark.position_ms) for mark in read_source(whole_match / "events.csv", "csv").marks]

    with served([whole_match]) as server:
        page = opened(browser, server.address)
        assert page.js("rows.map((row) => [row.half, row.mark.position_ms])") == [[0, 3000], [1, 2000]]
        for row, picture in ((0, 125), (1, 325)):
            page.js(f"choose(rows[{row}].id)")
            assert shows(page, picture)
        page.press("m")  # where it is
        page.press(">", shift=True)
        page.wait("chosen().mark.position_ms === 2040")
        page.js("seek(1, 4.01)")
        assert shows(page, 375)
        page.press("1")
        page.wait("view().size === 3")
        kept(page)
        assert in_file() == [("goal", 5000), ("foul", 13_040), ("goal", 15_000)]
        # the second half begins a second later: no event leaves its picture
        page.js("window.before = true; set_kick_off(12)")
        page.wait("!window.before && document.documentElement?.dataset.ready && video.readyState > 1")
        assert read_json(whole_match / "kick_offs.json") == [2.0, 12.0]
        assert page.js("rows.map((row) => row.mark.position_ms)") == [3000, 1040, 3000]
        assert in_file() == [("goal", 5000), ("foul", 13_040), ("goal", 15_000)]


def test_the_stretch_of_an_event_is_played_again_and_again(browser, game):
    with served([game], before=("1.5",), after=("soccer-ball=0.5",)) as server:
        page = opened(browser, server.address)
        page.js("window.from = []; video.addEventListener('seeking', () => from.push(state.seconds))")
        page.js("choose(rows[0].id); set_speed(4)")
        page.press("l")
        page.wait("from.length >= 4")  # to the event, to its stretch, and back to that twice
        assert page.js("el('loop').ariaPressed") == "true"
        assert page.js("around(rows[0])") == {"half": 0, "start": 8.5, "end": 10.5}
        assert set(page.js("from.slice(-2)")) == {8.5}
        page.press("l")
        page.wait("state.seconds > 10.6")


def test_keys_never_fire_while_somebody_types_and_may_be_chosen(browser, game):
    with served([game]) as server:
        page = opened(browser, server.address)
        page.js("choose(rows[0].id); el('chosen-team').focus()")
        for key in "3yun":
            page.press(key)
        assert page.js("view().size") == 1
        assert page.js("el('chosen-team').value") == "home3yun"
        page.press("Enter", 13)
        page.js("el('chosen-team').blur()")
        page.js("set_class_key(0, 'u')")
        assert "u is taken by the page" in page.js("el('said').textContent")
        page.js("set_class_key(0, 'g')")
        page.press("g")
        page.wait("view().size === 2")
        kept(page)
        opened(page, server.address)
        assert page.js("document.querySelector('.adds kbd').textContent") == "G"


def test_all_of_it_is_reached_by_keyboard_and_said_by_a_screen_reader(browser, game, model):
    with served([game], model) as server:
        page = opened(browser, server.address)
        page.wait("said !== null")
        reached = set()
        for _ in range(80):
            page.press("Tab", 9)
            reached.add(page.js("document.activeElement.id || document.activeElement.className"))
        assert {"undo", "import", "export", "speed", "kick-off", "adds", "chip", "confidence"} - {"undo"} <= reached
        page.js("document.querySelector('.row[tabindex=\"0\"]').focus()")
        page.press("ArrowDown", 40)
        assert page.js("document.activeElement.dataset.id") == page.js("state.selected") == page.js("rows[1].id")
        named = {(node["role"], node["name"]) for node in page.accessible()}
        assert {("button", "Add y-card"), ("button", "One picture on"), ("combobox", "Class")} <= named
        assert any(role == "button" and "suggestion" in name and "%" in name for role, name in named)
        assert all(name for role, name in named if role in ("button", "slider", "combobox", "textbox"))
        assert page.js("document.querySelectorAll('[role=status], [role=alert]').length") >= 4
        assert page.js("document.querySelectorAll('.row[tabindex=\"0\"]').length") == 1


def test_a_suggestion_that_is_refused_does_not_come_again(browser, game, model):
    with served([game], model) as server:
        page = opened(browser, server.address)
        page.wait("said !== null")
        count = page.js("rows.filter((row) => row.suggestion).length")
        page.js("choose(rows.find((row) => row.suggestion).id)")
        page.press("n")
        kept(page)
        opened(page, server.address)
        page.wait("said !== null")
        assert page.js("rows.filter((row) => row.suggestion).length") == count - 1
        assert len(rows(game)) == 1
        page.press("z", 90, control=True)
        page.wait(f"rows.filter((row) => row.suggestion).length === {count}")
