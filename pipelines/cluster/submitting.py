"""A compiled pipeline onto a cluster: one version of it, however often and by whom it is submitted, and a run."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pipelines.cluster.api import Kubeflow, Taken, display_name_filter
from rmsnet import __version__
from rmsnet.errors import UserError
from rmsnet.files import content_hash, write_text

MOST_CHARACTERS = 128
"""Of a pipeline's, a version's or an experiment's name. KFP 2.17.0 backend/src/apiserver/validation/length.go."""

MOST_OF_A_TAG = 63
"""Characters of a tag's key and value. KFP 2.17.0 backend/src/apiserver/model/pipeline_tags.go."""


@dataclass(frozen=True)
class Order:
    """What is to run.

    Attributes:
        text: the compiled pipeline.
        arguments: of its parameters.
        name: of the run: what it does.
        tags: of the pipeline version: where it comes from.
        experiment: that the run is filed under.
        service_account: of the run's pods; "": the cluster's own.
        plugin: whether Kubeflow's MLflow plugin, where it is installed, shall follow the run.
    """

    text: str
    arguments: Mapping[str, Any]
    name: str
    tags: Mapping[str, str]
    experiment: str = "rmsnet"
    service_account: str = ""
    plugin: bool = True

    @property
    def origin(self) -> str:
        """The tags as a sentence."""
        return ", ".join(f"{key} {value}" for key, value in self.tags.items() if value)

    def __post_init__(self) -> None:
        for what, name in (("--experiment", self.experiment), ("the run's name", self.name)):
            if not 0 < len(name) <= MOST_CHARACTERS:
                raise UserError(f"{what} {name[:30]}…: {len(name)} characters; Kubeflow takes {MOST_CHARACTERS}")


@dataclass(frozen=True)
class Submitted:
    """A run on a cluster.

    Attributes:
        run_id: its id.
        url: its page in the Kubeflow UI.
        version: name of the pipeline version it runs.
        state: as Kubeflow calls it; "PENDING" when nobody waited.
    """

    run_id: str
    url: str
    version: str
    state: str


def submit(kubeflow: Kubeflow, order: Order) -> Submitted:
    """Upload the pipeline, unless this very YAML is there already, and start a run of it.

    Raises:
        UserError: the API is away after some tries, or refuses.
    """
    from kfp_server_api import V2beta1Run

    pipeline_id, version_id, version_name = uploaded(kubeflow, order)
    body = V2beta1Run(
        experiment_id=experiment_id(kubeflow, order.experiment),
        display_name=order.name,
        description=order.origin,
        pipeline_version_reference=reference(pipeline_id, version_id),
        runtime_config=runtime(order),
        service_account=order.service_account or None,
        plugins_input=plugins(order),
    )
    client = kubeflow.client
    # A second try could start a second run.
    run = kubeflow.ask(lambda: client._run_api.run_service_create_run(body), attempts=1)
    return Submitted(run.run_id, kubeflow.page("runs", run.run_id), version_name, "PENDING")


def uploaded(kubeflow: Kubeflow, order: Order) -> tuple[str, str, str]:
    """Pipeline, version, and the version's name, uploaded when nobody has done it yet."""
    import yaml

    name = str(next(yaml.safe_load_all(order.text))["pipelineInfo"]["name"])
    version_name = f"{__version__}-{content_hash(order.text)[:12]}"
    pipeline_id = _pipeline_id(kubeflow, name)
    version_id = _version_id(kubeflow, pipeline_id, version_name)
    if version_id is None:
        try:
            version_id = _upload(kubeflow, pipeline_id, version_name, order)
        except Taken:  # somebody else has uploaded the same at the same moment
            version_id = _version_id(kubeflow, pipeline_id, version_name)
    if version_id is None:
        raise UserError(f"Kubeflow at {kubeflow.host}: version {version_name} of {name} is taken and cannot be found")
    return pipeline_id, version_id, version_name


def _pipeline_id(kubeflow: Kubeflow, name: str) -> str:
    """The pipeline of this name, made when there is none: without a version, which an upload would call like it."""
    from kfp_server_api import V2beta1Pipeline

    api, namespace = kubeflow.client._pipelines_api, kubeflow.namespace
    scope = {"namespace": namespace} if namespace else {}

    def found() -> str | None:
        answer = kubeflow.ask(
            lambda: api.pipeline_service_list_pipelines(filter=display_name_filter(name), **scope)
        ).pipelines
        return str(answer[0].pipeline_id) if answer else None

    there = found()
    if there is not None:
        return there
    try:
        made = kubeflow.ask(
            lambda: api.pipeline_service_create_pipeline(
                V2beta1Pipeline(display_name=name, name=name, namespace=namespace or None)
            )
        )
        return str(made.pipeline_id)
    except Taken:
        there = found()
        if there is None:
            raise
        return there


def _version_id(kubeflow: Kubeflow, pipeline_id: str, name: str) -> str | None:
    api = kubeflow.client._pipelines_api
    found = kubeflow.ask(
        lambda: api.pipeline_service_list_pipeline_versions(pipeline_id, filter=display_name_filter(name))
    ).pipeline_versions
    return next((str(item.pipeline_version_id) for item in found or () if item.display_name == name), None)


def _upload(kubeflow: Kubeflow, pipeline_id: str, name: str, order: Order) -> str:
    tags = {key[:MOST_OF_A_TAG]: value[:MOST_OF_A_TAG] for key, value in order.tags.items() if value}
    with TemporaryDirectory() as folder:
        path = Path(folder) / "pipeline.yaml"
        write_text(path, order.text)
        made = kubeflow.ask(
            lambda: kubeflow.client._upload_api.upload_pipeline_version(
                str(path), name=name, pipelineid=pipeline_id, description=order.origin, tags=json.dumps(tags)
            )
        )
    return str(made.pipeline_version_id)


def experiment_id(kubeflow: Kubeflow, name: str) -> str:
    """The experiment of this name, made when there is none."""
    client = kubeflow.client
    for _ in range(2):
        try:
            made = kubeflow.ask(lambda: client.create_experiment(name, namespace=kubeflow.namespace or None))
            return str(made.experiment_id)
        except Taken:  # somebody else has made it since it was looked for
            continue
    raise UserError(f"Kubeflow at {kubeflow.host}: experiment {name} is taken and cannot be found")


def reference(pipeline_id: str, version_id: str) -> Any:
    from kfp_server_api import V2beta1PipelineVersionReference

    return V2beta1PipelineVersionReference(pipeline_id=pipeline_id, pipeline_version_id=version_id)


def runtime(order: Order) -> Any:
    from kfp_server_api import V2beta1RuntimeConfig

    return V2beta1RuntimeConfig(parameters=dict(order.arguments))


def plugins(order: Order) -> Mapping[str, Any] | None:
    """What Kubeflow's plugins are told; None: nothing."""
    return None if order.plugin else {"mlflow": {"disabled": True}}


def run_name(what: str, source: str, revision: str = "") -> str:
    """A run by what it does, as a list of runs shows it."""
    place = source.rstrip("/").rsplit("/", 1)[-1] + (f"@{revision}" if revision else "")
    when = time.strftime("%Y-%m-%d %H:%M")
    room = MOST_CHARACTERS - len(f" on {place[:40]}, {when}")
    return f"{what if len(what) <= room else f'{what[: room - 1]}…'} on {place[:40]}, {when}"
