"""Runs of trainings: study → variant → seed, what each logs, and the spool that takes it when the store is away."""

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from rmsnet.errors import UserError
from rmsnet.tracking.store import (
    client_of,
    experiment_id,
    one_line,
    one_process_at_a_time,
    quiet_mlflow,
    store_errors,
    tracking_uri,
)

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_RACE_PAUSES_SECONDS = (0.05, 0.2, 0.8)

T = TypeVar("T")

SPOOLED_FROM_TAG = "rmsnet.spooled_from"
"""On a run of the store: the id it had in the spool."""

CONTINUES_TAG = "rmsnet.continues"
"""On a run of the spool: the run of the store that it takes over from."""

MODEL_TAG = "rmsnet.model_id"
"""On a run: its logged model."""

KINDS = ("study", "variant")
"""Of the groups a run lies in, the outer one first."""

PARENT_TAG = "mlflow.parentRunId"
_NAME_TAG = "mlflow.runName"

# The network and its files are all that a logged model needs; no other package of this project's environment.
MODEL_PACKAGES = ("numpy", "safetensors", "torch")


def spool_folder() -> Path:
    """Where runs wait for a store that is away; RMSNET_SPOOL, or mlflow-spool in the working directory."""
    return Path(os.environ.get("RMSNET_SPOOL") or "mlflow-spool").absolute()


def spool_uri() -> str:
    return f"sqlite:///{spool_folder() / 'mlflow.db'}"


@dataclass(frozen=True)
class Group:
    """A run that holds other runs.

    Attributes:
        kind: one of `KINDS`.
        key: the same key, the same run.
        name: as people see it.
    """

    kind: str
    key: str
    name: str

    @property
    def tag(self) -> str:
        return f"rmsnet.{self.kind}"


def group_run(client: Any, experiment: str, group: Group, parent: str | None, tags: Mapping[str, str], uri: str) -> str:
    """Id of a group's run, made when there is none yet; one for all processes of a machine that ask at once."""
    with one_process_at_a_time(uri):
        condition = f"tags.`{group.tag}` = '{group.key}'"
        found = client.search_runs([experiment], condition, max_results=1, order_by=["attributes.start_time ASC"])
        if found:
            return str(found[0].info.run_id)
        above = {} if parent is None else {PARENT_TAG: parent}
        run = client.create_run(experiment, run_name=group.name, tags={**tags, **above, group.tag: group.key})
        client.set_terminated(run.info.run_id)
        return str(run.info.run_id)


