"""What is cut around which events."""

import numpy as np
import pytest

from rmsnet.dataset.labels import V1_CLASSES, V2_CLASSES, truth_of
from rmsnet.errors import UserError
from rmsnet.features.bank import BankHalf, FrameBank
from rmsnet.matches.highlights.clips import Highlight
from rmsnet.matches.stretches import choose_stretches, pick
from rmsnet.spots import Predictions


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
    assert list(chosen.before) == ["Goal", "Yellow->red card", "Kick-off", "Shots on target"]


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
    assert list(choose_stretches(V1_CLASSES, ["card=0"], ["card=0"], "goal").before) == ["soccer"]


def test_picked_are_the_events_of_the_rows_whose_classes_are_shown():
    halves = tuple(BankHalf("match", number, 0, 0) for number in (1, 2))
    bank = FrameBank(np.zeros((0, 1), np.float32), halves, truth_of([[], []], V1_CLASSES), V1_CLASSES, 2.0, 0.5, {})
    rows = ((0, 1000, 2, 0.9), (0, 2000, 0, 0.8), (1, 3000, 2, 0.7), (1, 4000, 2, 0.1))
    predictions = Predictions(*(np.array(column) for column in zip(*rows, strict=True)))
    chosen = choose_stretches(V1_CLASSES, ["goal=20"], only="goal")
    first, second = pick(predictions, bank, [0, 1, 2], chosen)
    assert first == Highlight(1, 1000, "soccer", first.color, 0.9, 20.0, 7.0)
    assert (second.half, second.position_ms) == (2, 3000)
