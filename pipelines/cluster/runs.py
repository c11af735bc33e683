"""What became of a run: its tasks with state, time and reason; waiting for it, stopping it, going on with it."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pipelines.cluster.api import Gone, Kubeflow
from pipelines.cluster.pods import Pod, kubernetes, last_words, pods_of
from pipelines.cluster.submitting import Submitted
from pipelines.cluster.workflows import refusal_of
from rmsnet.errors import CheckFailed, UserError

if TYPE_CHECKING:
    from pipelines.backend.document import Document

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
        reason: why it has failed, where that is no task's; "" where it is, or nobody can tell.
    """

    run_id: str
    name: str
    state: str
    url: str
    tasks: tuple[TaskState, ...]
    reason: str = ""

    @property
    def finished(self) -> bool:
        return self.state in FINISHED

    @property
    def objections(self) -> list[str]:
        """What is not as it should be, and why; several tasks of one trouble together."""
        together: dict[tuple[str, str], list[str]] = {}
        for task in self.tasks:
            if task.state in BAD or task.reason:
                together.setdefault((task.state.lower(), task.reason), []).append(task.shown)
        return [self.reason] * bool(self.reason) + [
            f"{', '.join(names)} {state}{f' ({reason})' if reason else ''}"
            for (state, reason), names in together.items()
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
    details = (run.run_details.task_details if run.run_details else None) or ()
    document = _document(kubeflow, run)
    names = {task.key: task.name for task in document.container_tasks} if document else {}
    tasks = _tasks(details, names)
    if pods is not None:
        tasks = _with_pods(tasks, names, details, pods, lambda pod: last_words(core, pod))
    if run.state in BAD:
        tasks = [task if task.state in (*FINISHED, "CACHED") else _of_ended(task, str(run.state)) for task in tasks]
        tasks = _with_deadline(tasks, run, document)
    stopped = run.state in BAD and any(past.state == "CANCELING" for past in run.state_history or ())
    failed = run.state in BAD and not stopped and not any(task.reason for task in tasks)
    podless = [task for task in tasks if task.state == "RUNNING" and task.attempts is None]
    refusal = refusal_of(core, run_id, kubeflow.namespace) if core is not None and (failed or podless) else ""
    tasks = [replace(task, reason=refusal) if task in podless else task for task in tasks]
    reason = "it was stopped" if stopped else refusal if failed else ""
    return RunState(run_id, run.display_name, str(run.state), kubeflow.page("runs", run_id), tuple(tasks), reason)


def _of_ended(task: TaskState, state: str) -> TaskState:
    """A task of a run that has ended badly: of one that its time limit has killed the API says that it goes on."""
    return replace(task, state=state if task.seconds else "SKIPPED")


def _tasks(details: Iterable[Any], names: Mapping[str, str]) -> list[TaskState]:
    """The tasks that run containers, as Kubeflow's API knows them: it numbers no iterations.

    Args:
        details: of the run: a node of Argo's each.
        names: of the tasks, by key.
    """
    states = []
    for detail in details:
        shown = detail.display_name or ""
        key = shown.removesuffix("-driver")
        if shown in names:
            states.append((detail, TaskState(shown, names[shown], None, _state(detail), _seconds(detail), None)))
        elif key in names and detail.state in BAD:
            reason = "Kubeflow could not prepare it; see its driver's log"
            states.append((detail, TaskState(key, names[key], None, "FAILED", None, None, reason)))
    return [state for _, state in sorted(states, key=lambda pair: str(pair[0].start_time or datetime.max))]


def _state(detail: Any) -> str:
    """The container's template of a hit is there and has nothing to do."""
    seconds = _seconds(detail)
    return "CACHED" if detail.state == "SUCCEEDED" and seconds is not None and seconds < 1 else str(detail.state)


def _document(kubeflow: Kubeflow, run: Any) -> "Document | None":
    """The pipeline of a run; None: the API has none of it."""
    from pipelines.backend.document import Document

    spec = run.pipeline_spec
    if not spec and run.pipeline_version_reference:
        reference = run.pipeline_version_reference
        api = kubeflow.client._pipelines_api
        spec = kubeflow.ask(
            lambda: api.pipeline_service_get_pipeline_version(reference.pipeline_id, reference.pipeline_version_id)
        ).pipeline_spec
    platform = (spec or {}).get("platform_spec", {}).get("platforms", {}).get("kubernetes", {})
    spec = (spec or {}).get("pipeline_spec", spec) or {}
    return Document(spec, platform) if "root" in spec else None


def _with_deadline(tasks: list[TaskState], run: Any, document: "Document | None") -> list[TaskState]:
    """Where a run took as long as it may: the reason of tasks that have failed for no other, which nobody tells."""
    deadline = document.platform.get("pipelineConfig", {}).get("activeDeadlineSeconds") if document else None
    if not deadline or not run.finished_at or (run.finished_at - run.created_at).total_seconds() < deadline:
        return tasks
    why = f"the run's deadline, {deadline / 60:g} minutes, was over"
    return [replace(task, reason=why) if task.state == "FAILED" and not task.reason else task for task in tasks]


def _seconds(detail: Any) -> float | None:
    start, end = detail.start_time, detail.end_time
    if start is None or start.year < 2000:
        return None
    if end is None or end.year < 2000:
        end = datetime.now(start.tzinfo)
    seconds: float = (end - start).total_seconds()
    return seconds


EXECUTOR = "executor"
"""What Argo calls the node of a task's container in every template; its children are the attempts."""


def _with_pods(
    tasks: Sequence[TaskState],
    names: Mapping[str, str],
    details: Iterable[Any],
    pods: Sequence[Pod],
    words: Callable[[Pod], list[str]],
) -> list[TaskState]:
    """What Kubernetes adds: the iteration, how many attempts there were, and why one does not end well.

    Once Argo compresses a workflow (above 1 MB), Kubeflow's API knows no more of its tasks than it knew then: the pods
    know.
    """
    executors = {
        child.pod_name: detail
        for detail in details
        if detail.display_name == EXECUTOR
        for child in detail.child_tasks or ()
    }
    attempts: dict[tuple[str, int | None], Pod] = {}
    for pod in sorted(pods, key=lambda pod: pod.attempt):
        attempts[pod.task, pod.iteration] = pod
    found = [_of_pod(executors.get(pod.node), pod, names, words) for pod in attempts.values()]
    # Taken from an earlier run, or without a pod as yet, or its pods are gone.
    known = Counter(task.key for task in found)
    others = []
    for task in tasks:
        if task.state != "CACHED" and known[task.key]:
            known[task.key] -= 1
        else:
            others.append(task)
    order = list(dict.fromkeys([*(task.key for task in tasks), *names, *known]))
    return sorted([*others, *found], key=lambda task: (order.index(task.key), task.iteration or 0))


OF_A_POD = {"Failed": "FAILED", "Succeeded": "SUCCEEDED", "Running": "RUNNING", "Pending": "PENDING"}


def _of_pod(detail: Any, pod: Pod, names: Mapping[str, str], words: Callable[[Pod], list[str]]) -> TaskState:
    """A task from its last pod; `detail`: what Kubeflow knows of it, None: nothing."""
    over = detail is not None and detail.state in FINISHED
    ended = pod.phase in ("Failed", "Succeeded")
    state = str(detail.state) if over or (detail and not ended) else OF_A_POD.get(pod.phase, "RUNNING")
    attempts = max(len(detail.child_tasks) if detail else 0, pod.attempt + 1)
    seconds = _seconds(detail) if over or (detail and not ended) else pod.seconds
    reason = "" if state == "SUCCEEDED" else pod.trouble
    if reason.startswith("ended with status"):
        reason = (words(pod) or [reason])[-1]
    return TaskState(pod.task, names.get(pod.task, pod.task), pod.iteration, state, seconds, attempts, reason)


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
    """A line for each task that has ended, or that cannot begin, since the last look."""
    seen: Counter[str] = Counter()
    for task in tasks:
        seen[f"{task.shown} {task.state}"] += 1
        key = f"{task.shown} {task.state} {seen[f'{task.shown} {task.state}']}"
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
