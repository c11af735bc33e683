"""Runs of trainings: study → variant → seed, what each logs, and the spool that takes it when the store is away."""

import math
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from rmsnet.documents import read_document, structured
from rmsnet.errors import CheckFailed, UserError
from rmsnet.logs import log
from rmsnet.tracking.attempts import end_earlier, task_tags
from rmsnet.tracking.groups import NAME_TAG, PARENT_TAG, Group, group_run, settle
from rmsnet.tracking.logged_model import put_model, save_pyfunc
from rmsnet.tracking.pages import compact, tell_run, write_section
from rmsnet.tracking.store import (
    client_of,
    experiment_id,
    one_line,
    shown,
    spool_folder,
    spool_uri,
    store_errors,
    tracking_uri,
    warn_of_local_artifacts,
)
from rmsnet.tracking.trainings import CONTINUES_TAG
from rmsnet.tracking.used_data import dataset_input, log_inputs
from rmsnet.waiting import bounded

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


T = TypeVar("T")


IDENTITY_TAG = "rmsnet.identity"
"""On a run that is made of something with a hash: the same hash, the same run."""


@dataclass(frozen=True)
class BestScores:
    """What a model's metrics.json says of its best epoch."""

    valid_average_map: float | None = None
    train_loss: float | None = None
    best_epoch: int | None = None


def best_scores(model: Path) -> BestScores:
    """Those of a model folder; nothing where it has no metrics.json.

    Raises:
        UserError: a file of something else.
    """
    path = model / "metrics.json"
    return read_document(path, BestScores, advice="train the model again") if path.exists() else BestScores()


