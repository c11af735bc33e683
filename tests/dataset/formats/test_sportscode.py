"""Sportscode's XML in all the variants that are known, its newer JSON, and LongoMatch's table."""

import io

import pytest

from rmsnet.dataset.formats.document import Annotations, Mark, Timeline
from rmsnet.errors import UserError
from tests.dataset.formats.builders import read, times, written

# `text` before `group`, `code` before `start`, numbered from 0, colours after: what some providers ship.
SAMPLE = """<file><SORT_INFO><sort_type>sort order</sort_type></SORT_INFO><ALL_INSTANCES>
<instance><ID>0</ID><code>Offsets</code><start>12.5</start><end>13.5</end>
  <label><text>First half start</text><group>Offset</group></label></instance>
<instance><ID>1</ID><code>Prellball</code><start>80.04</start><end>92</end><label><text>weit</text></label></instance>
</ALL_INSTANCES><ROWS>
<row><sort_order>1</sort_order><code>Offsets</code><R>65535</R><G>0</G><B>257</B></row>
<row><sort_order>2</sort_order><code>Prellball</code><R>0</R><G>514</G><B>0</B></row></ROWS></file>"""


def test_elements_are_found_by_name_in_any_order():
    document = read("sportscode", SAMPLE)
    first, second = document.marks
    assert (first.label, first.position_ms, first.end_ms, first.extra) == (
        "Offsets",
        12_500,
        13_500,
        {"ID": "0", "Offset": "First half start"},
    )
    assert (second.position_ms, second.extra) == (80_040, {"ID": "1", "labels": "weit"})
    assert document.colours == {"Offsets": (65535, 0, 257), "Prellball": (0, 514, 0)}
    assert document.classes == ("Offsets", "Prellball")


UMLAUT = SAMPLE.replace("weit", "wüst")


@pytest.mark.parametrize(
    "content",
    [
        UMLAUT.encode(),
        UMLAUT.encode("utf-8-sig"),
        UMLAUT.encode("utf-16"),
        UMLAUT.encode("utf-16-le"),
        b"\xfe\xff" + UMLAUT.encode("utf-16-be"),
        ('<?xml version="1.0" encoding="UTF-16"?>' + UMLAUT).encode("utf-16"),
        ('<?xml version="1.0" encoding="utf-16"?>' + UMLAUT).encode(),
        ("<?xml version='1.0' encoding='Windows-1252'?>" + UMLAUT).encode("cp1252"),
        UMLAUT.encode("cp1252"),
    ],
    ids=[
        "utf8",
        "utf8 bom",
        "utf16 bom",
        "utf16",
        "utf16 be",
        "utf16 said",
        "utf16 said of utf8",
        "cp1252 said",
        "cp1252",
    ],
)
def test_any_encoding_gives_the_same_events(content):
    assert read("sportscode", content).timelines == read("sportscode", UMLAUT).timelines


def test_an_encoding_that_had_to_be_supposed_is_told():
    assert read("sportscode", UMLAUT.encode("cp1252")).notes == ("match.xml: is not UTF-8; read as Windows-1252",)


def test_decimal_commas_clocks_and_other_cases_are_read():
    text = SAMPLE.replace("80.04", "80,04").replace(">92<", ">00:01:32.000<").replace("instance>", "Instance>")
    assert read("sportscode", text).timelines == read("sportscode", SAMPLE).timelines


def test_colours_of_eight_bits_become_sixteen():
    text = SAMPLE.replace("65535", "255").replace("257", "1").replace("514", "2")
    assert read("sportscode", text).colours == {"Offsets": (65535, 0, 257), "Prellball": (0, 514, 0)}


def test_all_that_an_instance_says_comes_back():
    labels = "<label><group>A</group><text>1</text><text>2</text></label><label><group>A</group><text>3</text></label>"
    text = SAMPLE.replace("</code><start>80", f"</code>{labels}<free_text> later &amp; more </free_text><start>80")
    document = read(
        "sportscode", text.replace("<ALL_", "<SESSION_INFO><start_time>20:30</start_time></SESSION_INFO><ALL_")
    )
    extra = list(document.marks)[1].extra
    assert extra == {"ID": "1", "A": ["1", "2", "3"], "free_text": "later & more", "labels": "weit"}
    (content,) = written("sportscode", document).values()
    assert read("sportscode", content) == document


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("<file/>", "no ALL_INSTANCES"),
        ("no xml", "not XML"),
        (SAMPLE[:200], "not XML"),
        (SAMPLE.replace("80.04", "soon"), "instance 2: 'soon' is no number of seconds"),
        (SAMPLE.replace(">92<", ">79<"), r"instance 2: ends \(79.000 s\) before it starts \(80.040 s\)"),
        (SAMPLE.replace("<code>Prellball</code><start>", "<start>"), "instance 2: no code"),
        (SAMPLE.replace("<end>92</end>", ""), "instance 2: '' is no number of seconds"),
        ('<!DOCTYPE f [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]>' + SAMPLE, "DOCTYPE"),
        ("<a>" * 50, "nested too deeply"),
        ("<a>&lol;</a>", "not XML"),
    ],
)
def test_a_bad_file_is_refused_in_a_line(text, told):
    with pytest.raises(UserError, match=told):
        read("sportscode", text)


def goal(**more: object) -> Annotations:
    mark = Mark(1, 380_123, "Goal", "home", False, confidence=0.98, extra={"comment": "007"})
    return Annotations((Timeline("match", 1, (mark,)),), ("Goal", "Save <&>"), **more)  # type: ignore[arg-type]


