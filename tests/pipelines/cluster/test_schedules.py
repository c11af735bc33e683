"""Recurring runs: one schedule of each name, whatever is changed about it."""

import json

import pytest

from pipelines.__main__ import main
from pipelines.cluster.api import Kubeflow
from pipelines.cluster.schedules import listed, moment, put
from pipelines.cluster.submitting import Order
from rmsnet.errors import UserError


@pytest.mark.parametrize(
    ("cron", "every", "said"),
    [
        ("0 2 * * *", None, "0 0 2 * * *"),
        ("30 0 2 * * MON-FRI", None, "30 0 2 * * MON-FRI"),
        (None, "6h", "every 21600 s"),
        (None, "30m", "every 1800 s"),
    ],
)
def test_when_a_run_starts(cron: str | None, every: str | None, said: str) -> None:
    assert str(moment(cron, every)) == said


@pytest.mark.parametrize(
    ("cron", "every", "complaint"),
    [
        (None, None, "say when: --cron"),
        ("0 2 * * *", "6h", "say when: --cron"),
        ("0 2 * *", None, "write five fields as in a crontab"),
        ("0 2 * * ;", None, "write five fields as in a crontab"),
        (None, "6", "--every 6: write a number and m, h or d"),
        (None, "0h", "--every 0h: write a number"),
    ],
)
def test_a_moment_that_is_none(cron: str | None, every: str | None, complaint: str) -> None:
    with pytest.raises(UserError, match=complaint):
        moment(cron, every)


def test_a_schedule_shows_what_it_runs_and_catches_nothing_up(kubeflow, order: Order) -> None:
    state, host = kubeflow
    url = put(Kubeflow(host), order, "rmsnet-training", moment("0 2 * * *", None))
    (made,) = state.schedules.values()
    assert url == f"{host}/#/recurringrun/details/{made['recurring_run_id']}"
    assert made["display_name"] == "rmsnet-training"
    assert made["description"].endswith(
        f"version {next(iter(state.versions))}, commit abc, deployment cluster.yaml 123"
    )
    assert made["trigger"] == {"cron_schedule": {"cron": "0 0 2 * * *"}}
    assert (str(made["max_concurrency"]), made["no_catchup"], made["mode"]) == ("1", True, "ENABLE")
    assert made["runtime_config"]["parameters"] == {"source": "/data"}


def test_a_changed_schedule_takes_the_place_of_the_one_before(kubeflow, order: Order) -> None:
    state, host = kubeflow
    for every in ("6h", "1d"):
        put(Kubeflow(host), order, "nightly", moment(None, every))
    put(Kubeflow(host), order, "other", moment(None, "1d"))
    assert [(item.name, item.when) for item in listed(Kubeflow(host))] == [
        ("nightly", "every 86400 s"),
        ("other", "every 86400 s"),
    ]
    assert len(state.versions) == 1
    # The old one goes when the new one is there, so that no night is without.
    calls = [call for call in state.asked if "recurringruns" in call[1] and call[0] != "GET"]
    assert [method for method, _ in calls] == ["POST", "POST", "DELETE", "POST"]


def test_a_run_that_goes_on_outlives_the_change_of_its_schedule(kubeflow, order: Order) -> None:
    """Kubernetes deletes with a schedule what it has started."""
    state, host = kubeflow
    put(Kubeflow(host), order, "nightly", moment(None, "6h"))
    state.runs = [{"run_id": "run-1", "recurring_run_id": "schedule-0", "state": "RUNNING"}]
    put(Kubeflow(host), order, "nightly", moment(None, "1d"))
    assert [(item.when, item.on) for item in listed(Kubeflow(host))] == [
        ("every 21600 s", False),
        ("every 86400 s", True),
    ]
    state.runs[0]["state"] = "SUCCEEDED"
    put(Kubeflow(host), order, "nightly", moment(None, "1d"))
    assert [(item.when, item.on) for item in listed(Kubeflow(host))] == [("every 86400 s", True)]


def test_a_list_says_what_became_of_the_newest_run(kubeflow, order: Order) -> None:
    state, host = kubeflow
    put(Kubeflow(host), order, "nightly", moment(None, "6h"))
    state.runs = [
        {"run_id": "run-1", "recurring_run_id": "schedule-0", "state": "FAILED"},
        {"run_id": "run-0", "recurring_run_id": "schedule-0", "state": "SUCCEEDED"},
    ]
    (found,) = listed(Kubeflow(host))
    assert (found.on, found.last) == (True, "FAILED")


def test_the_command_makes_pauses_resumes_and_deletes(kubeflow, capsys) -> None:
    state, host = kubeflow
    assert main(["schedule", "training", "--cron", "0 2 * * *", "--host", host, "source=/data"]) == 0
    assert "schedule rmsnet-training (0 0 2 * * *): " in capsys.readouterr().out
    for what, on in (("pause", False), ("resume", True)):
        assert main(["schedule", what, "rmsnet-training", "--host", host]) == 0
        assert capsys.readouterr().out == f"schedule rmsnet-training: {what}d\n"
        assert main(["schedule", "list", "--host", host, "--json"]) == 0
        assert [item["on"] for item in json.loads(capsys.readouterr().out)] == [on]
    assert main(["schedule", "list", "--host", host]) == 0
    assert "rmsnet-training" in capsys.readouterr().out
    assert main(["schedule", "delete", "rmsnet-training", "--host", host]) == 0
    assert state.schedules == {}


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["pause", "nightly"], "schedule nightly: there is none; there are: none"),
        (["pause"], "schedule pause: name one schedule"),
        (["training", "source=/data"], "say when: --cron"),
        (["training", "source=/data", "--every", "6h", "--at-once", "0"], "--at-once 0: at least one run is needed"),
        (["training", "--every", "6h"], "parameter source: is missing"),
    ],
)
def test_bad_input_makes_nothing(kubeflow, arguments: list[str], complaint: str, capsys) -> None:
    state, host = kubeflow
    assert main(["schedule", *arguments, "--host", host]) == 2
    error = capsys.readouterr().err
    assert complaint in error
    assert error.count("\n") == 1
    assert not state.schedules
    assert not state.pipelines
