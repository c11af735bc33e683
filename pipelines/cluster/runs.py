"""What became of a run: its tasks with state, time and reason; waiting for it, stopping it, going on with it."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from pipelines.cluster.api import Gone, Kubeflow
from pipelines.cluster.pods import Pod, by_task, kubernetes, last_words, pods_of
from pipelines.cluster.submitting import Submitted
from rmsnet.errors import CheckFailed, UserError

POLL_SECONDS = 5.0

FINISHED = ("SUCCEEDED", "FAILED", "SKIPPED", "CANCELED")
BAD = ("FAILED", "CANCELED")

STUCK_SECONDS = 120.0
"""A pod that waits for a node or an image longer than this is told of while a run is waited for."""


@dataclass(frozen=True)
class TaskState:
    """A task of a run, or one iteration of it.

    Attributes:
        key: of the task.
        name: what the graph calls it.
        iteration: of the loop around it; None: there is none, or nobody can tell.
        state: as Kubeflow calls it; "CACHED" when it was taken from an earlier run.
        seconds: from its start to its end, or until now; None: it has not started.
        attempts: pods that were started for it; None: nobody can tell.
        reason: why it is not as it should be, "" when it is.
    """

    key: str
    name: str
    iteration: int | None
    state: str
    seconds: float | None
    attempts: int | None
    reason: str = ""

    @property
    def shown(self) -> str:
        return self.key if self.iteration is None else f"{self.key} {self.iteration + 1}"


@dataclass(frozen=True)
class RunState:
    """A run as it is now.

    Attributes:
        run_id, name, state, url: of the run.
        tasks: in the order in which they started.
    """

    run_id: str
    name: str
    state: str
    url: str
    tasks: tuple[TaskState, ...]

    @property
    def finished(self) -> bool:
        return self.state in FINISHED

    @property
    def objections(self) -> list[str]:
        """Which tasks are not as they should be, and why."""
        return [
            f"{task.shown} {task.state.lower()}{f' ({task.reason})' if task.reason else ''}"
            for task in self.tasks
            if task.state in BAD or task.reason
        ]


def status(kubeflow: Kubeflow, run_id: str) -> RunState:
    """A run and its tasks.

    Raises:
        Gone: there is no such run, or none any more.
        UserError: the API is away or refuses.
    """
    client = kubeflow.client
    try:
        run = kubeflow.ask(lambda: client._run_api.run_service_get_run(run_id))
    except Gone:
        raise Gone(f"run {run_id}: is not there; was it deleted?") from None
    core = kubernetes()
    pods = pods_of(core, run_id, kubeflow.namespace)
    tasks = _tasks(kubeflow, run)
    if pods is not None:
        tasks = _with_pods(tasks, pods, lambda pod: last_words(core, pod))
    return RunState(run_id, run.display_name, str(run.state), kubeflow.page("runs", run_id), tuple(tasks))


def _tasks(kubeflow: Kubeflow, run: Any) -> list[TaskState]:
    """The tasks that run containers, as Kubeflow's API knows them: it gives no order, and iterations no number."""
    names = _names(kubeflow, run)
    details = run.run_details.task_details if run.run_details else None
    states = []
    for detail in details or ():
        shown = detail.display_name or ""
        if shown in names:
            seconds = _seconds(detail.start_time, detail.end_time)
            # The container's template of a hit is there and has nothing to do.
            hit = detail.state == "SUCCEEDED" and seconds is not None and seconds < 1
            state = "CACHED" if hit else str(detail.state)
            begun = detail.start_time or datetime.max
            states.append((str(begun), TaskState(shown, names[shown], None, state, seconds, None)))
        elif shown.removesuffix("-driver") in names and detail.state in BAD:
            key = shown.removesuffix("-driver")
            reason = "Kubeflow could not prepare it; see its driver's log"
            states.append((str(detail.start_time), TaskState(key, names[key], None, "FAILED", None, None, reason)))
    return [state for _, state in sorted(states, key=lambda pair: pair[0])]


def _names(kubeflow: Kubeflow, run: Any) -> Mapping[str, str]:
    """Keys and names of the tasks of a run's pipeline that run containers."""
    from pipelines.backend.document import Document

    spec = run.pipeline_spec
    if not spec and run.pipeline_version_reference:
        reference = run.pipeline_version_reference
        api = kubeflow.client._pipelines_api
        spec = kubeflow.ask(
            lambda: api.pipeline_service_get_pipeline_version(reference.pipeline_id, reference.pipeline_version_id)
        ).pipeline_spec
    spec = (spec or {}).get("pipeline_spec", spec) or {}
    if "root" not in spec:
        return {}
    return {task.key: task.name for task in Document(spec, {}).container_tasks}


def _seconds(start: datetime | None, end: datetime | None) -> float | None:
    if start is None or start.year < 2000:
        return None
    if end is None or end.year < 2000:
        end = datetime.now(start.tzinfo)
    return (end - start).total_seconds()