MONITOR_SECONDS = 10.0
"""For what nobody misses: the machine's own metrics."""


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
        self._groups: Sequence[Group] = ()
        self._local_artifacts: str | None = None
        self._held: dict[str, set[int]] | None = None
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
            where = f" at {self._local_artifacts}, where the server keeps artifacts" if self._local_artifacts else ""
            log.warning(
                f"MLflow store {shown(self._uri)} fails{where} ({one_line(error)}); this run is kept in "
                f"{spool_folder()}; when the store is back: rmsnet registry sync"
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
        from mlflow.tracking.context.git_context import GitRunContext
        from mlflow.tracking.context.registry import resolve_tags

        client = self._client()
        experiment = experiment_id(client, self._uri)
        self._local_artifacts = warn_of_local_artifacts(client, self._uri, experiment)
        continued, self.epochs, self._held = None, 0, None
        if run_id is None and IDENTITY_TAG in tags and not self.spooled:
            found = client.search_runs([experiment], f"tags.`{IDENTITY_TAG}` = '{tags[IDENTITY_TAG]}'", max_results=1)
            run_id = found[0].info.run_id if found else None
        if self.spooled:
            tags = {**tags, CONTINUES_TAG: self.run_id} if self.run_id else tags
        elif run_id is not None:
            try:
                client.set_terminated(run_id, "RUNNING")
                continued = run_id
                self.epochs = len(client.get_metric_history(run_id, "loss"))
                self._held = {}
            except MlflowException as error:
                if error.error_code not in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                    raise
        if continued is None:
            if not self.spooled:
                end_earlier(client, experiment, name, groups)
            parent = None if self.spooled else os.environ.get("MLFLOW_RUN_ID")
            for group in groups:
                parent = group_run(client, experiment, group, parent, tags, self._uri)
            above = {} if parent is None else {PARENT_TAG: parent}
            own = {} if holds is None else {holds.tag: holds.key}
            # MLflow's own look at git sees the folder of the script, and an address that may hold a password.
            all_tags = resolve_tags(
                {
                    **tags,
                    **task_tags(),
                    **above,
                    **own,
                    NAME_TAG: name,
                    **{group.tag + ".of": group.key for group in groups},
                },
                ignore=[GitRunContext],
            )
            continued = client.create_run(experiment, run_name=name, tags=all_tags).info.run_id
        self.run_id = str(continued)
        self._groups = groups
        settle(client, experiment, groups, self.run_id)
        self._start_monitor()

    def _start_monitor(self) -> None:
        """System metrics (processor, memory, disk, network, GPU) from a thread of MLflow's."""
        from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

        self._monitor = bounded(
            f"MLflow store {shown(self._uri)}: system metrics",
            lambda: SystemMetricsMonitor(
                self.run_id,
                sampling_interval=5,
                resume_logging=bool(self.epochs),
                tracking_uri=self._client().tracking_uri,
            ),
        )
        self._monitor.start()

    def _stop_monitor(self) -> None:
        if self._monitor is not None:
            with suppress(TimeoutError):
                bounded(f"MLflow store {shown(self._uri)}: system metrics", self._monitor.finish, MONITOR_SECONDS)
            self._monitor = None

    def log_settings(self, section: str, values: Mapping[str, Any]) -> None:
        """The parameters of a section that this run obeys."""
        self.log_params(compact(section, values))

    def log_params(self, params: Mapping[str, Any]) -> None:
        from mlflow.entities import Param

        logged = [Param(key, str(value)) for key, value in params.items()]
        self._do(lambda: self._client().log_batch(self.run_id, params=logged))

    def log_epoch(self, epoch: int, metrics: Mapping[str, float]) -> None:
        """The metrics of an epoch in one batch; what the run already holds of it is left as it is.

        Raises:
            CheckFailed: a value that is none: the training has gone astray, and no store should average over it.
        """
        from mlflow.entities import Metric

        for key, value in metrics.items():
            if not math.isfinite(value):
                raise CheckFailed(
                    f"epoch {epoch}: {key} became {value}: the weights have diverged; lower train.learning_rate"
                )
        now = int(1000 * time.time())
        logged = [Metric(key, value, now, epoch) for key, value in metrics.items()]
        self._do(
            lambda: self._client().log_batch(
                self.run_id, metrics=[metric for metric in logged if metric.step not in self._steps_of(metric.key)]
            )
        )

    def _steps_of(self, key: str) -> set[int]:
        """Which steps of a metric a continued run holds already."""
        if self._held is None:
            return set()
        if key not in self._held:
            self._held[key] = {metric.step for metric in self._client().get_metric_history(self.run_id, key)}
        return self._held[key]

    def log_best(self, best: BestScores) -> None:
        """The scores of the model itself, those of its best epoch."""
        scores = {key: float(value) for key, value in asdict(best).items() if value is not None}
        self.log_epoch(best.best_epoch or 1, scores)

    def log_data(self, name: str, digest: str, context: str, source: Mapping[str, str]) -> None:
        """Name the data a run has used.

        Args:
            name: of the dataset and split.
            digest: content hash of the frame bank.
            context: what for: "train" or "valid".
            source: where it comes from: folder, DVC hash, features.
        """
        self._do(lambda: log_inputs(self._client(), self.run_id, [dataset_input(name, digest, context, source)]))

    def log_note(self, title: str, text: str) -> None:
        """A section of what the run's page says, as Markdown."""
        self._do(lambda: write_section(self._client(), self.run_id, title, text))

    def log_folder(self, folder: Path, name: str) -> None:
        self._do(lambda: self._client().log_artifacts(self.run_id, str(folder), name))

    def log_model(self, folder: Path, example: "npt.NDArray[np.float32]", tags: Mapping[str, str]) -> str:
        """Log a model folder as an MLflow model: code and safetensors, no pickle.

        Args:
            folder: as `rmsnet.network.model_files` writes it.
            example: (T, D) features, the input example.
            tags: of the logged model.

        Returns:
            The model's id.
        """
        saved = Path(self._kept.name) / "model"
        try:
            save_pyfunc(folder, example, saved)
        except store_errors() as error:
            raise UserError(
                f"{self._kept.name}: no place for a copy of the model ({one_line(error)}); make room, or name another "
                "folder in TMPDIR, then run the same command again"
            ) from None
        return self._do(lambda: put_model(self._client(), self.run_id, saved, tags))

    def close(self, status: str) -> None:
        self._stop_monitor()
        self._kept.cleanup()
        try:
            client = self._client()
            client.set_terminated(self.run_id, status)
            settle(client, experiment_id(client, self._uri), self._groups, self.run_id)
            tell_run(client, self.run_id)
        except store_errors() as error:
            log.warning(
                f"MLflow store {shown(self._uri)} fails ({one_line(error)}); run {self.run_id} is "
                "complete but stays marked as running"
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


def curves(epoch: Mapping[str, float]) -> dict[str, float]:
    """What an epoch did, as metrics of a run: its score goes by a name of its own, since the model's is the best's."""
    return {
        "epoch_valid_average_map" if key == "valid_average_map" else key: value
        for key, value in epoch.items()
        if key != "epoch"
    }


RUN_FILE = "run.json"
"""Names the MLflow run and logged model of a model folder."""


def read_run(model: Path) -> Mapping[str, Any]:
    """The ids of a model folder's MLflow run and logged model: "run_id", "model_id".

    Raises:
        UserError: the folder holds no finished, tracked training.
    """
    again = f"train it with: rmsnet train --out {model}"
    if not (model / RUN_FILE).exists():
        raise UserError(f"{model}: no tracked model there (no {RUN_FILE}); {again}")
    run = read_document(model / RUN_FILE, dict[str, Any], advice=again)
    structured(run, _Told, str(model / RUN_FILE), again)
    return run


@dataclass(frozen=True)
class _Told:
    """What is read of the run.json of a finished training."""

    run_id: str
    model_id: str
    name: str = ""
    groups: tuple[Group, ...] = ()
    tags: dict[str, str] = field(default_factory=dict)
    params: dict[str, Any] = field(default_factory=dict)
    data_hashes: dict[str, str] = field(default_factory=dict)
