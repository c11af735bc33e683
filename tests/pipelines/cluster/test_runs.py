"""What became of a run: its tasks with their reasons, from Kubeflow where it knows them, else from the pods."""

import base64
import gzip
import json

import pytest

from pipelines.__main__ import main
from pipelines.cluster.api import Gone, Kubeflow
from pipelines.cluster.runs import RunState, status, wait
from pipelines.cluster.submitting import Order, submit
from rmsnet.errors import CheckFailed, UserError
from tests.pipelines.cluster.conftest import START, pod, task

NOT_YET = "0001-01-01T00:00:00Z"

IDENTIFY, VALIDATE = "identify-data(0).executor(0)", "validate-data(0).executor(0)"
EXTRACT = "extract-features(0).executor(0)"
TRAIN = "train-variants(0).iteration-iterations({0}:{0})(0).iteration-item(0).train(0).executor({1})"


def the_run(host: str) -> RunState:
    return status(Kubeflow(host), "run-0")


def test_a_run_that_ends_well_is_told_of_task_by_task(kubeflow, order: Order) -> None:
    state, host = kubeflow
    done = task("identify-data", "SUCCEEDED")
    hit = task("validate-data", "SUCCEEDED", START, START)
    state.tasks = [[], [done], [done, hit, task("train-variants", "SUCCEEDED"), task("root-driver", "SUCCEEDED")]]
    lines: list[str] = []
    run = wait(Kubeflow(host), submit(Kubeflow(host), order), 10, lines.append)
    assert run.state == "SUCCEEDED"
    assert lines == ["identify-data: succeeded after 30 s", "validate-data: cached"]


def test_a_run_that_somebody_has_stopped_says_so(kubeflow) -> None:
    """Kubeflow calls it failed."""
    state, host = kubeflow
    state.states, state.past = ["FAILED"], ("RUNNING", "CANCELING", "FAILED")
    assert the_run(host).reason == "it was stopped"


@pytest.mark.parametrize("compressed", [False, True])
def test_a_run_whose_pods_kubernetes_refuses_says_why(kubeflow, kubernetes, order: Order, compressed: bool) -> None:
    """Kubeflow's API says that it failed and no more."""
    state, host = kubeflow
    state.states = ["FAILED"]
    refused = 'pods "rmsnet-x" is forbidden: exceeded quota: small'
    nodes = {"a": {"type": "DAG", "phase": "Error", "message": "x"}, "b": {"type": "Pod", "phase": "Error"}}
    nodes["b"]["message"] = refused
    packed = base64.b64encode(gzip.compress(json.dumps(nodes).encode())).decode()
    status = {"compressedNodes": packed} if compressed else {"nodes": nodes}
    kubernetes.things["/apis/argoproj.io/v1alpha1/namespaces/kubeflow/workflows"] = {"items": [{"status": status}]}
    with pytest.raises(CheckFailed, match=refused):
        wait(Kubeflow(host), submit(Kubeflow(host), order), 10)


def test_a_task_that_waits_for_room_in_a_quota_says_so(kubeflow, kubernetes) -> None:
    state, host = kubeflow
    state.states, state.tasks = ["RUNNING"], [[task("validate-data", "RUNNING")]]
    refused = 'pods "x" is forbidden: exceeded quota: small, requested: requests.memory=2112Mi'
    nodes = {"a": {"type": "Pod", "phase": "Pending", "message": refused}}
    place = "/apis/argoproj.io/v1alpha1/namespaces/kubeflow/workflows"
    kubernetes.things[place] = {"items": [{"status": {"nodes": nodes}}]}
    assert the_run(host).tasks[0].reason == refused
    nodes["a"]["message"] = "PodInitializing"
    assert the_run(host).tasks[0].reason == ""


@pytest.mark.parametrize(("deadline", "reason"), [(30, "the run's deadline, 0.5 minutes, was over"), (60, "")])
def test_a_run_that_took_as_long_as_it_may_says_so(kubeflow, deadline: int, reason: str) -> None:
    """Kubeflow's API says that a task failed, and its pod is gone."""
    state, host = kubeflow
    state.states, state.tasks = ["FAILED"], [[task("collect-features", "FAILED")]]
    platform = {"platforms": {"kubernetes": {"pipelineConfig": {"activeDeadlineSeconds": deadline}}}}
    tasks = {"dag": {"tasks": {"collect-features": {"componentRef": {"name": "comp-collect"}}}}}
    spec = {
        "root": tasks,
        "components": {"comp-collect": {"executorLabel": "exec"}},
        "deploymentSpec": {"executors": {"exec": {"container": {}}}},
    }
    state.pipeline_spec = {"pipeline_spec": spec, "platform_spec": platform}
    (found,) = the_run(host).tasks
    assert (found.state, found.reason) == ("FAILED", reason)