def _with_pods(tasks: list[TaskState], pods: list[Pod], words: Callable[[Pod], list[str]]) -> list[TaskState]:
    """What Kubernetes adds: the iteration, how many attempts there were, and why one does not end well."""
    last = by_task(pods)
    found = []
    waiting = {key: [pod for pod in last.values() if pod.task == key] for key in {pod.task for pod in pods}}
    for task in tasks:
        of_task = waiting.get(task.key, [])
        match = next((pod for pod in of_task if _agrees(pod, task)), None)
        if match is None:
            found.append(task)
            continue
        of_task.remove(match)
        attempts = len([pod for pod in pods if (pod.task, pod.iteration) == (match.task, match.iteration)])
        reason = task.reason or match.trouble
        if match.trouble.startswith("ended with status"):
            said = words(match)
            reason = said[-1] if said else match.trouble
        if task.state == "SUCCEEDED":
            reason = ""
        found.append(replace(task, iteration=match.iteration, attempts=attempts, reason=reason))
    return found


def _agrees(pod: Pod, task: TaskState) -> bool:
    """Whether a pod may be that of a task: the API does not number iterations, so that state is all there is."""
    if task.state == "CACHED":
        return False
    return (pod.phase == "Succeeded") == (task.state == "SUCCEEDED")


def wait(
    kubeflow: Kubeflow, run: Submitted, timeout_seconds: float, tell: Callable[[str], None] = lambda line: None
) -> Submitted:
    """Wait until a run ends.

    Args:
        kubeflow: where it runs.
        run: of `submit`.
        timeout_seconds: at most so long.
        tell: is given a line when a task ends, and when one cannot begin.

    Raises:
        CheckFailed: it did not succeed; the message says which tasks, and why.
        UserError: it goes on after the time is up, was deleted, or the API is away.
    """
    until = time.monotonic() + timeout_seconds
    told: set[str] = set()
    while True:
        found = status(kubeflow, run.run_id)
        for line in _news(found.tasks, told):
            tell(line)
        if found.finished:
            break
        if time.monotonic() > until:
            waiting = f"; {'; '.join(found.objections)}" if found.objections else ""
            raise UserError(
                f"run {run.run_id} goes on after {timeout_seconds:.0f} s ({found.state}{waiting}): {run.url}"
            )
        time.sleep(POLL_SECONDS)
    if found.state != "SUCCEEDED":
        why = f": {'; '.join(found.objections)}" if found.objections else ""
        raise CheckFailed(f"run {run.run_id} {found.state.lower()}{why}; see {run.url}")
    return replace(run, state=found.state)


def _news(tasks: Iterable[TaskState], told: set[str]) -> Iterable[str]:
    for number, task in enumerate(tasks):
        key = f"{number} {task.key} {task.state}"
        ended = task.state in (*FINISHED, "CACHED")
        stuck = task.reason and (task.seconds or 0) > STUCK_SECONDS
        if (ended or stuck) and key not in told:
            told.add(key)
            spent = "" if task.seconds is None or task.state == "CACHED" else f" after {task.seconds:.0f} s"
            yield f"{task.shown}: {task.state.lower()}{spent}{f', {task.reason}' if task.reason else ''}"


def stop(kubeflow: Kubeflow, run_id: str) -> int:
    """End a run, and take away its pods that have not started: Kubeflow leaves them, and they would start later.

    Returns:
        How many pods were taken away; -1 where nobody may.
    """
    from kubernetes.client import ApiException

    client = kubeflow.client
    kubeflow.ask(lambda: client._run_api.run_service_terminate_run(run_id))
    core = kubernetes()
    pods = pods_of(core, run_id, kubeflow.namespace)
    if pods is None:
        return -1
    waiting = [pod for pod in pods if pod.phase == "Pending"]
    for pod in waiting:
        try:
            core.delete_namespaced_pod(pod.name, pod.namespace)
        except ApiException as error:
            if error.status != 404:
                raise UserError(f"pod {pod.name}: {error.status} {error.reason}; delete it by hand") from None
    return len(waiting)


def retry(kubeflow: Kubeflow, run_id: str) -> Submitted:
    """Go on with a failed run where it stopped: what has succeeded is not done again.

    Raises:
        UserError: it has not failed, or the API refuses.
    """
    found = status(kubeflow, run_id)
    if found.state not in BAD:
        raise UserError(f"run {run_id} {found.state.lower()}; only a run that has failed can be gone on with")
    client = kubeflow.client
    kubeflow.ask(lambda: client._run_api.run_service_retry_run(run_id), attempts=1)
    return Submitted(run_id, found.url, "", "PENDING")


def logs(kubeflow: Kubeflow, run_id: str, task: str) -> str:
    """The log of a task's last attempt.

    Raises:
        UserError: no such task, its pods are gone, or nobody may read them.
    """
    core = kubernetes(required=True)
    found = status(kubeflow, run_id)
    pods = [pod for pod in pods_of(core, run_id, kubeflow.namespace) or () if task in (pod.task, _numbered(pod))]
    if not pods:
        known = ", ".join(dict.fromkeys(state.shown for state in found.tasks)) or "none yet"
        raise UserError(
            f"{task}: no pod of it is left in the cluster; tasks: {known}; older logs: tab Logs in {found.url}"
        )
    pod = max(pods, key=lambda pod: (pod.iteration or 0, pod.attempt))
    return "\n".join(last_words(core, pod, lines=100_000))


def _numbered(pod: Pod) -> str:
    return pod.task if pod.iteration is None else f"{pod.task} {pod.iteration + 1}"
