"""What is cut around which events."""

import numpy as np
import pytest

from rmsnet.dataset.labels import V1_CLASSES, V2_CLASSES, truth_of
from rmsnet.errors import UserError
from rmsnet.features.bank import BankHalf, FrameBank
from rmsnet.matches.highlights.clips import Highlight
from rmsnet.matches.stage import spot_stage
from rmsnet.matches.stretches import Chosen, choose_stretches, pick
from rmsnet.spots import Predictions
from tests.matches.builders import write_game, write_sure_model


def test_by_default_all_classes_have_the_same():
    chosen = choose_stretches(V1_CLASSES)
    assert chosen.before == dict.fromkeys(V1_CLASSES, 8.0)
    assert chosen.after == dict.fromkeys(V1_CLASSES, 7.0)


def test_seconds_of_a_class_count_more_than_those_of_all_whatever_the_order():
    chosen = choose_stretches(V1_CLASSES, ["goal=20", "6"], ["soccer=15.5", "SOCCER = 16"])
    assert chosen.before == {"card": 6, "subs": 6, "soccer": 20}
    assert chosen.after == {"card": 7, "subs": 7, "soccer": 16}


def test_classes_are_named_as_people_or_as_files_name_them():
    chosen = choose_stretches(V2_CLASSES, only="goal, yellow->red card,Kick-Off,shots_on_target")
    assert chosen.classes == {"Goal", "Yellow->red card", "Kick-off", "Shots on target"}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"before": ["soon"]}, "--before soon: must be seconds"),
        ({"before": ["-1"]}, "--before -1: must be seconds"),
        ({"after": ["goal="]}, "--after goal=: must be seconds"),
        ({"after": ["inf"]}, "--after inf: must be seconds"),
        ({"after": ["corner=3"]}, "--after corner: no class of the model; it has Card, Substitution, Goal"),
        ({"only": "goal,corner"}, "--reel-classes corner: no class of the model"),
        ({"only": ""}, "--reel-classes : no class"),
        ({"before": ["0"], "after": ["goal=0"]}, "--before and --after are 0 for Goal: nothing would be shown of it"),
    ],
)
def test_what_cannot_be_meant_is_refused(arguments, says):
    with pytest.raises(UserError, match=says):
        choose_stretches(V1_CLASSES, **arguments)


def test_nothing_is_shown_of_a_class_that_is_not_chosen_so_its_seconds_do_not_matter():
    assert choose_stretches(V1_CLASSES, ["card=0"], ["card=0"], "goal").classes == {"soccer"}


def test_picked_are_the_events_of_the_rows_whose_classes_are_shown():
    halves = tuple(BankHalf("match", number, 0, 0) for number in (1, 2))
    bank = FrameBank(np.zeros((0, 1), np.float32), halves, truth_of([[], []], V1_CLASSES), V1_CLASSES, 2.0, 0.5, {})
    rows = ((0, 1000, 2, 0.9), (0, 2000, 0, 0.8), (1, 3000, 2, 0.7), (1, 4000, 2, 0.1))
    predictions = Predictions(*(np.array(column) for column in zip(*rows, strict=True)))
    chosen = choose_stretches(V1_CLASSES, ["goal=20"], only="goal")
    first, second = pick(predictions, bank, [0, 1, 2], chosen)
    assert first == Highlight(1, 1000, "soccer", first.color, 0.9, 20.0, 7.0, "Goal")
    assert (second.half, second.position_ms) == (2, 3000)


# ---- events that somebody has chosen


def test_chosen_events_stand_in_for_those_that_were_found(tmp_path):
    (tmp_path / "reel.csv").write_text(
        "\ufeffhalf,time,minute,position_ms,label,confidence\n2,00:03,46',3000,soccer,0.25\n1,00:02,1',2000,Goal,\n"
        "1,00:01,1',1000,card,1\n"
    )
    chosen = choose_stretches(V1_CLASSES, only="goal", events=tmp_path / "reel.csv")
    assert chosen.events == (
        Chosen(1, 1000, "card", 1.0),
        Chosen(1, 2000, "soccer", 1.0),
        Chosen(2, 3000, "soccer", 0.25),
    )
    halves = tuple(BankHalf("match", number, 0, 0) for number in (1, 2))
    bank = FrameBank(np.zeros((0, 1), np.float32), halves, truth_of([[], []], V1_CLASSES), V1_CLASSES, 2.0, 0.5, {})
    found = Predictions(np.array([0]), np.array([9000]), np.array([2]), np.array([0.9]))
    picked = pick(found, bank, [0], chosen)
    assert [(one.half, one.position_ms, one.confidence) for one in picked] == [(1, 2000, 1.0), (2, 3000, 0.25)]


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ("half,position_ms,label\n", "holds no event"),
        ("half,label\n1,card\n", "has no column position_ms; take an events.csv"),
        ("half,position_ms,label\n1,soon,card\n", "row 2: invalid literal .* 'soon'"),
        ("half,position_ms,label\n1,1,card\n3,5,card\n", "row 3: half must be from 1 to 2"),
        ("half,position_ms,label\n1,-5,card\n", "row 2: half must be from 1 to 2 and position_ms at least 0"),
        ("half,position_ms,label\n1,5,corner\n", "row 2 corner: no class of the model; it has Card"),
        (b"\xff\xfe\x00", "not readable CSV"),
        (None, r"reel\.csv: no such file"),
    ],
)
def test_a_table_of_no_events_is_refused(tmp_path, table, says):
    if table is not None:
        (tmp_path / "reel.csv").write_bytes(table if isinstance(table, bytes) else table.encode())
    with pytest.raises(UserError, match=says):
        choose_stretches(V1_CLASSES, events=tmp_path / "reel.csv")


def test_chosen_events_are_those_of_one_match(tmp_path):
    model = str(write_sure_model(tmp_path / "model"))
    games = [write_game(tmp_path / f"data/league/season/game {number}") for number in (1, 2)]
    (tmp_path / "reel.csv").write_text("half,position_ms,label\n2,5,card\n")
    with pytest.raises(UserError, match="are those of one match, and there are 2; spot the one alone"):
        spot_stage([tmp_path / "data"], model, tmp_path / "out", reel_events=tmp_path / "reel.csv")
    with pytest.raises(UserError, match="has an event in half 2, which 1_test does not have"):
        spot_stage([games[0] / "1_test.npy"], model, tmp_path / "out", reel_events=tmp_path / "reel.csv")
    assert not (tmp_path / "out").exists()