def test_a_moment_is_a_stretch_to_look_at_and_stays_a_moment():
    (content,) = written("sportscode", goal()).values()
    assert b"<start>372.123</start><end>387.123</end>" in content
    (mark,) = read("sportscode", content).marks
    assert (mark.position_ms, mark.end_ms, mark.team, mark.visible, mark.confidence) == (
        380_123,
        None,
        "home",
        False,
        0.98,
    )
    assert mark.extra == {"ID": "1", "comment": "007"}


def test_a_stretch_that_somebody_moved_away_from_its_moment_counts():
    (content,) = written("sportscode", goal()).values()
    moved = content.replace(b"372.123", b"472.123").replace(b"387.123", b"487.123")
    (mark,) = read("sportscode", moved).marks
    assert (mark.position_ms, mark.end_ms, mark.extra["Moment"]) == (472_123, 487_123, "380.123")


def test_rows_give_each_class_its_colour_in_order():
    (content,) = written("sportscode", goal(colours={"Goal": (1, 2, 65535)})).values()
    again = read("sportscode", content)
    assert again.classes == ("Goal", "Save <&>")
    assert again.colours["Goal"] == (1, 2, 65535)
    assert all(channel % 257 == 0 for channel in again.colours["Save <&>"])


def test_a_character_that_xml_has_not_is_refused():
    with pytest.raises(UserError, match="XML cannot hold the character"):
        written("sportscode", Annotations((Timeline("m", 1, (Mark(1, 0, "a\x01"),)),)))


def test_each_half_is_a_file():
    halves = tuple(Timeline("cup/final", half, (Mark(half, 1000, "Goal"),)) for half in (1, 2))
    assert list(written("sportscode", Annotations(halves))) == ["cup/final/half1.xml", "cup/final/half2.xml"]


def test_kloppy_reads_our_file():
    from kloppy import sportscode

    (content,) = written("sportscode", goal()).values()
    (code,) = sportscode.load(io.BytesIO(content)).codes
    assert (code.code, code.code_id) == ("Goal", "1")
    assert (code.start_timestamp.total_seconds(), code.end_timestamp.total_seconds()) == (372.123, 387.123)
    assert code.labels == {
        "Moment": 380.123,
        "Team": "home",
        "Visibility": "not shown",
        "Confidence": 0.98,
        "comment": 7,
    }


def test_what_kloppy_needs_is_in_each_instance():
    """It reads ID, code, start and end of whatever lies in ALL_INSTANCES, and numbers without a clock."""
    from xml.etree import ElementTree

    (content,) = written("sportscode", goal()).values()
    (instance,) = ElementTree.fromstring(content).find("ALL_INSTANCES")
    assert [child.tag for child in instance][:4] == ["ID", "start", "end", "code"]
    assert float(instance.findtext("start")) == 372.123
    assert all(label.findtext("text") for label in instance.iter("label"))


def test_the_newer_timeline_is_read():
    instances = [
        {"startTime": 90.5, "endTime": 92, "notes": "n", "labels": [{"name": "left"}, {"name": "x", "group": "G"}]}
    ]
    rows = [
        {"name": "Goal", "color": "#ff0080", "instances": instances},
        {"name": "Save", "instances": [{"startTime": 1, "endTime": 2}]},
    ]
    document = read("sctimeline", {"timeline": {"rows": rows, "labels": []}, "currentPlaybackTime": 1})
    assert [(mark.label, mark.position_ms, mark.end_ms) for mark in document.marks] == [
        ("Save", 1000, 2000),
        ("Goal", 90_500, 92_000),
    ]
    assert list(document.marks)[1].extra == {"labels": "left", "G": "x", "free_text": "n"}
    assert document.colours == {"Goal": (65535, 0, 257 * 128)}
    with pytest.raises(UserError, match="row 'Goal', instance 1: ends before it starts"):
        read("sctimeline", {"timeline": {"rows": [{"name": "Goal", "instances": [{"startTime": 2, "endTime": 1}]}]}})


LONGOMATCH = """CATEGORY: Goal
Name;Time;Start;Stop;Team;Player;Header;Left
Goal 1;6:28,120;6:20,000;6:35,000;Home FC;Jane Doe | Ann Other;1;0
Goal 2;;1:06:20,000;1:06:35,000;ALL;;0;0

CATEGORY: Corner
Name;Time;Start;Stop;Team;Player
"""


def test_longomatchs_table_is_read_by_its_columns():
    document = read("longomatch", LONGOMATCH)
    first, second = document.marks
    assert (first.label, first.position_ms, first.end_ms, first.team) == ("Goal", 388_120, None, "Home FC")
    assert first.extra == {
        "Name": "Goal 1",
        "Player": "Jane Doe | Ann Other",
        "Header": "1",
        "Start": "6:20,000",
        "Stop": "6:35,000",
    }
    assert (second.position_ms, second.end_ms, second.team, second.extra) == (
        3_980_000,
        3_995_000,
        "ALL",
        {"Name": "Goal 2"},
    )
    assert document.classes == ("Goal", "Corner")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Name;Start;Stop\n", "line 1: no LongoMatch CSV"),
        (
            LONGOMATCH.replace("Name;Time;Start;Stop;Team;Player;Header;Left\n", ""),
            "line 2: names no columns Start and Stop",
        ),
        (LONGOMATCH.replace("Home FC", "Home; FC"), "line 3: 9 cells in 8 columns"),
        (LONGOMATCH.replace("6:28,120", "later"), "line 3: 'later' is no number of seconds"),
    ],
)
def test_a_bad_longomatch_table_is_refused_in_a_line(text, told):
    with pytest.raises(UserError, match=told):
        read("longomatch", text)


def test_times_of_longomatch_sort_the_events():
    assert times(read("longomatch", LONGOMATCH)) == [388_120, 3_980_000]
