"""Each rule on a pipeline that breaks it, and on one that does not."""

import pytest
from kfp import dsl, kubernetes
from kfp.dsl import HTML, Artifact, Dataset, Input, Output, PipelineTaskFinalStatus

from pipelines.backend.assumptions import Assumptions
from pipelines.backend.retries import window_seconds
from pipelines.backend.rules import RULES
from tests.pipelines.backend.conftest import Compiled, lines

IMAGE = {"base_image": "example/python:3.11", "install_kfp_package": False}
PINNED = {**IMAGE, "base_image": f"example/python@sha256:{'0' * 64}"}


@dsl.component(**IMAGE)
def make(data: Output[Dataset]):
    pass


@dsl.component(**IMAGE)
def take(data: Input[Dataset]) -> str:
    return ""


@dsl.component(**IMAGE)
def say(text: str) -> str:
    return text


@dsl.component(**PINNED)
def say_pinned(text: str) -> str:
    return text


@dsl.component(**IMAGE)
def show(text: str, page: Output[HTML]):
    pass


@dsl.component(**IMAGE)
def result(text: str, kept: Output[Artifact]):
    pass


@dsl.component(**IMAGE)
def collect(kept: Input[list[Artifact]]):
    pass


@dsl.component(**IMAGE)
def speak(status: PipelineTaskFinalStatus):
    pass


def test_every_rule_says_where_it_was_read() -> None:
    for rule in RULES:
        assert "KFP 2.17.0" in rule.read_in or "Argo 4.0.5" in rule.read_in, rule.name


def one(compiled: Compiled, change) -> list:
    @dsl.pipeline(name="one")
    def one():
        change(say(text="a"))

    return compiled(one)


def test_how_long_a_run_is_kept_is_the_controllers(compiled: Compiled) -> None:
    @dsl.pipeline(name="kept", pipeline_config=dsl.PipelineConfig(ttl_seconds_after_finished=120))
    def kept():
        say(text="a")

    rule = "how long a run is kept is the controller's"
    assert lines(compiled(kept), rule) == [
        "kept: asks to be taken away 2 minutes after its end; stock clusters do that after an hour; "
        "the administrators change it: ttlStrategy in workflow-controller-configmap"
    ]
    assert lines(one(compiled, lambda task: None), rule) == []


def test_retries_are_for_lost_pods(compiled: Compiled) -> None:
    document = one(compiled, lambda task: task.set_retry(2))
    assert lines(document, "retries are for lost pods")[0].startswith("one: say run again when a pod is lost, not when")
    assert lines(one(compiled, lambda task: None), "retries are for lost pods") == []


def test_the_window_is_that_of_all_attempts(compiled: Compiled) -> None:
    def retried(window: str):
        def change(task) -> None:
            task.set_retry(2, backoff_duration="30s", backoff_factor=2.0, backoff_max_duration=window)
            kubernetes.set_timeout(task, 3600)

        return one(compiled, change)

    (line,) = lines(retried("600s"), "the window holds all attempts")
    assert line == ("say: all 3 attempts get 600 s, one may take 3,600 s; backoffMaxDuration must be at least 10,890s")
    assert window_seconds(2, 3600, 30, 2.0) == 10890
    assert lines(retried("10890s"), "the window holds all attempts") == []


def test_behind_an_uncached_task_artifacts_are_new_and_parameters_are_not(compiled: Compiled) -> None:
    @dsl.pipeline(name="artifacts")
    def artifacts():
        take(data=make().set_caching_options(False).outputs["data"])

    @dsl.pipeline(name="parameters")
    def parameters():
        say(text=say(text="a").set_caching_options(False).output)

    rule = "behind an uncached task nothing is a hit"
    assert "take: caching is on and never hits: it takes artifacts of make" in lines(compiled(artifacts), rule)[0]
    assert lines(compiled(parameters), rule) == []


def test_an_artifact_that_went_through_a_loop_is_followed_to_its_maker(compiled: Compiled) -> None:
    @dsl.pipeline(name="through")
    def through():
        made = make().set_caching_options(False)
        with dsl.ParallelFor(items=["a", "b"]):
            take(data=made.outputs["data"])

    assert len(lines(compiled(through), "behind an uncached task nothing is a hit")) == 1


