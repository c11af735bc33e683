"""`make bench` goes on whatever one of its benchmarks does, and puts the numbers beside ours."""

import json
from dataclasses import replace

import pytest

from benchmarks.__main__ import _named, run
from benchmarks.gpu.record import Record
from benchmarks.growth import BEYOND, beyond
from benchmarks.page import figures, report
from benchmarks.short import BENCHMARKS, Figure, Short

SPEED = Figure("speed", r"^speed ([\d,]+) clips/s", "clips/s", more_is_better=True)


def kept(folder, code: str, **changes) -> dict:
    """What is kept of a benchmark that is this code."""
    benchmark = replace(Short("made up", "nothing", ("-c", code), 30, (SPEED,)), **changes)
    run(benchmark, Record(folder, benchmark.name))
    return json.loads((folder / "results.json").read_text())["made up"]


def test_a_figure_is_found_in_what_is_printed(tmp_path):
    found = kept(tmp_path, "print('speed 1,234 clips/s')")
    assert found["state"] == "done"
    assert found["rows"][0] == {"what": "speed", "value": 1234.0, "unit": "clips/s", "note": "more is better"}
    assert found["texts"]["output"] == "speed 1,234 clips/s"


@pytest.mark.parametrize(
    ("code", "changes", "state"),
    [
        ("raise SystemExit('no such thing')", {}, "failed: no such thing"),
        ("print('nothing')", {}, "failed: prints no figure for speed"),
        ("", {"program": "no-such-program"}, "not run: this machine has no no-such-program"),
        ("", {"needs": (("no/such", "make it"),)}, "not run: no no/such here (make it)"),
    ],
)
def test_one_that_fails_or_lacks_something_is_named_with_the_reason(tmp_path, code, changes, state):
    assert kept(tmp_path, code, **changes)["state"] == state


def test_what_was_printed_before_the_time_was_up_is_kept(tmp_path):
    code = "import time; print('speed 5 clips/s', flush=True); time.sleep(60)"
    found = kept(tmp_path, code, seconds=2)
    assert found["state"] == "stopped after 2 s"
    assert found["rows"][0]["value"] == 5


def results(speed: float, table: str) -> dict:
    row = {"what": "speed", "value": speed, "unit": "clips/s", "note": "more is better"}
    section = {"state": "done", "rows": [row], "says": "", "command": "", "seconds": 1, "texts": {"output": table}}
    return {"machine": {"state": "done", "rows": []}, "made up": section}


def test_numbers_stand_beside_ours():
    table = "| command | seconds |\n|---|---|\n| --help | {} |\nin all {} s"
    mine, ours = results(50, table.format("0.25", 9)), results(100, table.format("0.125", 7))
    assert figures(mine, ours)[0]["times as good"] == "0.50"
    page = report(mine, ours)
    assert page.index("0.25") < page.index("0.125")
    assert "in all 9 s" in page
    assert "in all 7 s" in page


def test_every_benchmark_has_a_name_that_can_be_asked_for():
    names = [benchmark.name for benchmark in BENCHMARKS]
    assert len(set(names)) == len(names)
    assert _named(",".join(names)) == BENCHMARKS


def test_growth_goes_on_as_between_the_last_two_numbers_of_games():
    assert beyond([10, 500, 5000], [9, 1, 10]) == pytest.approx(10 + 9 * (BEYOND - 5000) / 4500)
    assert beyond([500, 5000], [3, 3]) == 3
