"""A compiled pipeline on this machine, each task in a process or in a container of its own.

Kubeflow's local runner says nothing of some failures (a condition it cannot evaluate, a loop it does not understand,
a container that is gone before its status is read); here they end the run.
"""

import io
import logging
import os
import re
import shutil
import sys
import threading
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rmsnet.errors import CheckFailed, UserError
from rmsnet.logs import log

IMAGE_USER = 1000
"""The user of the image, for a caller who is root: the containers are not."""

_TASK = re.compile(r"\x1b\[\d+m'(?P<name>[^']+)'\x1b\[0m")


@dataclass
class Task:
    """One execution of a task.

    Attributes:
        name: of the task.
        seconds: how long it took.
        succeeded: None while it runs.
        lines: its log, without Kubeflow's own lines.
    """

    name: str
    seconds: float = 0.0
    succeeded: bool | None = None
    lines: list[str] = field(default_factory=list)


def run_locally(
    compiled: Path,
    arguments: Mapping[str, Any],
    out: Path,
    *,
    docker: bool = False,
    environment: Mapping[str, str] | None = None,
    mounts: Sequence[Path] = (),
) -> list[Task]:
    """Run a compiled pipeline and wait for it; the log of its tasks goes to standard output as it comes.

    Args:
        compiled: YAML as `pipelines.compiling` writes it.
        arguments: of the pipeline.
        out: folder for everything that the tasks leave.
        docker: run each task in its image, over the Docker-compatible socket that DOCKER_HOST names.
        environment: further variables of the containers.
        mounts: folders that the containers see, read-only, under their own path.

    Returns:
        The tasks in the order in which they ended.

    Raises:
        CheckFailed: a task failed, or the runner could not do what the pipeline says.
        UserError: there is no Docker-compatible socket, or it lacks the image.
    """
    from kfp import components, local

    out = out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    if docker:
        _require_docker()
        if os.getuid() == 0:
            os.chown(out, IMAGE_USER, IMAGE_USER)
        runner = _docker_runner(environment or {}, mounts)
    else:
        runner = local.SubprocessRunner(use_venv=False)
    workspace = out / ".workspace"
    workspace.mkdir(exist_ok=True)
    local.init(runner, pipeline_root=str(out), workspace_root=str(workspace))
    watch = _Watch()
    try:
        with watch.watching(), _true_loops():
            components.load_component_from_file(str(compiled))(**arguments)
    except RuntimeError as error:
        failed = {task.name: task.lines[-1:] for task in watch.tasks if not task.succeeded}
        last_words = " ".join(next(iter(failed.values()), [str(error)])).split()
        what = f"task {', '.join(failed)} failed ({' '.join(last_words)})" if failed else " ".join(last_words)
        raise CheckFailed(f"pipeline failed: {what}; what its tasks left is in {out}") from None
    except (ValueError, TypeError) as error:
        raise UserError(f"pipeline cannot run: {' '.join(str(error).split())}") from None
    finally:
        shutil.rmtree(workspace, ignore_errors=True)
    if watch.faults:
        raise CheckFailed(f"the local runner went astray and called it success: {watch.faults[0]}")
    missing = _executors(compiled) - {re.sub(r"-iteration-\d+$", "", task.name) for task in watch.tasks}
    if missing:
        raise CheckFailed(f"pipeline ended without running {', '.join(sorted(missing))}")
    return watch.tasks


def _executors(compiled: Path) -> set[str]:
    """Names of the components of a compiled pipeline that run something."""
    import yaml

    document = next(yaml.safe_load_all(compiled.read_text(encoding="utf-8")))
    return {name.removeprefix("comp-") for name, spec in document["components"].items() if "executorLabel" in spec}


@contextmanager
def _true_loops() -> Iterator[None]:
    """Iterations see what other tasks have given: Kubeflow's runner hands them the loop's item in its place."""
    from kfp.local.orchestrator import task_spec_utils

    theirs = task_spec_utils.create_parameter_loop_iteration_task_spec

    def iteration(spec: Any, item: Any, name: str) -> Any:
        made = theirs(spec, item, name)
        items = spec.parameter_iterator.items.input_parameter
        for key, source in spec.inputs.parameters.items():
            if source.HasField("task_output_parameter") and key != items:
                made.inputs.parameters[key].CopyFrom(source)
        return made

    task_spec_utils.create_parameter_loop_iteration_task_spec = iteration
    try:
        yield
    finally:
        task_spec_utils.create_parameter_loop_iteration_task_spec = theirs


