"""The local runner: its silences are errors here."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from kfp import compiler, dsl

from pipelines.local import run_locally
from rmsnet.errors import CheckFailed, UserError


@dsl.component(base_image="python:3.11", install_kfp_package=False)
def say(text: str) -> str:
    print(text)
    return text


@dsl.component(base_image="python:3.11", install_kfp_package=False)
def join(one: str, two: str):
    print(one, two)


@dsl.component(base_image="python:3.11", install_kfp_package=False)
def refuse():
    print("no, because")
    raise SystemExit(1)


@dsl.component(base_image="python:3.11", install_kfp_package=False)
def judge() -> NamedTuple("Judgement", [("fine", bool)]):
    return (True,)


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., list]:
    def run(pipeline, **arguments):
        compiler.Compiler().compile(pipeline, str(tmp_path / "pipeline.yaml"))
        return run_locally(tmp_path / "pipeline.yaml", arguments, tmp_path / "out")

    return run


def test_tasks_run_in_order_with_their_log_and_time(run, capsys) -> None:
    @dsl.pipeline(name="two")
    def two(text: str):
        say(text=say(text=text).output)

    tasks = run(two, text="hello")
    assert [(task.name, task.succeeded, task.lines) for task in tasks] == [
        ("say", True, ["hello"]),
        ("say-2", True, ["hello"]),
    ]
    assert all(task.seconds > 0 for task in tasks)
    assert "say-2                | hello\n" in capsys.readouterr().out


def test_loops_run_side_by_side(run) -> None:
    @dsl.pipeline(name="loop")
    def loop(texts: list):
        with dsl.ParallelFor(items=texts) as text:
            say(text=text)

    tasks = run(loop, texts=["a", "b", "c"])
    assert sorted(line for task in tasks for line in task.lines) == ["a", "b", "c"]


def test_a_failed_task_fails_the_run_and_its_followers_do_not_start(run) -> None:
    @dsl.pipeline(name="failing")
    def failing():
        say(text="after").after(refuse())

    with pytest.raises(CheckFailed, match=r"task refuse failed \(no, because\); what its tasks left is in .*out"):
        run(failing)


def test_a_branch_that_the_runner_cannot_judge_is_an_error_and_no_success(run) -> None:
    @dsl.pipeline(name="branch")
    def branch():
        with dsl.If(judge().outputs["fine"] == True):  # noqa: E712  # an expression of Kubeflow's
            say(text="fine")

    with pytest.raises(CheckFailed, match="went astray and called it success: Could not resolve"):
        run(branch)


def test_a_compared_text_with_a_quote_in_it_is_an_error_and_no_success(run) -> None:
    @dsl.pipeline(name="quote")
    def quote(text: str):
        with dsl.If(say(text=text).output == "x"):
            say(text="branch")

    with pytest.raises(CheckFailed, match="went astray"):
        run(quote, text="it's")


def test_a_loop_over_nothing_is_an_error_and_no_success(run) -> None:
    @dsl.pipeline(name="nothing")
    def nothing(texts: list):
        with dsl.ParallelFor(items=texts) as text:
            say(text=text)

    with pytest.raises(CheckFailed, match="ended without running say"):
        run(nothing, texts=[])


def test_without_an_engine_docker_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no.sock")
    with pytest.raises(UserError, match="no Docker-compatible engine answers"):
        run_locally(tmp_path / "pipeline.yaml", {}, tmp_path / "out", docker=True)


def test_an_iteration_is_given_what_a_task_before_the_loop_has_returned(run) -> None:
    @dsl.pipeline(name="given")
    def given(texts: list):
        before = say(text="from before")
        with dsl.ParallelFor(items=texts) as text:
            join(one=before.output, two=text)

    tasks = run(given, texts=["a", "b"])
    assert sorted(line for task in tasks for line in task.lines) == ["from before", "from before a", "from before b"]
