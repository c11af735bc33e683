"""Rows as text, Markdown and CSV."""

import csv
import io

import pytest

from rmsnet.errors import UserError
from rmsnet.files import write_text
from rmsnet.reading.rows import read_rows
from rmsnet.style.tables import as_csv, as_markdown, as_text, facts, number_columns
from rmsnet.style.words import marked, percent, with_ends

ROWS = [
    {"class": "card", "events": 1234, "AP (%)": "7.5", "95 %": "1.0 – 9.5", "change": "+0.3 [-1.0, +2.0]", "why": "a"},
    {"class": "all", "events": None, "AP (%)": "61.0", "95 %": "–", "change": "", "why": "1 of 2"},
]


def test_columns_of_numbers_stand_to_the_right_and_words_to_the_left():
    assert number_columns(ROWS) == {"events", "AP (%)", "95 %", "change"}
    assert as_text(ROWS).splitlines() == [
        "class  events  AP (%)       95 %             change  why",
        "card    1,234     7.5  1.0 – 9.5  +0.3 [-1.0, +2.0]  a",
        "all              61.0          –                     1 of 2",
    ]


def test_times_and_scores_are_no_numbers():
    rows = [{"time": "02:19", "score": "2 - 0", "minute": "45+2'", "commit": "1a2b3c", "split": ""}]
    assert number_columns(rows) == set()
    assert number_columns([{"small": "1e-05", "float": 0.5, "share": "54 %"}]) == {"small", "float", "share"}


def test_markdown_can_be_read_as_text_and_no_value_ends_its_cell():
    assert as_markdown([{"name": "a | b\nc", "n": 10}, {"name": "d", "n": 5}]).splitlines() == [
        "| name     | n   |",
        "| -------- | --: |",
        "| a \\| b c | 10  |",
        "| d        | 5   |",
    ]
    assert as_markdown(facts([("hash", "x" * 50)])).splitlines()[0].count("|") == 3


def test_csv_goes_there_and_back(tmp_path):
    rows = [{"game": 'a, "b"\n', "ap": 0.1 + 0.2, "low": None}]
    text = as_csv(rows)
    assert list(csv.DictReader(io.StringIO(text, newline=""))) == [
        {"game": 'a, "b"\n', "ap": repr(0.1 + 0.2), "low": ""}
    ]
    assert as_csv([], ("half", "time")) == "half,time\n"
    write_text(tmp_path / "table.csv", text)
    assert read_rows(tmp_path / "table.csv", ["game"])[0]["game"] == 'a, "b"\n'
    with pytest.raises(UserError, match="no such file"):
        read_rows(tmp_path / "none.csv", ["game"])


def test_numbers_and_names_in_words():
    assert (percent(0.12345), percent(-0.5, 2, "+"), percent(None)) == ("12.3", "-50.00", "")
    assert (with_ends(0.655, (0.641, 0.669)), with_ends(0.1, None, "+")) == ("65.5 [64.1, 66.9]", "+10.0")
    assert (marked("Tiny", True), marked("Tiny", False)) == ("Tiny (simulated)", "Tiny")
