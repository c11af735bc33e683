from pathlib import Path

from rmsnet import tracking
from rmsnet.files import read_json
from rmsnet.registry import register_stage


def register(shop, *names: str, out: Path = Path("registration")):
    return register_stage([shop.model(name) for name in names], shop.evaluation, shop.features, out)


def test_the_best_by_validation_becomes_the_first_champion(shop):
    decision = register(shop, "poor", "good")
    assert (decision.variant, decision.version, decision.promoted) == ("good", 1, True)
    assert tracking.aliases("rmsnet") == {"champion": 1}
    assert read_json(Path("registration/decision.json"))["reason"] == "there was no champion"
    summary = Path("registration/summary.md").read_text()
    assert "| good " in summary
    assert "is now @champion" in summary
    assert "Simulated features" in summary


def test_registering_the_same_model_again_changes_nothing(shop):
    register(shop, "good")
    again = register(shop, "good")
    assert (again.version, again.promoted, again.reason) == (1, False, "it is the champion already")
    assert tracking.aliases("rmsnet") == {"champion": 1}


def test_a_worse_model_does_not_replace_the_champion(shop):
    register(shop, "good")
    decision = register(shop, "poor")
    assert (decision.version, decision.promoted) == (2, False)
    assert tracking.aliases("rmsnet")["champion"] == 1