def test_a_run_that_fails_names_the_task_and_its_last_words(kubeflow, kubernetes, order: Order) -> None:
    state, host = kubeflow
    state.states = ["FAILED"]
    # So the API says of a task that has failed, when the run has.
    state.tasks = [
        [
            task("identify-data", "SUCCEEDED"),
            task("executor", "SUCCEEDED", pods=(IDENTIFY,)),
            task("validate-data", "RUNNING"),
            task("executor", "RUNNING", pods=(VALIDATE,)),
            task("register-model", "PENDING", START, START),  # never begun, and no fault of its own
        ]
    ]
    ended = [{"name": "main", "state": {"terminated": {"exitCode": 2, "reason": "Error", "message": "Error (exit 2)"}}}]
    kubernetes.pods = [
        pod(IDENTIFY, "Succeeded"),
        pod(VALIDATE, "Failed", containerStatuses=ended),
        pod("validate-data-driver(0)", "Succeeded"),
    ]
    name = kubernetes.pods[1]["metadata"]["name"]
    kubernetes.logs[name] = (
        "I1127 13:00:00 launcher.go:1] x\nvalidate_data: bad input: /data: no such folder\nError: exit status 2"
    )
    with pytest.raises(CheckFailed) as refusal:
        wait(Kubeflow(host), submit(Kubeflow(host), order), 10)
    assert str(refusal.value) == (
        "run run-0 failed: validate-data failed (validate_data: bad input: /data: no such folder); "
        f"see {host}/#/runs/details/run-0"
    )


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (
            {
                "containerStatuses": [
                    {"name": "main", "state": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}}
                ]
            },
            "OOMKilled: it took more memory than its limit (main)",
        ),
        ({"reason": "Evicted", "message": "The node was low on\nresource"}, "Evicted: The node was low on resource"),
        (
            {
                "conditions": [
                    {"type": "PodScheduled", "status": "False", "message": "0/1 nodes: 1 Insufficient nvidia.com/gpu"}
                ]
            },
            "cannot be scheduled: 0/1 nodes: 1 Insufficient nvidia.com/gpu",
        ),
        (
            {
                "containerStatuses": [
                    {"name": "main", "state": {"waiting": {"reason": "ImagePullBackOff", "message": "not found"}}}
                ]
            },
            "ImagePullBackOff: not found",
        ),
        ({"reason": "DeadlineExceeded", "message": "Pod was active too long"}, "DeadlineExceeded: Pod was active too"),
    ],
)
def test_why_a_pod_does_not_do_what_it_should(kubeflow, kubernetes, status: dict, reason: str) -> None:
    state, host = kubeflow
    state.states = ["RUNNING"]
    state.tasks = [
        [task("extract-features", "RUNNING", end=NOT_YET), task("executor", "PENDING", NOT_YET, NOT_YET, (EXTRACT,))]
    ]
    kubernetes.pods = [pod(EXTRACT, "Pending", **status)]
    (found,) = the_run(host).tasks
    assert found.reason.startswith(reason)


def test_iterations_are_told_apart_and_attempts_counted(kubeflow, kubernetes) -> None:
    state, host = kubeflow
    state.states = ["RUNNING"]
    first, second = TRAIN.format(0, 0), (TRAIN.format(1, 0), TRAIN.format(1, 1))
    state.tasks = [
        [
            task("train", "SUCCEEDED"),
            task("train", "RUNNING", end=NOT_YET),
            task("executor", "SUCCEEDED", pods=second),
            task("executor", "RUNNING", end=NOT_YET, pods=(first,)),
        ]
    ]
    kubernetes.pods = [
        pod(TRAIN.format(0, 0), "Running"),
        pod(TRAIN.format(1, 0), "Failed", reason="Evicted"),
        pod(TRAIN.format(1, 1), "Succeeded"),
    ]
    found = {item.shown: (item.state, item.attempts) for item in the_run(host).tasks}
    assert found == {"train 1": ("RUNNING", 1), "train 2": ("SUCCEEDED", 2)}


def test_of_a_large_run_the_pods_know_what_the_api_has_never_heard(kubeflow, kubernetes) -> None:
    """Argo compresses a workflow above 1 MB, which Kubeflow does not read: its tasks stay what they were then."""
    state, host = kubeflow
    first = TRAIN.format(0, 0)
    state.states = ["FAILED"]
    state.tasks = [
        [
            task("extract-features", "SUCCEEDED"),
            task("train", "RUNNING", end=NOT_YET),
            task("executor", "RUNNING", end=NOT_YET, pods=(first,)),
        ]
    ]
    kubernetes.pods = [
        pod(first, "Succeeded"),
        pod(TRAIN.format(1, 0), "Failed", reason="Evicted"),
        pod(TRAIN.format(2, 0), "Failed", reason="DeadlineExceeded"),
    ]
    found = [(item.shown, item.state, item.reason) for item in the_run(host).tasks]
    assert found == [
        ("extract-features", "SUCCEEDED", ""),
        ("train 1", "SUCCEEDED", ""),
        ("train 2", "FAILED", "Evicted"),
        ("train 3", "FAILED", "DeadlineExceeded"),
    ]


def test_several_tasks_of_one_trouble_are_told_of_together(kubeflow) -> None:
    state, host = kubeflow
    state.states, state.tasks = (
        ["FAILED"],
        [[task("train", "FAILED"), task("train", "FAILED"), task("require", "FAILED")]],
    )
    assert the_run(host).objections == ["train, train, require failed"]


