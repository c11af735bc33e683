"""The one place that talks to MLflow: runs of trainings, the models they log, versions and aliases of the registry.

Every call goes to MLFLOW_TRACKING_URI, by default the SQLite file mlflow.db of the working directory.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rmsnet.errors import UserError

if TYPE_CHECKING:
    from types import ModuleType

    import numpy as np
    import numpy.typing as npt

EXPERIMENT = "rmsnet"
DEFAULT_URI = "sqlite:///mlflow.db"
STUDY_TAG = "rmsnet.study"

# The network and its files are all that a logged model needs; no other package of this project's environment.
MODEL_PACKAGES = ("numpy", "safetensors", "torch")


def tracking_uri() -> str:
    return os.environ.get("MLFLOW_TRACKING_URI") or DEFAULT_URI


def _mlflow() -> "ModuleType":
    """MLflow, pointed at the store."""
    import logging

    # A fresh store is told of at length (migrations, a new experiment); nobody asked.
    for name in ("alembic", "mlflow.store.db.utils", "mlflow.tracking.fluent", "mlflow.pyfunc"):
        logging.getLogger(name).setLevel(logging.WARNING)
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    import mlflow

    mlflow.set_tracking_uri(tracking_uri())
    return mlflow  # type: ignore[no-any-return]  # MLflow is not type-checked


def study_run(study: str, name: str, tags: Mapping[str, str]) -> str:
    """Id of the parent run under which the variants of a study are nested; made when there is none yet."""
    mlflow = _mlflow()
    experiment = mlflow.set_experiment(EXPERIMENT)
    client = mlflow.MlflowClient()
    found = client.search_runs([experiment.experiment_id], f"tags.`{STUDY_TAG}` = '{study}'", max_results=1)
    if found:
        return str(found[0].info.run_id)
    run = client.create_run(experiment.experiment_id, run_name=name, tags={**tags, STUDY_TAG: study})
    client.set_terminated(run.info.run_id)
    return str(run.info.run_id)


@dataclass(frozen=True)
class TrackedRun:
    """An open MLflow run.

    Attributes:
        run_id: its id.
        epochs: how many epochs it already holds, when it continues an interrupted training.
    """

    run_id: str
    epochs: int

    def log_params(self, params: Mapping[str, Any]) -> None:
        _mlflow().log_params(dict(params))

    def log_epoch(self, epoch: int, metrics: Mapping[str, float]) -> None:
        """The metrics of an epoch in one batch; an epoch that the run already holds is left as it is."""
        if epoch > self.epochs:
            _mlflow().log_metrics(dict(metrics), step=epoch)

    def log_data(self, folder: Path, name: str, digest: str, context: str) -> None:
        """Name the data a run has used, by content hash."""
        mlflow = _mlflow()
        from mlflow.data.code_dataset_source import CodeDatasetSource
        from mlflow.data.meta_dataset import MetaDataset

        source = CodeDatasetSource({"made_by": "rmsnet extract", "folder": str(folder)})
        mlflow.log_input(MetaDataset(source, name=name, digest=digest), context=context)

    def log_folder(self, folder: Path, name: str) -> None:
        _mlflow().log_artifacts(str(folder), name)

    def log_model(self, folder: Path, example: "npt.NDArray[np.float32]", tags: Mapping[str, str]) -> str:
        """Log a model folder as an MLflow model: code and safetensors, no pickle.

        Args:
            folder: as `rmsnet.model_files` writes it.
            example: (T, D) features, the input example.
            tags: of the logged model.

        Returns:
            The model's id.
        """
        from importlib.metadata import version

        import rmsnet

        package = Path(rmsnet.__file__).parent
        logged = _mlflow().pyfunc.log_model(
            name="model",
            python_model=str(package / "pyfunc_model.py"),
            artifacts={"model": str(folder)},
            code_paths=[str(package)],
            pip_requirements=[f"{name}=={version(name)}" for name in MODEL_PACKAGES],
            input_example=example,
            signature=_signature(example.shape[1]),
            tags=dict(tags),
        )
        return str(logged.model_id)


def _signature(width: int) -> Any:
    import numpy as np
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema, TensorSpec

    return ModelSignature(
        inputs=Schema([TensorSpec(np.dtype(np.float32), (-1, width))]),
        outputs=Schema([ColSpec("long", "position_ms"), ColSpec("string", "label"), ColSpec("double", "confidence")]),
    )


@contextmanager
def tracked_run(
    name: str, parent_run_id: str, tags: Mapping[str, str], run_id: str | None = None
) -> Iterator[TrackedRun]:
    """A run nested under a study; one that is named by `run_id` and still there is continued.

    A block that raises leaves the run as FAILED.
    """
    mlflow = _mlflow()
    mlflow.set_experiment(EXPERIMENT)
    epochs = 0
    if run_id is not None:
        try:
            epochs = len(mlflow.MlflowClient().get_metric_history(run_id, "loss"))
        except mlflow.MlflowException:
            run_id = None
    run = mlflow.start_run(
        run_id=run_id, run_name=name, parent_run_id=parent_run_id, tags=dict(tags), log_system_metrics=False
    )
    with run:
        yield TrackedRun(run.info.run_id, epochs)


def log_evaluation(run_id: str, model_id: str, split: str, scores: Mapping[str, float], folder: Path) -> None:
    """Add the scores of a model on a split, and the folder with its report, to the run that trained it."""
    mlflow = _mlflow()
    client = mlflow.MlflowClient()
    try:
        client.get_run(run_id)
    except mlflow.MlflowException:
        raise UserError(
            f"MLflow store {tracking_uri()}: has no run {run_id} of this model; train it again with this store"
        ) from None
    for name, value in scores.items():
        client.log_metric(run_id, f"{split}_{name}", value, model_id=model_id)
    client.log_artifacts(run_id, str(folder), f"evaluation/{split}")


def model_folder(uri: str) -> Path:
    """A local copy of the model folder behind an MLflow URI such as models:/rmsnet@champion.

    Raises:
        UserError: there is no such model.
    """
    mlflow = _mlflow()
    try:
        return Path(mlflow.artifacts.download_artifacts(uri)) / "artifacts" / "model"
    except (mlflow.MlflowException, OSError) as error:
        raise UserError(f"{uri}: not to be had from {tracking_uri()} ({error})") from None


def predict_with_logged_model(model_id: str, features: "npt.NDArray[np.float32]") -> Any:
    """What the logged model, loaded as any user of MLflow would, answers to the features of a half."""
    return _mlflow().pyfunc.load_model(f"models:/{model_id}").predict(features)


def create_version(name: str, model_id: str, run_id: str, tags: Mapping[str, str]) -> int:
    """Version of the registered model that holds this logged model; made when there is none yet."""
    mlflow = _mlflow()
    client = mlflow.MlflowClient()
    for version in client.search_model_versions(f"name = '{name}' and run_id = '{run_id}'"):
        if version.model_id == model_id:
            return int(version.version)
    return int(mlflow.register_model(f"models:/{model_id}", name, tags=dict(tags)).version)


def version_of_alias(name: str, alias: str) -> int | None:
    """The version an alias points at, None where model or alias does not exist."""
    mlflow = _mlflow()
    try:
        return int(mlflow.MlflowClient().get_model_version_by_alias(name, alias).version)
    except mlflow.MlflowException:
        return None


def set_alias(name: str, alias: str, version: int) -> None:
    _mlflow().MlflowClient().set_registered_model_alias(name, alias, str(version))


def tag_version(name: str, version: int, tags: Mapping[str, str]) -> None:
    client = _mlflow().MlflowClient()
    for key, value in tags.items():
        client.set_model_version_tag(name, str(version), key, value)
