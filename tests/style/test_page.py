"""The frame of every page, looked at as HTML and in a browser."""

import re
from html.parser import HTMLParser

import pytest

from rmsnet import __version__
from rmsnet.dataset.labels import V2_CLASSES
from rmsnet.style.page import Html, class_name, page, picture, pictures, section, table, tag, text
from rmsnet.style.palette import class_looks, look
from rmsnet.style.plot import figure, png
from tests.chromium import chromium, find_chromium

NASTY = "<script>alert('1')</script> & \"2\""
ROWS = [
    {"game": f"league/season/2030-01-01 - 20-00 {NASTY} 1 - 0 Brackwater & Co", "events": 1200, "ap": "61.2"},
    {"game": "all", "events": 1200, "ap": "61.2"},
]


def whole() -> str:
    plot = png(figure("note")[0])
    classes = [
        {"class": class_name(name, of), **{f"{number} s": "100.0" for number in range(12)}}
        for name, of in zip(V2_CLASSES, class_looks(V2_CLASSES), strict=True)
    ]
    body = [
        tag("p", NASTY, kind="verdict good", title=NASTY),
        section(NASTY, table(ROWS, total=True), table(classes)),
        pictures([(NASTY, plot), ("second", plot)]),
        picture("alone", plot),
    ]
    return page(NASTY, body, simulated=True)


class Reader(HTMLParser):
    """Which elements are open at the end, and which were never opened."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.wrong: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in ("meta", "link", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)


def test_a_page_is_whole_says_who_made_it_and_loads_nothing():
    made = whole()
    reader = Reader()
    reader.feed(made)
    assert (reader.open, reader.wrong) == ([], [])
    assert made.startswith("<!doctype html>")
    assert f"Made by rmsnet {__version__}" in made
    assert not re.findall(r"""(?:src|href)=["'](?!data:)|https?://|@import|url\(""", made)
    assert made == whole()


def test_only_what_is_simulated_says_so():
    assert "Simulated games" in whole()
    assert "Simulated" not in page("Title", [])


def test_text_is_escaped_once_and_html_is_not():
    assert "<script>alert" not in whole()
    assert tag("p", "a & b", Html("<b>c</b>"), kind='"') == '<p class="&quot;">a &amp; b<b>c</b></p>'
    assert (text(1234), text(None), text("<")) == ("1,234", "", "&lt;")


def test_a_table_has_its_numbers_to_the_right_its_total_below_and_no_empty_head():
    made = table(ROWS, total=True)
    assert made.count('class="number"') == 6
    assert made.count('class="total"') == 1
    assert made.count("<th") == 3
    assert "<th" not in table([{"": "hash", " ": "1a2b"}])
    assert table([]) == '<p class="quiet">None.</p>'


def test_a_class_carries_both_its_colours():
    of = look(3)
    assert f"--on-light:{of.colour.on_light};--on-dark:{of.colour.on_dark}" in class_name("Penalty", of)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    if find_chromium() is None:
        pytest.skip("no Chromium on this machine")
    with chromium(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.mark.parametrize("width", [390, 1200])
def test_nothing_lies_beside_the_screen(browser, tmp_path, width):
    (tmp_path / "page.html").write_text(whole(), encoding="utf-8")
    browser.open(tmp_path / "page.html", width, 844)
    assert browser.js("document.documentElement.scrollWidth <= window.innerWidth")
    assert browser.errors == []


def test_ground_text_and_classes_follow_the_screen_and_paper_is_white(browser, tmp_path):
    (tmp_path / "page.html").write_text(whole(), encoding="utf-8")
    colours = "[document.body, document.querySelector('.dot')].map((e) => getComputedStyle(e).backgroundColor)"
    seen = {}
    for media, scheme in (("screen", "light"), ("screen", "dark"), ("print", "dark")):
        browser.emulate(media, scheme)
        browser.open(tmp_path / "page.html")
        seen[media, scheme] = browser.js(colours)
    browser.emulate("", "light")
    assert seen["screen", "light"] == ["rgb(255, 255, 255)", "rgb(162, 51, 111)"]
    assert seen["screen", "dark"] == ["rgb(20, 24, 29)", "rgb(254, 127, 192)"]
    assert seen["print", "dark"] == seen["screen", "light"]