def test_without_kubernetes_there_is_less_and_it_is_true(kubeflow) -> None:
    state, host = kubeflow
    state.states, state.tasks = ["FAILED"], [[task("train", "FAILED"), task("register-model-driver", "FAILED")]]
    assert the_run(host).objections == [
        "train failed",
        "register-model failed (Kubeflow could not prepare it; see its driver's log)",
    ]


def test_a_run_that_does_not_end_says_what_it_waits_for(kubeflow, kubernetes, order: Order) -> None:
    state, host = kubeflow
    nodes = [
        task("train", "RUNNING", end=NOT_YET),
        task("executor", "RUNNING", end=NOT_YET, pods=(TRAIN.format(0, 0),)),
    ]
    state.states, state.tasks = ["RUNNING"], [nodes]
    gpu = [{"type": "PodScheduled", "status": "False", "message": "Insufficient nvidia.com/gpu"}]
    kubernetes.pods = [pod(TRAIN.format(0, 0), "Pending", conditions=gpu)]
    lines: list[str] = []
    with pytest.raises(
        UserError, match=r"goes on after 0 s \(RUNNING; train 1 running \(cannot be scheduled: Insufficient"
    ):
        wait(Kubeflow(host), submit(Kubeflow(host), order), 0.1, lines.append)
    assert lines[0].startswith("train 1: running after ")


def test_a_run_that_is_deleted_while_it_is_waited_for(kubeflow, order: Order) -> None:
    state, host = kubeflow
    run = submit(Kubeflow(host), order)
    state.deleted = True
    with pytest.raises(Gone, match="run run-0: is not there; was it deleted"):
        wait(Kubeflow(host), run, 10)


def test_status_is_a_table(kubeflow, kubernetes, capsys) -> None:
    state, host = kubeflow
    done = [task("identify-data", "SUCCEEDED"), task("executor", "SUCCEEDED", pods=(IDENTIFY,))]
    state.states, state.tasks = ["RUNNING"], [[*done, task("validate-data", "FAILED")]]
    kubernetes.pods = [pod(IDENTIFY, "Succeeded")]
    assert main(["status", "run-0", "--host", host]) == 0
    out = capsys.readouterr().out
    assert "train full: running" in out
    assert f"{host}/#/runs/details/run-0" in out
    assert [line.split() for line in out.splitlines() if "identify" in line] == [
        ["identify-data", "succeeded", "30", "1"]
    ]
    assert main(["status", "run-0", "--host", host, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["tasks"][1]["state"] == "FAILED"


def test_logs_are_what_the_component_said(kubeflow, kubernetes, capsys) -> None:
    state, host = kubeflow
    state.states, state.tasks = ["RUNNING"], [[task("train", "RUNNING", end=NOT_YET)]]
    kubernetes.pods = [pod(TRAIN.format(0, 0), "Running"), pod(TRAIN.format(1, 0), "Running")]
    for number, item in enumerate(kubernetes.pods, 1):
        kubernetes.logs[item["metadata"]["name"]] = f"time=x level=info\nepoch {number}/2\n"
    assert main(["logs", "run-0", "train 1", "--host", host]) == 0
    assert capsys.readouterr().out == "epoch 1/2\n"
    assert main(["logs", "run-0", "evaluate", "--host", host]) == 2
    assert "evaluate: no pod of it is left in the cluster; tasks: train" in capsys.readouterr().err


def test_logs_need_a_cluster_to_ask(kubeflow, capsys) -> None:
    assert main(["logs", "run-0", "train", "--host", kubeflow[1]]) == 2
    assert "no cluster to ask: set KUBECONFIG" in capsys.readouterr().err


def test_stop_takes_the_pods_away_that_would_start_later(kubeflow, kubernetes, capsys) -> None:
    _, host = kubeflow
    kubernetes.pods = [pod(VALIDATE, "Running"), pod("train(0).executor(0)", "Pending")]
    assert main(["stop", "run-0", "--host", host]) == 0
    assert kubernetes.deleted == [f"/api/v1/namespaces/kubeflow/pods/{kubernetes.pods[1]['metadata']['name']}"]
    assert "1 of its pods had not started and are taken away" in capsys.readouterr().out


def test_stop_without_kubernetes_says_what_stays(kubeflow, capsys) -> None:
    assert main(["stop", "run-0", "--host", kubeflow[1]]) == 0
    assert "its pods that have not started stay" in capsys.readouterr().out


def test_only_a_failed_run_is_gone_on_with(kubeflow, capsys) -> None:
    state, host = kubeflow
    state.states = ["SUCCEEDED"]
    assert main(["retry", "run-0", "--host", host]) == 2
    assert "only a run that has failed can be gone on with" in capsys.readouterr().err
    state.states = ["FAILED"]
    assert main(["retry", "run-0", "--host", host]) == 0
    assert ("POST", "/apis/v2beta1/runs/run-0:retry") in state.asked