class TrackedRun:
    """An open run. What it is told goes to the store; once the store fails, into the spool, with all that came before.

    Attributes:
        run_id: its id, in the store or, after a failure, in the spool.
        epochs: how many epochs it already holds, when it continues an interrupted training.
    """

    def __init__(
        self,
        name: str,
        groups: Sequence[Group],
        tags: Mapping[str, str],
        run_id: str | None = None,
        holds: Group | None = None,
    ) -> None:
        self.run_id = ""
        self.epochs = 0
        self._uri = tracking_uri()
        self._steps: list[Callable[[], Any]] = []
        self._monitor: Any = None
        self._kept = tempfile.TemporaryDirectory(prefix="rmsnet-")
        self._do(partial(self._open, name, groups, tags, run_id, holds))

    @property
    def spooled(self) -> bool:
        return self._uri == spool_uri()

    def _do(self, step: Callable[[], T]) -> T:
        self._steps.append(step)
        try:
            return step()
        except store_errors() as error:
            if self.spooled:
                raise _neither_takes(error) from None
            print(
                f"warning: MLflow store {self._uri} fails ({one_line(error)}); this run is kept in {spool_folder()}; "
                "when the store is back: rmsnet registry sync",
                file=sys.stderr,
                flush=True,
            )
        self._stop_monitor()
        self._uri = spool_uri()
        try:
            return [again() for again in self._steps][-1]  # type: ignore[no-any-return]  # the last is our step
        except store_errors() as error:
            raise _neither_takes(error) from None

    def _client(self) -> Any:
        return client_of(self._uri)

    def _open(
        self,
        name: str,
        groups: Sequence[Group],
        tags: Mapping[str, str],
        run_id: str | None,
        holds: Group | None,
    ) -> None:
        from mlflow.exceptions import MlflowException
        from mlflow.tracking.context.registry import resolve_tags

        client = self._client()
        experiment = experiment_id(client, self._uri)
        continued, self.epochs = None, 0
        if self.spooled:
            tags = {**tags, CONTINUES_TAG: self.run_id} if self.run_id else tags
        elif run_id is not None:
            try:
                client.set_terminated(run_id, "RUNNING")
                continued = run_id
                self.epochs = len(client.get_metric_history(run_id, "loss"))
            except MlflowException as error:
                if error.error_code not in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                    raise
        if continued is None:
            parent = None if self.spooled else os.environ.get("MLFLOW_RUN_ID")
            for group in groups:
                parent = group_run(client, experiment, group, parent, tags, self._uri)
            above = {} if parent is None else {PARENT_TAG: parent}
            own = {} if holds is None else {holds.tag: holds.key}
            all_tags = resolve_tags(
                {**tags, **above, **own, _NAME_TAG: name, **{group.tag + ".of": group.key for group in groups}}
            )
            continued = client.create_run(experiment, run_name=name, tags=all_tags).info.run_id
        self.run_id = str(continued)
        self._start_monitor()

    def _start_monitor(self) -> None:
        """System metrics (processor, memory, disk, network, GPU) from a thread of MLflow's."""
        from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

        self._monitor = SystemMetricsMonitor(
            self.run_id,
            sampling_interval=5,
            resume_logging=bool(self.epochs),
            tracking_uri=self._client().tracking_uri,
        )
        self._monitor.start()

    def _stop_monitor(self) -> None:
        if self._monitor is not None:
            self._monitor.finish()
            self._monitor = None

    def log_params(self, params: Mapping[str, Any]) -> None:
        from mlflow.entities import Param

        logged = [Param(key, str(value)) for key, value in params.items()]
        self._do(lambda: self._client().log_batch(self.run_id, params=logged))

    def log_epoch(self, epoch: int, metrics: Mapping[str, float]) -> None:
        """The metrics of an epoch in one batch; an epoch that the run already holds is left as it is."""
        from mlflow.entities import Metric

        now = int(1000 * time.time())
        logged = [Metric(key, value, now, epoch) for key, value in metrics.items()]
        self._do(lambda: self._client().log_batch(self.run_id, metrics=logged) if epoch > self.epochs else None)

    def log_data(self, name: str, digest: str, context: str, source: Mapping[str, str]) -> None:
        """Name the data a run has used.

        Args:
            name: of the dataset and split.
            digest: content hash of the frame bank.
            context: what for: "train" or "valid".
            source: where it comes from: folder, DVC hash, features.
        """
        self._do(lambda: log_inputs(self._client(), self.run_id, [dataset_input(name, digest, context, source)]))

    def log_folder(self, folder: Path, name: str) -> None:
        self._do(lambda: self._client().log_artifacts(self.run_id, str(folder), name))

    def log_model(self, folder: Path, example: "npt.NDArray[np.float32]", tags: Mapping[str, str]) -> str:
        """Log a model folder as an MLflow model: code and safetensors, no pickle.

        Args:
            folder: as `rmsnet.model_files` writes it.
            example: (T, D) features, the input example.
            tags: of the logged model.

        Returns:
            The model's id.
        """
        saved = Path(self._kept.name) / "model"
        save_pyfunc(folder, example, saved)
        return self._do(lambda: put_model(self._client(), self.run_id, saved, tags))

    def close(self, status: str) -> None:
        self._stop_monitor()
        self._kept.cleanup()
        try:
            self._client().set_terminated(self.run_id, status)
        except store_errors() as error:
            print(
                f"warning: MLflow store {self._uri} fails ({one_line(error)}); run {self.run_id} is complete but stays "
                "marked as running",
                file=sys.stderr,
                flush=True,
            )


def _neither_takes(error: BaseException) -> UserError:
    return UserError(
        f"neither the MLflow store nor the spool {spool_folder()} can be written ({one_line(error)}); "
        "make room, then run the same command again: training continues where it is"
    )


