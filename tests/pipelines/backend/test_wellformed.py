"""What the check of a compiled pipeline notices."""

from typing import NamedTuple

import pytest
import yaml
from kfp import compiler, dsl

from pipelines.backend.wellformed import check_compiled
from pipelines.compiling import compile_pipeline
from pipelines.deployment import Deployment
from rmsnet.errors import UserError


@dsl.component(base_image="python:3.11", install_kfp_package=False)
def say(text: str) -> str:
    return text


@dsl.component(base_image="python:3.11", install_kfp_package=False)
def judge() -> NamedTuple("Judgement", [("fine", bool)]):
    return (True,)


def compiled(pipeline: dsl.base_component.BaseComponent, tmp_path) -> str:
    compiler.Compiler().compile(pipeline, str(tmp_path / "pipeline.yaml"))
    return (tmp_path / "pipeline.yaml").read_text()


@pytest.fixture(scope="module")
def training() -> str:
    return compile_pipeline("training", Deployment(extract_shards=2), {})


def test_tasks_that_wait_for_each_other_in_a_ring(tmp_path) -> None:
    @dsl.pipeline(name="ring")
    def ring():
        first = say(text="a")
        second = say(text=first.output)
        first.after(second)

    with pytest.raises(UserError, match="wait for each other in a ring: say, say-2"):
        check_compiled(compiled(ring, tmp_path), "ring")


def test_a_condition_on_a_named_output(tmp_path) -> None:
    @dsl.pipeline(name="condition")
    def condition():
        with dsl.If(judge().outputs["fine"] == True):  # noqa: E712  # an expression of Kubeflow's
            say(text="fine")

    with pytest.raises(UserError, match="compares the named output 'fine'"):
        check_compiled(compiled(condition, tmp_path), "condition")


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda spec: spec["pipelineInfo"].update(name="Training!"), "pipeline name 'Training!'"),
        (lambda spec: spec["components"]["comp-train"].update(executorLabel="exec-none"), "no executor 'exec-none'"),
        (lambda spec: spec["components"]["comp-train"].update(executerLabel="x"), "not a pipeline"),
        (lambda spec: container(spec).update(image="Not An Image"), "'Not An Image' is no image name"),
        (
            lambda spec: container(spec)["env"].append({"name": "1 X", "value": ""}),
            "'1 X' is no name of an environment",
        ),
        (lambda spec: container(spec).update(command=["x" * 1_000_000]), "bytes; a cluster takes 1,000,000"),
        (lambda spec: tasks(spec)["register-model"]["inputs"]["artifacts"].pop("features"), "gives it artifact 'feat"),
        (lambda spec: tasks(spec)["register-model"]["inputs"]["parameters"].pop("params"), "gives it parameter 'param"),
        (lambda spec: tasks(spec).pop("collect-features"), "'collect-features', which is not beside it"),
        (lambda spec: spec["components"].pop("comp-require"), "there is no component 'comp-require'"),
    ],
)
def test_a_broken_document(change, complaint: str, training: str) -> None:
    documents = list(yaml.safe_load_all(training))
    change(documents[0])
    with pytest.raises(UserError, match=complaint):
        check_compiled(yaml.safe_dump_all(documents), "training")


def container(spec):
    return spec["deploymentSpec"]["executors"]["exec-train"]["container"]


def tasks(spec):
    return spec["root"]["dag"]["tasks"]


@pytest.mark.parametrize("text", ["", "a: [", "[1, 2]", "a: 1"])
def test_no_pipeline_at_all(text: str) -> None:
    with pytest.raises(UserError, match="not a pipeline"):
        check_compiled(text, "nothing")


def test_a_platform_spec_for_an_executor_that_is_not_there(training: str) -> None:
    documents = list(yaml.safe_load_all(training))
    pods = documents[1]["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    pods["exec-other"] = pods["exec-train"]
    with pytest.raises(UserError, match="platform spec of exec-other"):
        check_compiled(yaml.safe_dump_all(documents), "training")
