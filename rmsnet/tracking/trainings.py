"""Finished trainings: where their runs are, what they scored, what a store knows of them."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rmsnet.errors import UserError
from rmsnet.tracking.logged_model import MODEL_TAG
from rmsnet.tracking.store import (
    asking,
    client_of,
    experiment_id,
    one_line,
    our_client,
    spool_folder,
    spool_uri,
    store_errors,
    tracking_uri,
)
from rmsnet.tracking.used_data import dataset_input, log_inputs

SPOOLED_FROM_TAG = "rmsnet.spooled_from"
"""On a run of the store: the id it had in the spool."""


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


def run_tags(run_id: str) -> dict[str, str]:
    """The tags of a run."""
    with asking(f"run {run_id}"):
        return dict(our_client().get_run(run_id).data.tags)


def log_to_run(run_id: str, folder: Path, name: str) -> None:
    """Add a folder to the artifacts of a finished run."""
    with asking(f"run {run_id}: {name}"):
        our_client().log_artifacts(run_id, str(folder), name)
