"""What the documents promise of a line's whole life, in a few of them."""

import numpy as np
import pytest

from benchmarks.gate_lives import Setting, play

GATES = ("**the gate, fdr**", "**the gate, strict**")


@pytest.mark.parametrize(
    "setting",
    [
        Setting("equal", 20),
        Setting("fails", 20, failing=True),
        Setting("worse", 20, usual=-1.0),
        Setting("the best of three", 20, candidates=3),
        Setting("games added", 20, added=5),
    ],
    ids=lambda setting: setting.name,
)
def test_however_often_it_is_asked_the_gate_rarely_promotes_what_is_not_better(setting):
    """Where 5 % each time errs in a quarter of the lives or more; 400 lives, so 5 % is at most 8 % here."""
    lives = play(setting, lives=400, rounds=30)
    for name in GATES:
        assert lives[name].wrong.any(axis=0).mean() < 0.08
    assert lives["5 % each time, as before"].wrong.any(axis=0).mean() > 0.15


def test_wrong_promotions_are_a_small_share_and_better_ones_pass():
    lives = play(Setting("better", 50, better=4.0), lives=200, rounds=40)
    for name in GATES:
        promoted, wrong = lives[name].promoted.sum(axis=0), lives[name].wrong.sum(axis=0)
        assert (wrong / np.maximum(promoted, 1)).mean() < 0.05
        assert lives[name].gain[-1].mean() > 5
