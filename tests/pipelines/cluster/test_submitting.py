"""Submission to a cluster: one version of a pipeline, one run, and one line for whatever stands against it."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from pipelines.__main__ import main
from pipelines.cluster.api import Kubeflow
from pipelines.cluster.submitting import Order, run_name, submit
from pipelines.compiling import compile_pipeline
from pipelines.deployment import Deployment
from rmsnet.errors import UserError


def test_a_run_says_what_it_does_and_where_it_comes_from(kubeflow, order: Order) -> None:
    state, host = kubeflow
    run = submit(Kubeflow(host, token="secret"), replace(order, service_account="rmsnet-runner", plugin=False))
    assert run.url == f"{host}/#/runs/details/run-0"
    (sent,) = state.runs
    assert sent["display_name"] == "train full"
    assert sent["runtime_config"]["parameters"] == {"source": "/data"}
    assert sent["service_account"] == "rmsnet-runner"
    assert sent["pipeline_version_reference"] == {
        "pipeline_id": "pipeline-0",
        "pipeline_version_id": "pipeline_version-0",
    }
    assert sent["plugins_input"] == {"mlflow": {"disabled": True}}
    assert state.token == "Bearer secret"
    assert json.loads(state.uploads[0]["tags"]) == {"commit": "abc", "deployment": "cluster.yaml 123"}


def test_the_first_submission_makes_one_version_the_same_yaml_none_and_another_another(kubeflow, order: Order) -> None:
    state, host = kubeflow
    first, again = (submit(Kubeflow(host), order) for _ in range(2))
    assert first.version == again.version
    assert list(state.versions) == [first.version]
    other = replace(order, text=compile_pipeline("training", Deployment(extract_shards=3), {}))
    assert submit(Kubeflow(host), other).version != first.version
    assert len(state.pipelines) == 1
    assert len(state.versions) == 2


def test_of_two_submissions_at_once_the_second_takes_what_the_first_has_made(kubeflow, order: Order) -> None:
    state, host = kubeflow
    version = submit(Kubeflow(host), order).version
    for names in (state.pipelines, state.versions, state.experiments):
        names.clear()
    state.late = {"rmsnet-training", version, "rmsnet"}
    assert submit(Kubeflow(host), order).version == version
    assert len(state.runs) == 2


def test_an_api_that_comes_up_late_is_waited_for(kubeflow, order: Order) -> None:
    state, host = kubeflow
    state.failures = 2
    assert submit(Kubeflow(host), order).run_id == "run-0"


def test_an_api_that_stays_away_is_one_line(kubeflow, order: Order) -> None:
    state, host = kubeflow
    state.failures = 1000
    with pytest.raises(UserError, match=rf"Kubeflow at {host} does not answer, asked 4 times"):
        submit(Kubeflow(host), order)
    assert state.runs == []


def test_nobody_at_the_address(kubeflow, order: Order) -> None:
    with pytest.raises(UserError, match=r"does not answer, asked 4 times \(\[Errno 111\] Connection refused\)"):
        submit(Kubeflow("http://127.0.0.1:1"), order)


@pytest.mark.parametrize(
    ("behaviour", "namespace", "complaint"),
    [
        ({"version": "1.8.5"}, "", "no Kubeflow Pipelines 2 answers there; these pipelines are compiled for 2.17"),
        ({"version": "2.4.1"}, "", "is Kubeflow Pipelines 2.4.1; these pipelines are compiled for 2.17 and newer"),
        ({"expired": True}, "", "refuses: 401 no token, or one that has expired or may not do this"),
        ({"multi_user": True}, "", "has a namespace for each user; name yours with --namespace"),
        ({}, "team", "has one user and no namespaces; leave --namespace out"),
        (
            {"multi_user": True, "foreign": "them"},
            "them",
            r"refuses: 403 may not .{99,200} …; is namespace them yours\?$",
        ),
    ],
)
def test_a_kubeflow_that_is_not_what_it_is_taken_for(kubeflow, order: Order, behaviour, namespace, complaint) -> None:
    state, host = kubeflow
    for name, value in behaviour.items():
        setattr(state, name, value)
    with pytest.raises(UserError, match=complaint):
        submit(Kubeflow(host, namespace), order)
    assert not state.pipelines
    assert not state.runs


def test_the_namespace_of_a_user_is_that_of_everything_that_is_made(kubeflow, order: Order) -> None:
    state, host = kubeflow
    state.multi_user = True
    assert submit(Kubeflow(host, "team"), order).run_id == "run-0"


def test_names_that_are_too_long(order: Order) -> None:
    with pytest.raises(UserError, match=r"--experiment x{30}…: 300 characters; Kubeflow takes 128"):
        replace(order, experiment="x" * 300)
    assert len(run_name("train " + "x" * 300, "/data/soccer.net/" + "y" * 300)) == 128
    assert run_name("train full", "s3://data/soccer.net/", "v1").startswith("train full on soccer.net@v1, ")


def test_without_a_ui_at_the_address_the_page_is_where_the_ui_is_said_to_be(kubeflow, order: Order) -> None:
    state, host = kubeflow
    state.has_ui = False
    assert "name the UI's address with --ui" in submit(Kubeflow(host), order).url
    assert submit(Kubeflow(host, ui="https://kubeflow.example/"), order).url == (
        "https://kubeflow.example/#/runs/details/run-0"
    )


def test_the_command_prints_where_to_look(kubeflow, capsys) -> None:
    state, host = kubeflow
    assert main(["submit", "training", "--host", host, "source=/data", "--wait", "1", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["url"] == f"{host}/#/runs/details/run-0"
    assert answer["state"] == "SUCCEEDED"
    assert state.runs[0]["display_name"].startswith("train all variants on data, ")
    assert state.runs[0]["runtime_config"]["parameters"] == {"source": "/data"}


def test_without_cache_nothing_that_is_sent_is_cached(kubeflow, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = []
    monkeypatch.setattr("pipelines.cluster.submitting.submit", lambda kubeflow, order: sent.append(order) or 1 / 0)
    with pytest.raises(ZeroDivisionError):
        main(["submit", "training", "source=/data", "--host", kubeflow[1], "--no-cache"])
    options = [task.get("cachingOptions", {}) for task in _tasks(next(yaml.safe_load_all(sent[0].text)))]
    assert options
    assert not any(option.get("enableCache") for option in options)


def _tasks(spec):
    groups = [spec["root"], *spec["components"].values()]
    return [task for group in groups for task in group.get("dag", {}).get("tasks", {}).values()]


def test_a_tag_may_move_and_that_is_said(kubeflow, tmp_path: Path, capsys) -> None:
    _, host = kubeflow
    assert main(["submit", "training", "source=/data", "--host", host]) == 0
    assert "warning: rmsnet:0.1.0 may be moved to another content" in capsys.readouterr().err
    (tmp_path / "pinned.yaml").write_text(f"image: registry.example/rmsnet@sha256:{'0' * 64}")
    assert main(["submit", "training", "source=/data", "--host", host, "--deployment", "pinned.yaml"]) == 0
    assert "warning" not in capsys.readouterr().err


def test_a_study_that_nobody_knows_is_found_before_anything_is_sent(kubeflow, capsys) -> None:
    state, host = kubeflow
    assert main(["submit", "ablation", "source=/data", "study=table9", "--host", host]) == 2
    assert "table9" in capsys.readouterr().err
    assert state.asked == []


def test_a_token_file_of_a_pod_is_used(kubeflow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state, host = kubeflow
    (tmp_path / "token").write_text("from-the-kubelet\n")
    monkeypatch.setenv("KF_PIPELINES_SA_TOKEN_PATH", str(tmp_path / "token"))
    assert main(["submit", "training", "source=/data", "--host", host]) == 0
    assert state.token == "Bearer from-the-kubelet"
