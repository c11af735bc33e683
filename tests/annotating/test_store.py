"""The store: whatever is done, and whenever it is killed, what was confirmed is there."""

import json
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rmsnet.annotating.edits import Change, Conflict, Edit
from rmsnet.annotating.labels import REFUSED, Labels, form_of
from rmsnet.annotating.store import Store
from rmsnet.dataset.formats.document import Mark
from rmsnet.dataset.formats.reading import read_source
from rmsnet.dataset.formats.registry import FORMATS
from rmsnet.dataset.formats.stated import Stated
from rmsnet.dataset.formats.times import rate
from rmsnet.errors import UserError
from tests.annotating.test_edits import edit_of, wishes
from tests.field.test_full_disk import room_for

GOAL, FOUL = Mark(1, 1234, "Goal"), Mark(2, 2000, "Foul")


def labels_in(folder: Path, name: str = "Labels-v2.json", form: str = "", halves: tuple[int, ...] = (1, 2)) -> Labels:
    folder.mkdir(exist_ok=True)
    path = folder / name
    (folder / ".annotating").mkdir(exist_ok=True)
    journal = folder / ".annotating" / f"{name}.journal"
    return Labels(path, form_of(path, form), "league/game", halves, ("1_224p.mp4",), Stated((), rate(25), ""), journal)


def add(store: Store, id: str, mark: Mark) -> int:
    return store.act("edit", "anna", f"add {id}", Edit("add", (Change(id, None, mark),)))


def in_file(labels: Labels) -> Counter:
    return Counter(moment(mark) for mark in read_source(labels.path, labels.form, labels.stated).marks)


def moment(mark: Mark) -> tuple:
    return mark.half, mark.position_ms, mark.label


def of_state(store: Store) -> Counter:
    return Counter(map(moment, store.state.marks.values()))


acts = st.lists(
    st.tuples(st.just("edit"), wishes) | st.tuples(st.sampled_from(["undo", "redo"]), st.none()), max_size=8
)


@settings(max_examples=25)
@given(acts, st.data())
def test_a_process_killed_after_any_byte_leaves_every_confirmed_act(tmp_path_factory, all_acts, data):
    folder = tmp_path_factory.mktemp("store")
    labels = labels_in(folder / "before")
    store = Store(labels)
    states, files, ends = [store.state], [b""], [labels.journal.stat().st_size]
    for number, (act, wish) in enumerate(all_acts):
        try:
            store.act(act, "anna", str(number), edit_of(store.state, wish) if wish else None)
        except Conflict:  # nothing to undo
            continue
        assert store.is_saved
        states.append(store.state)
        files.append(labels.path.read_bytes())
        ends.append(labels.journal.stat().st_size)
    journal = labels.journal.read_bytes()
    cut = data.draw(st.integers(ends[0], len(journal)))
    confirmed = sum(end <= cut for end in ends) - 1
    # The label file is written behind the line: it may hold the act of the last whole line, or not yet.
    file = files[data.draw(st.integers(max(0, confirmed - 1), confirmed))]
    killed = labels_in(folder / "killed")
    killed.journal.write_bytes(journal[:cut])
    if file:
        killed.path.write_bytes(file)
    again = Store(killed)
    assert again.state == states[confirmed]
    assert again.history.version == confirmed
    assert again.is_saved
    assert in_file(killed) == of_state(again) if killed.path.exists() else not again.state.marks
    add(again, "x", GOAL)
    assert Store(replace(killed)).state == again.state
    shutil.rmtree(folder)


def test_undo_survives_a_restart(tmp_path):
    labels = labels_in(tmp_path / "game")
    store = Store(labels)
    add(store, "a", GOAL)
    add(store, "b", FOUL)
    again = Store(labels)
    again.act("undo", "anna", "u1")
    again.act("undo", "anna", "u2")
    assert not again.state.marks
    Store(labels).act("redo", "anna", "r1")
    assert in_file(labels) == Counter([moment(GOAL)])


def test_the_same_key_is_done_once(tmp_path):
    store = Store(labels_in(tmp_path / "game"))
    assert add(store, "a", GOAL) == add(store, "a", GOAL) == 1
    assert add(Store(store.labels), "a", GOAL) == 1  # also after a restart