@contextmanager
def tracked_run(
    name: str,
    groups: Sequence[Group],
    tags: Mapping[str, str],
    run_id: str | None = None,
    holds: Group | None = None,
) -> Iterator[TrackedRun]:
    """A run nested under its groups; one that is named by `run_id` and still there is continued.

    With `holds` the run is itself that group: later runs may be nested under it. A block that raises leaves the run as
    FAILED, an interrupted one as KILLED.
    """
    run = TrackedRun(name, groups, tags, run_id, holds)
    status = "FAILED"
    try:
        yield run
        status = "FINISHED"
    except KeyboardInterrupt:
        status = "KILLED"
        raise
    finally:
        run.close(status)


def dataset_input(name: str, digest: str, context: str, source: Mapping[str, str]) -> Any:
    from mlflow.data.code_dataset_source import CodeDatasetSource
    from mlflow.data.meta_dataset import MetaDataset
    from mlflow.entities import DatasetInput, InputTag

    dataset = MetaDataset(CodeDatasetSource(dict(source)), name=name, digest=digest)
    return DatasetInput(dataset._to_mlflow_entity(), [InputTag("mlflow.data.context", context)])


def log_inputs(client: Any, run_id: str, inputs: Sequence[Any]) -> None:
    """Name the data of a run.

    A store fails when two runs name the same new dataset at the same moment; asked again, it finds it there.
    """
    from mlflow.exceptions import MlflowException

    for pause_seconds in (*_RACE_PAUSES_SECONDS, None):
        try:
            client.log_inputs(run_id, inputs)
        except MlflowException as error:
            if pause_seconds is None or "unique constraint" not in str(error).lower():
                raise
            time.sleep(pause_seconds)
        else:
            return


def save_pyfunc(folder: Path, example: "npt.NDArray[np.float32]", saved: Path) -> None:
    """Write a model folder as an MLflow model (models from code) into the new folder `saved`."""
    from importlib.metadata import version

    import rmsnet

    package = Path(rmsnet.__file__).parent
    quiet_mlflow().pyfunc.save_model(
        saved,
        python_model=str(package / "pyfunc_model.py"),
        artifacts={"model": str(folder)},
        code_paths=[str(package)],
        pip_requirements=[f"{name}=={version(name)}" for name in MODEL_PACKAGES],
        input_example=example,
        signature=_signature(example.shape[1]),
    )


def _signature(width: int) -> Any:
    import numpy as np
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, ParamSchema, ParamSpec, Schema, TensorSpec

    return ModelSignature(
        inputs=Schema([TensorSpec(np.dtype(np.float32), (-1, width))]),
        outputs=Schema([ColSpec("long", "position_ms"), ColSpec("string", "label"), ColSpec("double", "confidence")]),
        params=ParamSchema([ParamSpec("thresholded", "boolean", False)]),
    )


def put_model(client: Any, run_id: str, saved: Path, tags: Mapping[str, str]) -> str:
    """Make a folder with an MLflow model the logged model of a run; its id."""
    from mlflow.entities import LoggedModelOutput
    from mlflow.models import Model

    experiment = client.get_run(run_id).info.experiment_id
    model = client.create_logged_model(experiment, "model", source_run_id=run_id, tags=dict(tags))
    description = Model.load(saved)
    description.model_id, description.run_id, description.artifact_path = (
        model.model_id,
        run_id,
        model.artifact_location,
    )
    description.save(saved / "MLmodel")
    client.log_model_artifacts(model.model_id, str(saved))
    client.finalize_logged_model(model.model_id, "READY")
    client.log_outputs(run_id, [LoggedModelOutput(model.model_id, step=0)])
    client.set_tag(run_id, MODEL_TAG, model.model_id)
    return str(model.model_id)


@dataclass(frozen=True)
class Place:
    """Where a run and its logged model are.

    Attributes:
        uri: the store, or the spool.
        run_id: there.
        model_id: there.
    """

    uri: str
    run_id: str
    model_id: str

    @property
    def spooled(self) -> bool:
        return self.uri == spool_uri()


