"""Tables of events."""

import csv
from fractions import Fraction
from io import StringIO

import pytest

from rmsnet.dataset.formats.stated import Stated
from rmsnet.errors import UserError
from rmsnet.matches.overview import EVENTS, write_overview
from tests.dataset.formats.builders import read, times, written


@pytest.mark.parametrize(
    ("column", "cell", "stated", "position_ms"),
    [
        ("time", "12:34", "mm:ss", 754_000),
        ("time", "75:10", "mm:ss", 4_510_000),
        ("time", "1:02:03.5", "h:mm:ss", 3_723_500),
        ("time", "59:16.403", "h:mm:ss", 3_556_403),
        ("time", "1:02:03.500", "", 3_723_500),
        ("time", "12.5", "seconds", 12_500),
        ("time", "12", "milliseconds", 12),
        ("time", "29", "frames", 1160),
        ("time", "45+2'", "minutes", 46 * 60_000),
        ("frame", "29", "", 1160),
        ("position_ms", "1160", "", 1160),
        ("Time_Seconds", "1.16", "", 1160),
        ("mm:ss", "01:01", "", 61_000),
        ("Minute", "47'", "", 60_000),
    ],
)
def test_how_times_are_written_is_stated(column, cell, stated, position_ms):
    document = read("csv", f"{column},label\n{cell},goal\n", stated=Stated(fps=Fraction(25), times=stated))
    assert times(document) == [position_ms]


@pytest.mark.parametrize("cell", ["12:34", "12", "1:02:03", "01:02:03:04", "12.5"])
def test_it_is_not_guessed(cell):
    with pytest.raises(UserError, match="how does column 'time' write times"):
        read("csv", f"time,label\n{cell},goal\n")


def test_a_time_that_is_not_as_stated_is_named_with_its_line():
    with pytest.raises(UserError, match=r"line 3: '1:02:03' is not like mm:ss"):
        read("csv", "time,label\n01:02,goal\n1:02:03,goal\n", stated=Stated(times="mm:ss"))


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_cells_with_any_delimiter_and_quotes_come_through(delimiter):
    text = StringIO()
    csv.writer(text, delimiter=delimiter).writerows([["position_ms", "label", "note"], ["1", 'a,b;c\t"d"', "e\nf"]])
    (mark,) = read("csv", text.getvalue()).marks
    assert (mark.label, mark.extra) == ('a,b;c\t"d"', {"note": "e\nf"})


def test_columns_are_found_by_name_whatever_their_order_and_case():
    document = read("csv", "Confidence;TEAM;Half;Class;position_ms;Video;Visible\n0,5;home;2;goal;7;m1;no\n")
    (timeline,) = document.timelines
    (mark,) = timeline.marks
    assert (timeline.name, timeline.half) == ("m1", 2)
    assert (mark.confidence, mark.team, mark.label, mark.visible, mark.extra) == (0.5, "home", "goal", False, {})


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_tables_of_spreadsheets_are_read(encoding):
    document = read("csv", "position_ms,label\r\n1,Tor für Köln\r\n\r\n".encode(encoding))
    assert [mark.label for mark in document.marks] == ["Tor für Köln"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "names no column 'label'"),
        ("time,event\n", "names no column 'label'"),
        ("label\ngoal\n", "no column of times"),
        ("frame,seconds,label\n1,2,goal\n", "times stand in frame and in seconds"),
        ("frame,label\n1,goal\n", "times in frames need a rate: --frame-rate"),
        ("position_ms,label\n1,goal,more\n", "line 2: more cells than the first line names"),
        ("position_ms,label\n1,\n", "line 2: no label"),
        ("position_ms,label\nx,goal\n", "line 2: 'x' is no number of milliseconds"),
        ("position_ms,label,period\n1,goal,Q3\n", "line 2: period 'Q3' is no number from 1"),
        ("position_ms,label,confidence\n1,goal,inf\n", "line 2: confidence inf is not finite"),
        ("minute,label,period\n47,goal,1\n", "line 2: minute '47' is in period 2, not in 1"),
        ("position_ms,label,label\n1,goal,goal\n", "names the column 'label' twice"),
        ('position_ms,label\n1,"go"al\n', "not a table"),
        (b"position_ms,label\n1,K\xf6ln\n", "not UTF-8"),
    ],
)
def test_a_bad_table_is_refused_in_a_line(text, told):
    with pytest.raises(UserError, match=told):
        read("csv", text)


def test_two_columns_of_times_are_one_when_it_is_said_which():
    document = read("csv", "frame,seconds,label\n1,2,goal\n", stated=Stated(times="seconds"))
    assert [(mark.position_ms, mark.extra) for mark in document.marks] == [(2000, {"frame": "1"})]


def test_the_tables_that_spotting_leaves_are_read(tmp_path):
    """They name each time thrice, for people, for football, and exactly."""
    spot = {"half": 2, "time": "61:01", "minute": "107'", "position_ms": 3_661_500, "label": "goal", "confidence": 0.5}
    write_overview(tmp_path, "two", {"a": [spot], "league/b": [spot, {**spot, "half": 1}]})
    document = read("csv", (tmp_path / EVENTS).read_bytes())
    assert [(piece.name, piece.half) for piece in document.timelines] == [("a", 2), ("league/b", 2), ("league/b", 1)]
    assert [(mark.position_ms, mark.confidence) for mark in document.marks] == [(3_661_500, 0.5)] * 3


@pytest.mark.parametrize("notation", ["h:mm:ss", "mm:ss", "seconds", "milliseconds", "frames"])
def test_each_notation_is_written_so_that_it_reads_back(notation):
    document = read("csv", "position_ms,end_ms,label\n1160,,goal\n3600000,,goal\n40,,save\n")
    stated = Stated(fps=Fraction(25), times=notation)
    (content,) = written("csv", document, stated).values()
    assert times(read("csv", content, stated=stated)) == [1160, 3_600_000, 40]


def test_minutes_are_not_written():
    with pytest.raises(UserError, match="--times minutes: is read, not written"):
        written("csv", read("csv", "position_ms,label\n1,goal\n"), Stated(times="minutes"))


@pytest.mark.parametrize("label", ["=1+1", "+x", "-x", "@x", "'=x", "'x", "-5", "+1.5"])
def test_no_cell_runs_in_a_spreadsheet_and_all_come_back(label):
    (content,) = written("csv", read("csv", [b"", f'position_ms,label\n1,"{label}"\n'.encode()][1])).values()
    cell = content.decode().splitlines()[1].split(",")[3]
    assert not cell.startswith(("=", "@", "+x", "-x"))
    again = read("csv", content)
    assert [mark.label for mark in again.marks] == [
        mark.label for mark in read("csv", f'position_ms,label\n1,"{label}"\n').marks
    ]
