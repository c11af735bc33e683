"""Events of label files that are not SoccerNet's, and those that lie in no period."""

from dataclasses import replace
from pathlib import Path

import pytest

from rmsnet.dataset.class_lists import classes_of
from rmsnet.dataset.description import ClassEntry, Description, LabelsEntry
from rmsnet.dataset.game_events import game_events
from rmsnet.dataset.game_files import GameFiles
from rmsnet.dataset.periods import Period
from rmsnet.errors import UserError
from rmsnet.files import write_json, write_text

HANDBALL = Description(
    "Nord",
    simulated=False,
    classes=(ClassEntry("goal"), ClassEntry("7m goal", merged_into="goal"), ClassEntry("foul", left_out=True)),
    labels=LabelsEntry("events.csv"),
    periods=(Period("", 30, 0), Period("", 30, 30)),
)
ONE_FILE = replace(HANDBALL, labels=LabelsEntry("events.csv", clock="file"), files="match")


def events_of(folder: Path, text: str, description: Description = HANDBALL):
    write_text(folder / "game/events.csv", text)
    return game_events(GameFiles(folder), "game", classes_of(description, "v1"), description)


def test_a_merged_class_is_the_other_and_one_that_is_left_out_is_none(tmp_path):
    rows = "h:mm:ss,period,label\n0:01:00,1,goal\n0:02:00,2,7m goal\n0:03:00,2,foul\n"
    found = [(event.half, event.position_ms, event.label) for event in events_of(tmp_path, rows)]
    assert found == [(1, 60_000, "goal"), (2, 120_000, "goal")]


def test_in_one_file_an_event_is_of_the_last_period_that_has_begun(tmp_path):
    write_json(tmp_path / "game/kick_offs.json", [65, 2130.5])
    rows = "h:mm:ss,label\n0:01:05,goal\n0:35:30.499,goal\n0:35:30.5,goal\n"
    found = [(event.half, event.position_ms) for event in events_of(tmp_path, rows, ONE_FILE)]
    assert found == [(1, 0), (1, 2_065_499), (2, 0)]


@pytest.mark.parametrize(
    ("row", "description", "said"),
    [
        ("0:01:00,3,goal", HANDBALL, "'goal' at 60.0 s: is in period 3; dataset.json has 2"),
        ("0:01:00,1,gaol", HANDBALL, "unknown class 'gaol' (1 time, nearest 'goal')"),
        ("0:01:00,1,Goal", HANDBALL, "unknown class 'Goal' (1 time, nearest 'goal')"),
        ("0:01:00,1,goal", ONE_FILE, "is before the first kick-off, at 65.0 s"),
    ],
)
def test_what_lies_in_no_period_or_has_no_class_is_one_line(tmp_path, row, description, said):
    write_json(tmp_path / "game/kick_offs.json", [65, 2130.5])
    with pytest.raises(UserError) as refused:
        events_of(tmp_path, f"h:mm:ss,period,label\n{row}\n", description)
    assert said in str(refused.value)
    assert "events.csv" in str(refused.value)
    assert "\n" not in str(refused.value)