def find_run(run_id: str, model_id: str) -> Place:
    """Where the run of a training is now: in the store under its id, or under a new one since `sync`, or in the spool.

    Raises:
        UserError: nowhere, or the store is away.
    """
    from mlflow.exceptions import MlflowException

    uri = tracking_uri()
    client = client_of(uri)
    in_spool = (spool_folder() / "mlflow.db").exists() and has_run(client_of(spool_uri()), run_id)
    try:
        if has_run(client, run_id):
            return Place(uri, run_id, model_id)
        experiment = experiment_id(client, uri)
        found = client.search_runs([experiment], f"tags.`{SPOOLED_FROM_TAG}` = '{run_id}'", max_results=1)
        if found and MODEL_TAG in found[0].data.tags:
            return Place(uri, found[0].info.run_id, found[0].data.tags[MODEL_TAG])
    except MlflowException as error:
        if not in_spool:
            raise UserError(f"MLflow store {uri}: {one_line(error)}; run this again when it is back") from None
    if in_spool:
        return Place(spool_uri(), run_id, model_id)
    raise UserError(f"MLflow store {uri}: has no run {run_id} of this model; train it again with this store")


def has_run(client: Any, run_id: str) -> bool:
    from mlflow.exceptions import MlflowException

    try:
        return bool(client.get_run(run_id).info.lifecycle_stage == "active")
    except MlflowException as error:
        if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            return False
        raise


def log_evaluation(
    run_id: str,
    model_id: str,
    split: str,
    scores: Mapping[str, float],
    folder: Path,
    dataset: tuple[str, str] | None = None,
) -> None:
    """Add the scores of a model on a split, and the folder with its report, to the run that trained it.

    Args:
        run_id: of the training.
        model_id: of its logged model; the scores are linked to it.
        split: "valid" or "test".
        scores: by name.
        folder: metrics, predictions, plots, report.
        dataset: name and content hash of the data the model was judged on.

    Raises:
        UserError: no such run, or the store is away.
    """
    from mlflow.entities import Metric

    place = find_run(run_id, model_id)
    client = client_of(place.uri)
    name, digest = dataset or (None, None)
    now = int(1000 * time.time())
    logged = [
        Metric(f"{split}_{key}", value, now, 0, model_id=place.model_id, dataset_name=name, dataset_digest=digest)
        for key, value in scores.items()
    ]
    try:
        client.log_batch(place.run_id, metrics=logged)
        if dataset is not None:
            log_inputs(client, place.run_id, [dataset_input(*dataset, f"evaluate {split}", {"split": split})])
        client.log_artifacts(place.run_id, str(folder), f"evaluation/{split}")
    except store_errors() as error:
        raise UserError(f"MLflow store {place.uri}: {one_line(error)}; run the same command again") from None


@dataclass(frozen=True)
class RunRecord:
    """What a store knows of a run.

    Attributes:
        run_id: its id.
        tags: by name.
        scores: of the logged model on data that are named by a hash: (score, hash) by name, the newest of each.
        datasets: hash of the data it has used, by what it used them for ("train", "valid", "evaluate test", …).
    """

    run_id: str
    tags: Mapping[str, str]
    scores: Mapping[str, tuple[float, str]]
    datasets: Mapping[str, str]


def run_record(run_id: str, model_id: str) -> RunRecord:
    """What is known of a training, in the store or in the spool.

    Raises:
        UserError: neither has it, or the store is away.
    """
    place = find_run(run_id, model_id)
    try:
        run = client_of(place.uri).get_run(place.run_id)
        metrics = client_of(place.uri).get_logged_model(place.model_id).metrics or []
    except store_errors() as error:
        raise UserError(f"MLflow store {place.uri}: run {place.run_id}: {one_line(error)}") from None
    datasets = {
        tag.value: used.dataset.digest
        for used in run.inputs.dataset_inputs
        for tag in used.tags
        if tag.key == "mlflow.data.context"
    }
    scores = {
        metric.key: (float(metric.value), str(metric.dataset_digest))
        for metric in sorted(metrics, key=lambda metric: metric.timestamp)
        if metric.dataset_digest
    }
    return RunRecord(place.run_id, dict(run.data.tags), scores, datasets)
