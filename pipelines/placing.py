"""A task gets its image, environment, resources and place in the cluster."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from components.artifacts import MLFLOW_UI, PROCESSES
from components.data import GIT_TOKEN, GIT_USER, PREFIX
from components.door import EXPECTED, MLFLOW, REQUIRED_ENVIRONMENT
from pipelines.backend.retries import window_seconds
from pipelines.deployment import Deployment, Stage
from pipelines.resources import Resources
from rmsnet import __version__

if TYPE_CHECKING:
    from kfp.dsl import PipelineTask

Need = Literal["data", "mlflow"]
"""What a task reaches: it gets the addresses and credentials of that alone."""

FIRST_PAUSE_SECONDS, PAUSE_FACTOR = 30, 2.0

WITHOUT_LIMIT_SECONDS = 100 * 24 * 3600
"""The window of all attempts at a task that has no time limit."""


def place(deployment: Deployment, task: "PipelineTask", stage: Stage, *needs: Need) -> "PipelineTask":
    """Give a task of a stage what a deployment says; returns the task."""
    from kfp import kubernetes

    resources: Resources = getattr(deployment, stage)
    task.set_container_image(deployment.image)
    for name, value in variables(deployment, *needs).items():
        task.set_env_variable(name, value)
    for secret, environment in secrets(deployment, *needs).items():
        # Optional, so that the pod starts without it and the component can say what is missing.
        kubernetes.use_secret_as_env(task, secret, dict(environment), optional=True)
    if stage == "train" and resources.gpus > 1:
        task.set_env_variable(PROCESSES, str(resources.gpus))
    _size(task, resources)
    _nodes(task, resources)
    _volumes(task, deployment, resources)
    task.set_caching_options(resources.cache)
    if deployment.pull_secret:
        kubernetes.set_image_pull_secrets(task, [deployment.pull_secret])
    for key, value in labels(deployment).items():
        kubernetes.add_pod_label(task, key, value)
    for key, value in deployment.annotations.items():
        kubernetes.add_pod_annotation(task, key, value)
    kubernetes.set_security_context(task, run_as_non_root=True)
    return task


def _size(task: "PipelineTask", resources: Resources) -> None:
    """What a pod gets, and for how long."""
    from kfp import kubernetes

    task.set_cpu_request(resources.cpu).set_cpu_limit(resources.cpu_limit or resources.cpu)
    task.set_memory_request(resources.memory).set_memory_limit(resources.memory)
    if resources.gpus:
        task.set_accelerator_type(resources.gpu_type).set_accelerator_limit(resources.gpus)
    limit = 60 * resources.timeout_minutes
    if limit:
        kubernetes.set_timeout(task, limit)
    if resources.retries:
        window = (
            round(window_seconds(resources.retries, limit, FIRST_PAUSE_SECONDS, PAUSE_FACTOR))
            if limit
            else WITHOUT_LIMIT_SECONDS
        )
        task.set_retry(
            resources.retries,
            backoff_duration=f"{FIRST_PAUSE_SECONDS}s",
            backoff_factor=PAUSE_FACTOR,
            backoff_max_duration=f"{window}s",
        )


def _nodes(task: "PipelineTask", resources: Resources) -> None:
    """Where a pod may run."""
    from kfp import kubernetes

    for key, value in resources.node_selector.items():
        kubernetes.add_node_selector(task, key, value)
    for affinity in resources.affinity:
        expression = {"key": affinity.key, "operator": "In", "values": list(affinity.values)}
        kubernetes.add_node_affinity(task, match_expressions=[expression], weight=affinity.weight or None)
    for toleration in resources.tolerations:
        kubernetes.add_toleration(task, toleration.key, toleration.operator, toleration.value, toleration.effect)


def _volumes(task: "PipelineTask", deployment: Deployment, resources: Resources) -> None:
    from kfp import kubernetes

    for volume in deployment.volumes:
        kubernetes.mount_pvc(task, volume.claim, volume.path)
    if resources.shared_memory:
        kubernetes.empty_dir_mount(
            task, "shared-memory", "/dev/shm", medium="Memory", size_limit=resources.shared_memory
        )
    scratch = deployment.scratch
    if scratch is not None and scratch.storage_class:
        kubernetes.add_ephemeral_volume(
            task,
            volume_name="scratch",
            mount_path="/tmp",
            access_modes=["ReadWriteOnce"],
            size=scratch.size,
            storage_class_name=scratch.storage_class,
        )
    elif scratch is not None:
        kubernetes.empty_dir_mount(task, "scratch", "/tmp", size_limit=scratch.size)


def labels(deployment: Deployment) -> Mapping[str, str]:
    """Of every pod; Kueue admits pods with its labels one by one."""
    kueue = {"kueue.x-k8s.io/queue-name": deployment.queue, "kueue.x-k8s.io/priority-class": deployment.priority}
    return {**{key: value for key, value in kueue.items() if value}, **deployment.labels}


def variables(deployment: Deployment, *needs: Need) -> Mapping[str, str]:
    """Environment variables of a component, but for those that secrets bring."""
    required = ",".join(
        f"{variable}={secret}/{key}"
        for secret, environment in secrets(deployment, *needs).items()
        for key, variable in environment.items()
    )
    of_mlflow = {MLFLOW: deployment.mlflow, MLFLOW_UI: deployment.mlflow_ui} if "mlflow" in needs else {}
    of_data = (
        {
            f"{PREFIX}AWS_ENDPOINT_URL": deployment.data.endpoint,
            f"{PREFIX}AWS_DEFAULT_REGION": deployment.data.region,
        }
        if "data" in needs
        else {}
    )
    found = {
        EXPECTED: f"{__version__} {deployment.environment.get(COMMIT, '')}".strip(),
        REQUIRED_ENVIRONMENT: required,
        **of_mlflow,
        **of_data,
        **deployment.environment,
    }
    return {name: value for name, value in found.items() if value and name != COMMIT}


COMMIT = "RMSNET_COMMIT"
"""Among the environment variables of a deployment: the commit that a pipeline is compiled from."""


def secrets(deployment: Deployment, *needs: Need) -> Mapping[str, Mapping[str, str]]:
    """By secret: its keys and the environment variables that they become in a component."""
    found: dict[str, dict[str, str]] = {}
    data = deployment.data
    pairs = (
        (data.access_key, f"{PREFIX}AWS_ACCESS_KEY_ID"),
        (data.secret_key, f"{PREFIX}AWS_SECRET_ACCESS_KEY"),
        (data.git_user, GIT_USER),
        (data.git_token, GIT_TOKEN),
    )
    if data.secret and "data" in needs:
        found[data.secret] = {key: variable for key, variable in pairs if key}
    if "mlflow" in needs:
        for secret in deployment.secrets:
            found.setdefault(secret.name, {}).update(secret.environment)
    return found
