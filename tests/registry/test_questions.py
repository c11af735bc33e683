"""What the histories say of the questions that were asked."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmsnet.errors import CheckFailed
from rmsnet.params import RegisterParams
from rmsnet.registry.history import CHAMPION, Change
from rmsnet.registry.levels import next_level
from rmsnet.registry.questions import (
    Question,
    as_record,
    asked_before,
    past_decisions,
    question_of,
    seen_of,
    until,
)

STRICT = RegisterParams(control="strict")
ASKED = Question(
    version=2,
    champion=1,
    number=1,
    weights=("two", "one"),
    data_hash="data",
    games=("game a", "game b"),
    labels="labels",
    protocol="devkit",
    difference=0.01,
    p_value=0.2,
    spread=0.16,
    level=0.01,
    passed=False,
    params={"error_rate": 0.05},
    seen={"ours": 0},
    evidence="file",
)


def change(number: int, kind: str = "refused", question: Question | None = ASKED, **changes) -> Change:
    moves = {CHAMPION: (1, 2)} if kind in ("promote", "forced") else {CHAMPION: (2, 1)} if kind == "rollback" else {}
    made = Change(
        number,
        kind,
        f"2026-01-01T00:00:{number:02}+00:00",
        "who",
        "why",
        None,
        moves,
        {1: "model 1", 2: "model 2"},
        True,
        True,
        question=None if question is None else as_record(question),
    )
    return replace(made, **changes)


def test_a_question_comes_out_of_the_record_as_it_went_in():
    assert question_of(change(1)) == ASKED
    assert question_of(change(1, question=None)) is None


@pytest.mark.parametrize("edit", [{"level": 5.0}, {"p_value": "none"}, {"weights": ["one"]}, {"more": 1}])
def test_a_question_that_a_hand_has_edited_is_one_line(edit):
    with pytest.raises(CheckFailed, match="record 1 of the history: its question was edited by hand"):
        question_of(edited(edit))


def edited(edit) -> Change:
    return replace(change(1), question={**as_record(ASKED), **edit})


def test_the_same_models_games_and_tolerances_are_the_same_question():
    changes = [change(1), change(2, question=replace(ASKED, weights=("three", "one")))]
    assert asked_before(changes, ASKED.identity) == ASKED
    assert asked_before(changes, replace(ASKED, data_hash="other").identity) is None


@pytest.mark.parametrize(
    ("changes", "promoted"),
    [
        ([change(1, "promote", replace(ASKED, passed=True))], True),
        ([change(1, "promote", replace(ASKED, passed=True), holds=False)], False),
        ([change(1, "forced")], False),
        ([change(1, "promote", replace(ASKED, passed=True)), change(2, "rollback", None)], False),
        ([change(1)], False),
    ],
    ids=["passed", "came too late", "forced", "taken back", "refused"],
)
def test_only_a_promotion_by_the_games_that_stands_is_a_promotion(changes, promoted):
    decision = past_decisions({"ours": changes})[0]
    assert (decision.promoted, decision.games) == (promoted, frozenset(ASKED.games))


def test_a_question_that_was_asked_again_counts_once():
    assert len(past_decisions({"ours": [change(1), change(2), change(3, "forced")]})) == 1


@given(st.lists(st.tuples(st.sampled_from(["ours", "theirs"]), st.booleans()), max_size=12))
def test_levels_can_be_computed_again_from_what_was_seen(acts):
    """Whatever came after a question changes nothing about its level."""
    lines: dict[str, list[Change]] = {"ours": [], "theirs": []}
    asked = []
    for number, (line, passes) in enumerate(acts, start=1):
        level = next_level(past_decisions(lines), line, ASKED.games, STRICT).value
        question = replace(ASKED, passed=passes, seen=seen_of(lines), data_hash=str(number))
        lines[line].append(change(number, "promote" if passes else "refused", question))
        asked.append((line, level, question))
    for line, level, question in asked:
        past = past_decisions(until(lines, question.seen))
        assert next_level(past, line, question.games, STRICT).value == level


@given(st.integers(0, 20), st.integers(0, 20))
def test_questions_of_all_lines_come_in_the_order_of_time(ours, theirs):
    numbers = range(1, ours + theirs + 1)
    lines = {
        "ours": [change(number, question=replace(ASKED, data_hash=str(number))) for number in numbers[:ours]],
        "theirs": [change(number, question=replace(ASKED, data_hash=str(number))) for number in numbers[ours:]],
    }
    assert [decision.line for decision in past_decisions(lines)] == ["ours"] * ours + ["theirs"] * theirs
