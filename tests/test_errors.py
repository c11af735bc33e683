import pytest

from rmsnet.errors import did_you_mean, nearest


@pytest.mark.parametrize(
    ("slip", "known", "meant"),
    [
        ("epoch", ["epochs", "seed"], "epochs"),
        ("GOAL", ["Goal", "Card"], "Goal"),
        ("xyz", ["epochs", "seed"], ""),
        ("table9", ["table2", "table3"], ""),
        ("x", [], ""),
    ],
)
def test_the_nearest_name_is_the_one_that_is_nearer_than_all_others(slip, known, meant):
    assert nearest(slip, known) == meant


def test_nothing_is_asked_where_nothing_is_near():
    assert did_you_mean("xyz", ["epochs"]) == ""
    assert did_you_mean("epoch", ["epochs"]) == "; did you mean epochs?"