def test_a_full_disk_refuses_the_act_or_keeps_it_in_the_journal_until_there_is_room(tmp_path):
    labels = labels_in(tmp_path / "game")
    store = Store(labels)
    add(store, "a", GOAL)
    before = labels.journal.read_bytes()
    with pytest.MonkeyPatch.context() as patch:
        room_for(0, patch)
        with pytest.raises(OSError, match="No space left"):
            add(store, "b", FOUL)
    assert labels.journal.read_bytes() == before
    assert of_state(store) == in_file(labels) == Counter([moment(GOAL)])
    with pytest.MonkeyPatch.context() as patch:
        room_for(1, patch)  # for the journal, not for the label file
        add(store, "b", FOUL)
        assert "No space left" in store.problem
        assert not store.is_saved
        assert in_file(labels) == Counter([moment(GOAL)])
        # another process, now, has all of it
        assert of_state(Store(replace(labels, journal=labels.journal))) == Counter(map(moment, [GOAL, FOUL]))
    store.save()
    assert store.is_saved
    assert in_file(labels) == Counter(map(moment, [GOAL, FOUL]))


def test_what_others_write_into_the_label_file_is_taken_over_and_can_be_undone(tmp_path):
    labels = labels_in(tmp_path / "game")
    store = Store(labels)
    add(store, "a", GOAL)
    add(store, "b", FOUL)
    document = json.loads(labels.path.read_text())
    corner = {"gameTime": "1 - 00:05", "label": "Corner", "position": "5000", "visibility": "visible"}
    document["annotations"] = [*(row for row in document["annotations"] if row["label"] != "Foul"), corner]
    labels.path.write_text(json.dumps(document))
    store.look()
    assert of_state(store) == Counter([moment(GOAL), (1, 5000, "Corner")])
    assert store.steps[-1].act == "elsewhere"
    store.act("undo", "anna", "u")
    assert of_state(store) == in_file(labels) == Counter(map(moment, [GOAL, FOUL]))


def test_what_both_have_changed_is_kept_as_both_have_it(tmp_path):
    labels = labels_in(tmp_path / "game")
    store = Store(labels)
    add(store, "a", GOAL)
    with pytest.MonkeyPatch.context() as patch:
        room_for(1, patch)
        moved = replace(GOAL, position_ms=3000)
        store.act("edit", "anna", "move", Edit("move", (Change("a", GOAL, moved),)))
    text = labels.path.read_text()
    assert '"1234"' in text
    labels.path.write_text(text.replace('"1234"', '"4000"'))
    store.look()
    store.save()
    both = Counter([(1, 3000, "Goal"), (1, 4000, "Goal")])
    assert of_state(store) == in_file(labels) == both
    assert of_state(Store(labels)) == both


def test_a_label_file_that_cannot_be_read_any_more_is_not_overwritten(tmp_path):
    labels = labels_in(tmp_path / "game")
    store = Store(labels)
    add(store, "a", GOAL)
    labels.path.write_text("half of a fi")
    add(store, "b", FOUL)
    assert "was changed elsewhere and is not overwritten" in store.problem
    assert labels.path.read_text() == "half of a fi"
    labels.path.unlink()
    store.look()
    store.save()
    assert in_file(labels) == Counter(map(moment, [GOAL, FOUL]))
    assert not store.problem


def test_a_journal_that_others_have_damaged_is_one_line(tmp_path):
    labels = labels_in(tmp_path / "game")
    add(Store(labels), "a", GOAL)
    lines = labels.journal.read_text().splitlines(keepends=True)
    labels.journal.write_text("".join([lines[0], lines[1], lines[1]]))
    with pytest.raises(UserError, match=r"line 3: does not follow.*move .* away"):
        Store(labels)
    labels.path.unlink()
    with pytest.raises(UserError, match=r"is the journal of 'league/game', not of 'other'"):
        Store(replace(labels, match="other"))


def test_a_refused_suggestion_stands_in_the_journal_alone(tmp_path):
    labels = labels_in(tmp_path / "game")
    add(Store(labels), "a", replace(GOAL, extra={"origin": REFUSED}))
    again = Store(labels)
    assert again.state.marks["a"].extra["origin"] == REFUSED
    assert not in_file(labels)


@pytest.mark.parametrize("form", [name for name, form in FORMATS.items() if form.write])
def test_every_format_that_is_written_keeps_labels_their_origin_and_its_undo(tmp_path, form):
    pattern = FORMATS[form].patterns[0]
    name = pattern.replace("*", "match")
    labels = labels_in(tmp_path / "game", name, form, halves=(1,))
    label = (FORMATS[form].classes or ("Goal",))[0]
    suggested = Mark(1, 1240, label, "left", extra={"origin": "suggested", "unsure": "yes"})
    store = Store(labels)
    add(store, "a", suggested)
    add(store, "b", Mark(1, 61_000, label))
    assert store.is_saved
    (first, _) = labels.read().marks
    assert first.extra["origin"] == "suggested"
    assert first.extra["unsure"] == "yes"
    again = Store(labels)
    assert again.state == store.state
    assert not [step for step in again.steps if step.act == "elsewhere"]
    again.act("undo", "anna", "u")
    assert len(labels.read().marks) == 1


