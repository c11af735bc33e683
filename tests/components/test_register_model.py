"""The component of the register stage."""

from pathlib import Path

import pytest
from kfp.dsl import HTML, Artifact, Metrics

from components.door import PASSED
from components.register_model.body import body
from rmsnet.tracking import versions
from tests.components.conftest import PARAMS


def call(artifacts, study, model_name: str, models=None, **gate: float):
    made = {
        "registration": artifacts(Artifact, "registration"),
        "page": artifacts(HTML, "page"),
        "metrics": artifacts(Metrics, "metrics"),
    }
    params = {**PARAMS, "register": {**PARAMS["register"], "model_name": model_name, **gate}}
    return body(models or [study.trained], study.features, study.validation, params, **made), made


def test_the_first_model_is_the_champion_and_one_page_tells_it_all(artifacts, study) -> None:
    verdict, made = call(artifacts, study, "first")
    assert verdict == PASSED
    assert made["metrics"].metadata["version"] == 1
    assert (made["registration"].metadata["variant"], made["registration"].metadata["promoted"]) == ("full", "yes")
    page = Path(made["page"].path).read_text()
    for part in ("Decision", "Variants", "Test split: full", "Model card", "Where more is"):
        assert f"<h2>{part}</h2>" in page
    assert "models/first/versions/1" in page


def test_a_task_that_runs_twice_answers_twice_the_same(artifacts, study) -> None:
    """A pod that was lost after it had moved the alias, and a run that changes nothing."""
    call(artifacts, study, "same")
    verdict, made = call(artifacts, study, "same")
    assert verdict == PASSED
    assert made["registration"].metadata["promoted"] == "yes"
    (version,) = versions("same")
    assert (version.aliases, version.tags["decision"]) == (("champion",), "promoted")


def test_a_refused_promotion_is_a_reason_and_no_failure(artifacts, study) -> None:
    verdict, made = call(artifacts, study, "refused", floor=0.99)
    assert "does not become @champion: above the floor" in verdict
    assert made["registration"].metadata["promoted"] == "no"
    assert "does not become @champion" in Path(made["page"].path).read_text()


def test_two_models_of_one_name(artifacts, study, capsys) -> None:
    with pytest.raises(SystemExit) as refusal:
        call(artifacts, study, "twice", [study.trained, study.trained])
    assert refusal.value.code == 2
    assert "full: two models of this name" in capsys.readouterr().err


def test_through_the_local_runner(ran) -> None:
    (metadata,) = ran.metadata("register-model", "registration")
    assert metadata["promoted"] == "yes"
    assert metadata["variant"] in ("full", "no-masking")
    page = ran.output("register-model", "page").read_text()
    assert "is now @champion" in page
    assert page.count("<h2>Test split: ") == 2
