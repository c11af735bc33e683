"""The component of the register stage."""

from pathlib import Path

import pytest
from kfp.dsl import HTML, Artifact, Markdown, Metrics

from components.register_model import register_model
from rmsnet.tracking import versions
from tests.components.conftest import PARAMS


def call(artifacts, study, model_name, models=None, evaluations=None, **register):
    made = {
        "registration": artifacts(Artifact, "registration"),
        "summary": artifacts(Markdown, "summary"),
        "decision": artifacts(HTML, "decision"),
        "model_card": artifacts(Markdown, "model_card"),
        "metrics": artifacts(Metrics, "metrics"),
    }
    params = {**PARAMS, "register": {**PARAMS["register"], "model_name": model_name, **register}}
    models, evaluations = models or [study.model], evaluations or [study.evaluation]
    return register_model.python_func(models, evaluations, study.features, study.validation, params, **made), made


def test_the_first_model_is_the_champion(artifacts, study) -> None:
    promoted, made = call(artifacts, study, "first")
    assert promoted is True
    assert made["metrics"].metadata["version"] == 1
    assert "<html" in Path(made["decision"].path).read_text()
    assert made["registration"].metadata["variant"] == "full"
    assert "models/first/versions/1" in Path(made["summary"].path).read_text()


def test_a_task_that_runs_twice_answers_twice_the_same(artifacts, study) -> None:
    """A pod that was lost after it had moved the alias, and a run that changes nothing."""
    call(artifacts, study, "same")
    promoted, made = call(artifacts, study, "same")
    assert promoted is True
    assert made["registration"].metadata["promoted"] is True
    (version,) = versions("same")
    assert (version.aliases, version.tags["decision"]) == (("champion",), "promoted")


def test_a_refused_promotion_is_an_answer_and_no_failure(artifacts, study) -> None:
    promoted, made = call(artifacts, study, "refused", floor=1.0)
    assert promoted is False
    assert made["registration"].metadata["promoted"] is False


def test_two_models_of_one_name(artifacts, study, capsys) -> None:
    with pytest.raises(SystemExit) as refusal:
        call(artifacts, study, "twice", [study.model, study.model], [study.evaluation, study.evaluation])
    assert refusal.value.code == 2
    assert "full: two artifacts of this name" in capsys.readouterr().err


def test_through_the_local_runner(ran) -> None:
    (metadata,) = ran.metadata("register-model", "registration")
    assert metadata["promoted"] is True
    assert metadata["variant"] in ("full", "no-masking")
    assert "@champion" in ran.output("register-model", "summary").read_text()