def test_a_format_of_one_piece_of_footage_a_file_is_refused_for_a_match_of_two_halves(tmp_path):
    with pytest.raises(UserError, match="sportscode holds one piece of footage a file"):
        Store(labels_in(tmp_path / "game", "match.xml"))


def whole_match_in(folder: Path, name: str = "events.csv") -> Labels:
    """Labels of two periods that count from the start of the one file."""
    return replace(labels_in(folder, name, halves=(1,)), clock="file")


def test_times_that_count_from_the_start_of_the_file_are_those_of_the_periods_in_hand(tmp_path):
    labels = whole_match_in(tmp_path / "game")
    labels.path.write_text("time,label\n0:00:30.000,goal\n0:03:50.500,foul\n")
    store = Store(labels, (20.0, 220.0))
    assert of_state(store) == Counter([(1, 10_000, "goal"), (2, 10_500, "foul")])
    add(store, "a", Mark(2, 60_000, "goal", end_ms=61_000))
    assert [(mark.half, mark.position_ms, mark.end_ms) for mark in labels.read().marks] == [
        (1, 30_000, None),
        (1, 230_500, None),
        (1, 280_000, 281_000),
    ]
    again = Store(labels, (20.0, 220.0))
    assert again.state == store.state
    assert not [step for step in again.steps if step.act == "elsewhere"]
    again.act("undo", "anna", "u")
    assert len(labels.read().marks) == 2


def test_kick_offs_that_are_corrected_elsewhere_leave_such_times_where_they_are(tmp_path):
    labels = whole_match_in(tmp_path / "game")
    store = Store(labels, (20.0, 220.0))
    add(store, "a", Mark(1, 10_000, "goal"))
    add(store, "b", Mark(2, 10_000, "foul"))
    text = labels.path.read_text()
    again = Store(labels, (25.0, 240.0))
    assert again.state.marks == {"a": Mark(1, 5_000, "goal"), "b": Mark(1, 205_000, "foul")}
    assert labels.path.read_text() == text
    with pytest.raises(UserError, match=r"events\.csv: 'goal' at 30\.0 s: is before the first kick-off, at 40\.0 s"):
        Store(labels, (40.0, 240.0))


def test_what_others_write_into_a_file_of_such_times_is_taken_over(tmp_path):
    labels = whole_match_in(tmp_path / "game")
    store = Store(labels, (20.0, 220.0))
    add(store, "a", Mark(1, 10_000, "goal"))
    add(store, "b", Mark(2, 10_000, "goal"))
    labels.path.write_text(labels.path.read_text().replace("0:03:50.000", "0:03:51.000"))
    store.look()
    assert of_state(store) == Counter([(1, 10_000, "goal"), (2, 11_000, "goal")])
    assert [len(step.edit.changes) for step in store.steps if step.act == "elsewhere"] == [2]
    labels.path.write_text("time,label\n0:00:10.000,goal\n")
    store.look()
    assert "'goal' at 10.0 s: is before the first kick-off, at 20.0 s" in store.problem
    assert len(store.state.marks) == 2


def test_a_format_of_one_piece_of_footage_a_file_holds_a_match_in_one_file(tmp_path):
    labels = whole_match_in(tmp_path / "game", "match.xml")
    store = Store(labels, (20.0, 220.0))
    add(store, "a", Mark(1, 10_000, "goal"))
    add(store, "b", Mark(2, 10_000, "goal"))
    assert store.is_saved
    assert [mark.position_ms for mark in labels.read().marks] == [30_000, 230_000]


def test_a_file_of_another_match_is_one_line(tmp_path):
    labels = labels_in(tmp_path / "game")
    labels.path.write_text(json.dumps({"UrlLocal": "league/other/", "annotations": []}))
    with pytest.raises(UserError, match=r"Labels-v2.json: is of 'league/other', not of 'league/game'"):
        Store(labels)


def test_other_matches_of_a_label_file_stay(tmp_path):
    labels = labels_in(tmp_path / "game", "all.csv")
    labels.path.write_text("game,period,time,label\nleague/other,1,0:00:01.000,Goal\nleague/game,1,0:00:02.000,Goal\n")
    store = Store(labels)
    assert of_state(store) == Counter([(1, 2000, "Goal")])
    add(store, "b", FOUL)
    other = store.labels.read().document.games["league/other"]
    assert [mark.position_ms for mark in other[0].marks] == [1000]