def test_a_tag_may_be_moved_and_a_digest_may_not(compiled: Compiled) -> None:
    @dsl.pipeline(name="pinned")
    def pinned():
        say_pinned(text="a")

    rule = "a moved tag is a stale hit"
    assert "pin it: example/python@sha256:…" in lines(one(compiled, lambda task: None), rule)[0]
    assert lines(compiled(pinned), rule) == []


@pytest.fixture
def loop(compiled: Compiled):
    @dsl.pipeline(name="loop")
    def loop(texts: list):
        with dsl.ParallelFor(items=texts) as text:
            kept = result(text=text)
        collect(kept=dsl.Collected(kept.outputs["kept"]))

    return compiled(loop)


def test_a_workflow_that_etcd_does_not_take(loop) -> None:
    def said(count: int) -> list[str]:
        return lines(
            loop, "a workflow fits into etcd", Assumptions({"texts": [str(number) for number in range(count)]})
        )

    assert "compressed and may have 1,048,576; fewer, longer iterations of for-loop-1 (400 now)" in said(400)[0]
    assert said(20) == []


def test_a_collection_that_is_too_long_for_one_argument(loop) -> None:
    def said(count: int) -> list[str]:
        return lines(
            loop, "what a pod is handed is one argument", Assumptions({"texts": ["a"] * count}, metadata_bytes=600)
        )

    assert said(150)[0].startswith("collect: is handed ")
    assert "may be 131,072" in said(150)[0]
    assert said(50) == []


def test_groups_without_a_name(loop) -> None:
    assert "for-loop-1: a name that says nothing" in lines(loop, "groups are called by their keys")[0]


def test_layers_are_counted_as_they_are_opened(compiled: Compiled, loop) -> None:
    @dsl.pipeline(name="inner")
    def inner():
        with dsl.ParallelFor(items=["a"]) as text:
            say(text=text)

    @dsl.pipeline(name="outer")
    def outer():
        with dsl.ExitHandler(say(text="bye")):
            inner()

    rule = "every group is a layer"
    assert lines(compiled(outer), rule) == [
        "exit-handler-1/inner/for-loop-2/say: lies 5 layers deep; fewer groups around loops"
    ]
    assert lines(loop, rule) == []


@pytest.mark.parametrize(("claim", "fine"), [("soccer.net", False), ("x" * 64, False), ("soccernet", True)])
def test_names_of_claims_become_names_of_volumes(compiled: Compiled, claim: str, fine: bool) -> None:
    document = one(compiled, lambda task: kubernetes.mount_pvc(task, claim, "/data"))
    assert (lines(document, "a claim's name becomes a volume's") == []) == fine


def test_pages_in_a_loop_are_the_last_iterations(compiled: Compiled) -> None:
    @dsl.pipeline(name="looped")
    def looped():
        with dsl.ParallelFor(items=["a", "b"]) as text:
            show(text=text)

    @dsl.pipeline(name="plain")
    def plain():
        show(text="a")

    assert (
        "show: page: of all iterations the graph shows" in lines(compiled(looped), "pages in a loop")[0].split("/")[1]
    )
    assert lines(compiled(plain), "pages in a loop") == []


def test_an_exit_handler_hears_no_reason(compiled: Compiled) -> None:
    @dsl.pipeline(name="handled")
    def handled():
        with dsl.ExitHandler(speak()):
            say(text="a")

    assert lines(compiled(handled), "an exit handler is told little")[0].startswith(
        "speak: is told a state and never why"
    )


def test_credentials_in_the_environment_are_the_launchers(compiled: Compiled) -> None:
    rule = "a container's variables are the launcher's"

    def secret(variable: str):
        return one(compiled, lambda task: kubernetes.use_secret_as_env(task, "storage", {"key": variable}))

    assert lines(secret("AWS_ACCESS_KEY_ID"), rule)[0].startswith("say: AWS_ACCESS_KEY_ID: the launcher may upload")
    assert lines(secret("DATA_ACCESS_KEY_ID"), rule) == []
    assert lines(one(compiled, lambda task: task.set_env_variable("AWS_ENDPOINT_URL", "x")), rule)
