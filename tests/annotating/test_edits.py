"""Edits as pure functions."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rmsnet.annotating.edits import Change, Conflict, Edit, History, State, applied, edited, inverse, redone, undone
from rmsnet.dataset.formats.document import Mark

GOAL, FOUL = Mark(1, 1000, "Goal"), Mark(1, 2000, "Foul")

ids = st.sampled_from("abcd")
marks = st.builds(Mark, st.sampled_from([1, 2]), st.integers(0, 5_000_000), st.sampled_from(["Goal", "Foul", "Corner"]))
wishes = st.lists(st.tuples(ids, st.none() | marks), min_size=1, max_size=3, unique_by=lambda wish: wish[0])


def edit_of(state: State, wish) -> Edit:
    """The edit that makes events what somebody wishes."""
    changes = [Change(id, state.marks.get(id), after) for id, after in wish]
    return Edit("edit", tuple(change for change in changes if change.before != change.after))


@settings(max_examples=50)
@given(st.lists(wishes, max_size=8))
def test_undo_of_everything_leads_back_and_redo_forth(all_wishes):
    history = History(State({"a": GOAL}))
    states = [history.state]
    for wish in all_wishes:
        history = edited(history, edit_of(history.state, wish))
        states.append(history.state)
    for state in states[-2::-1]:
        history = undone(history)
        assert history.state == state
    for state in states[1:]:
        history = redone(history)
        assert history.state == state


@given(wishes)
def test_an_edit_and_its_inverse_change_nothing(wish):
    state = State({"a": GOAL, "b": FOUL}, (1.0, 2.0))
    edit = edit_of(state, wish)
    assert applied(applied(state, edit), inverse(edit)) == state


def test_an_edit_that_starts_from_something_else_is_refused_whole():
    state = State({"a": GOAL})
    edit = Edit("two", (Change("b", None, FOUL), Change("a", FOUL, None)))
    with pytest.raises(Conflict, match=r"the event is now Goal at 00:01\.000 of half 1"):
        applied(state, edit)
    with pytest.raises(Conflict, match="deleted"):
        applied(State(), Edit("delete", (Change("a", GOAL, None),)))


def test_a_new_edit_forgets_what_was_undone():
    history = undone(edited(History(State()), Edit("add", (Change("a", None, GOAL),))))
    history = edited(history, Edit("add", (Change("b", None, FOUL),)))
    with pytest.raises(Conflict, match="nothing to do again"):
        redone(history)
    with pytest.raises(Conflict, match="nothing to undo"):
        undone(History(State()))