class _Watch(logging.Filter):
    """Follows a run through the root logger, which is all that the local runner tells."""

    def __init__(self) -> None:
        super().__init__()
        self.tasks: list[Task] = []
        self.faults: list[str] = []
        self.running: dict[int, Task] = {}
        self.out = sys.stdout

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Everything that is printed meanwhile goes through `_Lines`; the root logger is given back as it was."""
        from kfp.local import logging_utils

        root = logging.getLogger()
        level = root.level
        theirs = logging_utils.indented_print, logging_utils.local_logger_context
        # They exchange print() and the root logger's state for each task, which two threads cannot do at a time.
        logging_utils.indented_print = logging_utils.local_logger_context = nullcontext
        root.addFilter(self)
        root.setLevel(logging.INFO)
        try:
            with redirect_stdout(_Lines(self)), warnings.catch_warnings():
                # Images without "python" in their name; resources that have no meaning here.
                warnings.simplefilter("ignore")
                yield
        finally:
            root.setLevel(level)
            root.removeFilter(self)
            logging_utils.indented_print, logging_utils.local_logger_context = theirs

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        found = _TASK.search(message)
        if message.startswith("Executing task") and found:
            self.running[record.thread or 0] = Task(found["name"], time.perf_counter())
            self.say(found["name"], "started")
        elif " finished with status " in message and found and (record.thread or 0) in self.running:
            task = self.running.pop(record.thread or 0)
            task.seconds = time.perf_counter() - task.seconds
            task.succeeded = record.levelno < logging.WARNING
            self.tasks.append(task)
            self.say(task.name, f"{'done' if task.succeeded else 'FAILED'} after {task.seconds:.1f} s")
        elif record.levelno >= logging.WARNING and "failed with exception" not in message:
            self.faults.append(" ".join(message.split()))
        return False

    def say(self, name: str, text: str) -> None:
        if log.isEnabledFor(logging.INFO):
            self.out.write(f"{name:20} | {text}\n")
            self.out.flush()


class _Lines(io.TextIOBase):
    """Standard output during a run: lines of tasks under their name, without Kubeflow's own."""

    def __init__(self, watch: _Watch) -> None:
        self.watch = watch
        self.parts: dict[int, str] = {}
        self.in_input: set[int] = set()

    def write(self, text: str) -> int:
        thread = threading.get_ident()
        *lines, self.parts[thread] = (self.parts.get(thread, "") + text).split("\n")
        for line in lines:
            self._line(thread, line.rstrip())
        return len(text)

    def _line(self, thread: int, line: str) -> None:
        task = self.watch.running.get(thread)
        if task is None or not line:
            return
        if thread in self.in_input:
            if line == "}":
                self.in_input.remove(thread)
        elif line.startswith("-" * 20):
            return
        elif line.startswith("[KFP Executor"):
            if line.endswith("Got executor_input:"):
                self.in_input.add(thread)
        else:
            task.lines.append(line)
            self.watch.say(task.name, line)


def _require_docker() -> None:
    import docker
    from docker.errors import DockerException

    try:
        docker.from_env().ping()
    except DockerException as error:
        raise UserError(
            f"no Docker-compatible engine answers ({' '.join(str(error).split())[:120]}); start one, or set DOCKER_HOST"
        ) from None


def _docker_runner(environment: Mapping[str, str], mounts: Sequence[Path]) -> Any:
    from docker.types import Mount
    from kfp import local
    from kfp.local import docker_task_handler

    docker_task_handler.run_docker_container = _run_container
    user = IMAGE_USER if os.getuid() == 0 else os.getuid()
    return local.DockerRunner(
        network_mode="host",
        read_only=True,
        tmpfs={"/tmp": "exec"},
        user=f"{user}:{user if os.getuid() == 0 else os.getgid()}",
        environment=dict(environment),
        mounts=[Mount(str(path.resolve()), str(path.resolve()), type="bind", read_only=True) for path in mounts],
    )


def _run_container(client: Any, image: str, command: list[str], volumes: Mapping[str, Any], **options: Any) -> int:
    """Run a container and return its status; in place of Kubeflow's, which takes a container that is gone for well."""
    from docker.errors import ImageNotFound

    try:
        container = client.containers.run(image, command, detach=True, volumes=volumes, **options)
    except ImageNotFound:
        print(f"no image {image}: build it with: make containers")
        return 1
    try:
        for line in container.logs(stream=True):
            print(line.decode(errors="replace"), end="")
        return int(container.wait()["StatusCode"])
    finally:
        container.remove(force=True)
