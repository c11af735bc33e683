"""Annotators held against each other."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmsnet import cli
from rmsnet.dataset.formats.agreement import agreement, merged
from rmsnet.dataset.formats.document import Mark
from rmsnet.dataset.formats.reading import read_source
from rmsnet.documents import read_json
from tests.dataset.formats.builders import labels_of, put

ANNA = [Mark(1, 1000, "Goal"), Mark(1, 9000, "Foul"), Mark(1, 20_000, "Foul"), Mark(2, 5000, "Corner")]
BEN = [Mark(1, 1400, "Goal"), Mark(1, 9500, "Foul"), Mark(1, 20_300, "Offside"), Mark(1, 5000, "Corner")]

marks = st.lists(
    st.builds(Mark, st.sampled_from([1, 2]), st.integers(0, 20_000), st.sampled_from(["A", "B"])), max_size=8
)


def test_events_of_one_class_within_the_tolerance_are_one():
    found = agreement(ANNA, BEN, 1000)
    assert [(one.label, other.position_ms) for one, other in found.both] == [("Foul", 9500), ("Goal", 1400)]
    assert [(one.label, other.label) for one, other in found.otherwise] == [("Foul", "Offside")]
    assert (found.first, found.second) == ((ANNA[3],), (BEN[3],))  # in another half
    assert found.f1 == 2 * 2 / 8
    assert found.per_class["Foul"] == {"both": 1, "first": 1, "second": 0}
    assert agreement(ANNA, BEN, 499).per_class["Foul"] == {"both": 0, "first": 2, "second": 1}


def test_kappa_is_that_of_cohen():
    """Cohen's own kind of table: of 50 events both say A 20 times, both B 15 times, 5 and 10 times they differ."""
    pairs = 20 * ["AA"] + 5 * ["AB"] + 10 * ["BA"] + 15 * ["BB"]
    first = [Mark(1, 10_000 * place, pair[0]) for place, pair in enumerate(pairs)]
    second = [Mark(1, 10_000 * place, pair[1]) for place, pair in enumerate(pairs)]
    assert agreement(first, second, 1000).kappa == pytest.approx(0.4)


@given(marks, marks, st.integers(0, 5000))
def test_no_event_counts_twice_and_none_is_lost(first, second, tolerance_ms):
    found = agreement(first, second, tolerance_ms)
    paired = len(found.both) + len(found.otherwise)
    assert paired + len(found.first) == len(first)
    assert paired + len(found.second) == len(second)
    for one, other in (*found.both, *found.otherwise):
        assert one.half == other.half
        assert abs(one.position_ms - other.position_ms) <= tolerance_ms
    assert len(agreement(second, first, tolerance_ms).both) == len(found.both)


@given(marks)
def test_who_agrees_with_themselves_agrees_wholly(one):
    found = agreement(one, list(one), 0)
    assert found.f1 in (None, 1)
    assert found.kappa in (None, 1)


def test_a_merged_file_has_what_all_have_once_and_the_rest_as_unsure():
    together = merged([ANNA, BEN], ["anna", "ben"], 1000)
    told = [
        (mark.half, mark.position_ms, mark.label, mark.extra["annotators"], "unsure" in mark.extra) for mark in together
    ]
    assert told == [
        (1, 1000, "Goal", "anna, ben", False),
        (1, 5000, "Corner", "ben", True),
        (1, 9000, "Foul", "anna, ben", False),
        (1, 20_000, "Foul", "anna", True),
        (1, 20_300, "Offside", "ben", True),
        (2, 5000, "Corner", "anna", True),
    ]
    middle = merged([[Mark(1, ms, "Goal")] for ms in (3000, 2100, 2500)], ["a", "b", "c"], 1000)
    assert [mark.position_ms for mark in middle] == [2500]


def write(path, *rows, game="league/season/game"):
    annotations = [{"gameTime": f"1 - 00:{ms // 1000:02d}", "label": label, "position": str(ms)} for label, ms in rows]
    return put(path, labels_of(*annotations) | {"UrlLocal": f"{game}/"})


def test_the_command_says_how_far_they_agree_and_merges(tmp_path, capsys):
    anna = write(tmp_path / "anna.json", ("Goal", 1000), ("Foul", 9000))
    ben = write(tmp_path / "ben.json", ("Goal", 1500), ("Foul", 30_000))
    both = tmp_path / "both.json"
    assert cli.main(["data", "compare-labels", str(anna), str(ben), "--merge", str(both)]) == 0
    said = capsys.readouterr().out
    assert "F1 0.50 within 1 s; of 1 events of both 0 are called differently, Cohen's kappa undefined" in said
    assert len(read_json(both)["annotations"]) == 3
    assert sorted(mark.extra.get("unsure", "") for mark in read_source(both, "soccernet-v2").marks) == [
        "",
        "yes",
        "yes",
    ]


def test_files_of_different_matches_are_one_line(tmp_path, capsys):
    anna = write(tmp_path / "anna.json", ("Goal", 1000))
    other = write(tmp_path / "other.json", ("Goal", 1000), game="league/season/other")
    assert cli.main(["data", "compare-labels", str(anna), str(other)]) == 2
    said = capsys.readouterr().err
    assert "is of 'league/season/other'" in said
    assert said.count("\n") == 1
    assert cli.main(["data", "compare-labels", str(anna)]) == 2
    assert "name at least two" in capsys.readouterr().err
