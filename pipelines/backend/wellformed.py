"""What must hold for a compiled pipeline before a cluster sees it; each document parsed into its protobuf type."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from rmsnet.errors import UserError

PIPELINE_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,126}[a-z0-9])?")
TASK_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
PARAMETER_NAME = re.compile(r"(pipelinechannel--)?[A-Za-z_][A-Za-z0-9_-]*")
IMAGE_NAME = re.compile(r"[a-z0-9][a-z0-9._:/-]*(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(@sha256:[0-9a-f]{64})?")

MOST_BYTES = 1_000_000
"""Argo keeps a run's workflow in etcd, which takes 1.5 MB an object."""


def check_compiled(text: str, where: str) -> None:
    """Refuse a compiled pipeline that a backend would refuse or, worse, misunderstand.

    Args:
        text: YAML as the compiler writes it: the pipeline, then the platform spec.
        where: its name, for the message.

    Raises:
        UserError: the first rule that is broken.
    """
    for fault in _faults(text):
        raise UserError(f"{where}: {fault}")


def _faults(text: str) -> Iterator[str]:
    import yaml
    from google.protobuf.json_format import MessageToDict, ParseDict, ParseError
    from kfp.kubernetes.kubernetes_executor_config_pb2 import KubernetesExecutorConfig
    from kfp.pipeline_spec.pipeline_spec_pb2 import PipelineDeploymentConfig, PipelineSpec, PlatformSpec

    if len(text.encode()) > MOST_BYTES:
        yield f"{len(text.encode()):,} bytes; a cluster takes {MOST_BYTES:,}"
    try:
        documents = list(yaml.safe_load_all(text))
        spec = ParseDict(documents[0], PipelineSpec())
        deployment = ParseDict(documents[0]["deploymentSpec"], PipelineDeploymentConfig())
        platforms = ParseDict(documents[1], PlatformSpec()) if len(documents) > 1 else PlatformSpec()
        for label, config in platforms.platforms["kubernetes"].deployment_spec.executors.items():
            ParseDict(MessageToDict(config), KubernetesExecutorConfig())
            if label not in deployment.executors:
                yield f"platform spec of {label}: there is no such executor"
    except (yaml.YAMLError, ParseError, KeyError, IndexError, TypeError) as error:
        yield f"not a pipeline ({' '.join(str(error).split())})"
        return
    if not PIPELINE_NAME.fullmatch(spec.pipeline_info.name):
        yield f"pipeline name {spec.pipeline_info.name!r}: a-z, 0-9 and -, at most 128 characters"
    for label, executor in deployment.executors.items():
        if not IMAGE_NAME.fullmatch(executor.container.image):
            yield f"{label}: {executor.container.image!r} is no image name"
        for variable in executor.container.env:
            if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.-]*", variable.name):
                yield f"{label}: {variable.name!r} is no name of an environment variable"
    yield from _dag_faults("root", spec.root, spec.components)
    for name, component in spec.components.items():
        if component.WhichOneof("implementation") == "dag":
            yield from _dag_faults(name, component, spec.components)
        elif component.executor_label not in deployment.executors:
            yield f"{name}: there is no executor {component.executor_label!r}"


def _dag_faults(name: str, dag: Any, components: Mapping[str, Any]) -> Iterator[str]:
    tasks = dag.dag.tasks
    for parameter in dag.input_definitions.parameters:
        if not PARAMETER_NAME.fullmatch(parameter):
            yield f"{name}: {parameter!r} is no parameter name"
    for task_name, task in tasks.items():
        where = f"{name}, task {task_name}"
        if not TASK_NAME.fullmatch(task_name):
            yield f"{where}: a task's name has a-z, 0-9 and -, at most 63 characters"
        if task.component_ref.name not in components:
            yield f"{where}: there is no component {task.component_ref.name!r}"
            continue
        for upstream in task.dependent_tasks:
            if upstream not in tasks:
                yield f"{where}: waits for {upstream!r}, which is not beside it"
        yield from _input_faults(where, task, dag, components)
        for key, source in task.inputs.parameters.items():
            output = source.task_output_parameter.output_parameter_key
            if output not in ("", "Output") and f"'{key}'" in task.trigger_policy.condition:
                yield f"{where}: its condition compares the named output {output!r}, which a laptop takes for false"
    yield from _cycles(name, tasks)


def _input_faults(where: str, task: Any, dag: Any, components: Mapping[str, Any]) -> Iterator[str]:
    wanted = components[task.component_ref.name].input_definitions
    for key in {*wanted.parameters} - {*task.inputs.parameters}:
        has_value = wanted.parameters[key].is_optional or wanted.parameters[key].HasField("default_value")
        if not has_value and key != task.parameter_iterator.item_input:
            yield f"{where}: nothing gives it parameter {key!r}"
    for key in {*wanted.artifacts} - {*task.inputs.artifacts}:
        if not wanted.artifacts[key].is_optional:
            yield f"{where}: nothing gives it artifact {key!r}"
    for key, source in task.inputs.parameters.items():
        if source.HasField("task_output_parameter"):
            producer, output = (
                source.task_output_parameter.producer_task,
                source.task_output_parameter.output_parameter_key,
            )
            yield from _source_faults(f"{where}, {key}", producer, output, "parameters", dag, components)
        elif (
            source.component_input_parameter
            and source.component_input_parameter not in dag.input_definitions.parameters
        ):
            yield f"{where}, {key}: there is no input {source.component_input_parameter!r}"
    for key, source in task.inputs.artifacts.items():
        if source.HasField("task_output_artifact"):
            producer, output = (
                source.task_output_artifact.producer_task,
                source.task_output_artifact.output_artifact_key,
            )
            yield from _source_faults(f"{where}, {key}", producer, output, "artifacts", dag, components)


def _source_faults(
    where: str, producer: str, output: str, kind: str, dag: Any, components: Mapping[str, Any]
) -> Iterator[str]:
    if producer not in dag.dag.tasks:
        yield f"{where}: comes from {producer!r}, which is not beside it"
        return
    made = components[dag.dag.tasks[producer].component_ref.name].output_definitions
    if output not in getattr(made, kind):
        yield f"{where}: {producer} makes no {output!r}"


def _cycles(name: str, tasks: Mapping[str, Any]) -> Iterator[str]:
    """Rings of `.after`, which the compiler lets through."""
    left = {task: set(spec.dependent_tasks) & set(tasks) for task, spec in tasks.items()}
    while left:
        free = {task for task, waits_for in left.items() if not waits_for & set(left)}
        if not free:
            yield f"{name}: tasks wait for each other in a ring: {', '.join(sorted(left))}"
            return
        left = {task: waits_for for task, waits_for in left.items() if task not in free}
