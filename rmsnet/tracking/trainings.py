"""Finished trainings: where their runs are, what they scored, what a store knows of them."""

import math
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rmsnet.errors import UserError
from rmsnet.logs import log
from rmsnet.tracking.logged_model import MODEL_TAG
from rmsnet.tracking.pages import tell_run, write_section
from rmsnet.tracking.store import (
    asking,
    client_of,
    experiment_id,
    one_line,
    our_client,
    shown,
    spool_folder,
    spool_uri,
    store_errors,
    tracking_uri,
    warn_of_local_artifacts,
)
from rmsnet.tracking.used_data import dataset_input, log_inputs

SPOOLED_FROM_TAG = "rmsnet.spooled_from"
"""On a run of the store: the id it had elsewhere, in the spool or in a store that is gone."""

CONTINUES_TAG = "rmsnet.continues"
"""On a run of the spool: the run of the store that it takes over from."""

OF_MODEL_TAG = "rmsnet.of_model"
"""On a run of the spool that holds evaluations alone: the logged model of the store that was judged."""

SYNCED_TAG = "rmsnet.synced"
"""On a run of the spool: the run of the store that holds all of it."""

_MISSING = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")


class StoreAway(UserError):
    """The store does not answer."""


class NoSuchRun(UserError):
    """The store answers and has no such run."""


class DeletedRun(UserError):
    """The run was deleted, and can be brought back."""


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
    """Where the run of a training is now: in the store under its id, or under a new one, or in the spool.

    Raises:
        StoreAway, DeletedRun, NoSuchRun: it is not in the spool, and the store is away, or has it no longer.
    """
    uri = tracking_uri()
    in_spool = (spool_folder() / "mlflow.db").exists() and has_run(client_of(spool_uri()), run_id)
    try:
        client = client_of(uri)
        if has_run(client, run_id):
            tags = client.get_run(run_id).data.tags
            return Place(uri, run_id, tags.get(MODEL_TAG, model_id))
        experiment = experiment_id(client, uri)
        found = client.search_runs([experiment], f"tags.`{SPOOLED_FROM_TAG}` = '{run_id}'", max_results=1)
        if found and MODEL_TAG in found[0].data.tags:
            return Place(uri, found[0].info.run_id, found[0].data.tags[MODEL_TAG])
        deleted = not in_spool and _is_deleted(client, run_id)
    except store_errors() as error:
        if not in_spool:
            raise StoreAway(f"MLflow store {shown(uri)}: {one_line(error)}; run this again when it is back") from None
        deleted = False
    if in_spool:
        return Place(spool_uri(), run_id, model_id)
    if deleted:
        raise DeletedRun(
            f"MLflow store {shown(uri)}: run {run_id} was deleted; bring it back: mlflow runs restore --run-id {run_id}"
        )
    raise NoSuchRun(
        f"MLflow store {shown(uri)}: has no run {run_id} of this model; rmsnet evaluate and rmsnet "
        "registry register log it again from its folder"
    )


def has_run(client: Any, run_id: str) -> bool:
    return _stage(client, run_id) == "active"


def _is_deleted(client: Any, run_id: str) -> bool:
    return _stage(client, run_id) == "deleted"


def _stage(client: Any, run_id: str) -> str | None:
    """ "active" or "deleted"; None where there is no such run."""
    from mlflow.exceptions import MlflowException

    try:
        return str(client.get_run(run_id).info.lifecycle_stage)
    except MlflowException as error:
        if error.error_code in _MISSING:
            return None
        raise


def log_evaluation(
    run_id: str,
    model_id: str,
    split: str,
    scores: Mapping[str, float],
    folder: Path,
    dataset: tuple[str, str] | None = None,
    *,
    own: bool = True,
    step: int = 0,
) -> None:
    """Add the scores of a model on a split, and the folder with its report, to the run that trained it.

    Scores on other data than the run's own stand beside its own, under the name and hash of those data. Where the
    store is away they are kept in the spool.

    Args:
        run_id: of the training.
        model_id: of its logged model; the scores are linked to it.
        split: "valid" or "test".
        scores: by name.
        folder: metrics, predictions, plots, report.
        dataset: name and content hash of the data the model was judged on.
        own: whether those data belong to the ones it was trained on.
        step: the epoch whose weights were judged.

    Raises:
        NoSuchRun, DeletedRun: see `find_run`.
        UserError: neither store nor spool takes it.
    """
    try:
        place = find_run(run_id, model_id)
    except StoreAway as error:
        _keep_scores(run_id, model_id, str(error), split, scores, folder, dataset, own, step)
        return
    try:
        _log_scores(place, split, scores, folder, dataset, own, step)
    except store_errors() as error:
        if place.spooled:
            raise UserError(f"the spool {spool_folder()}: {one_line(error)}; make room, then run this again") from None
        why = f"MLflow store {shown(place.uri)} fails ({one_line(error)})"
        _keep_scores(place.run_id, place.model_id, why, split, scores, folder, dataset, own, step)


def _log_scores(
    place: Place,
    split: str,
    scores: Mapping[str, float],
    folder: Path,
    dataset: tuple[str, str] | None,
    own: bool,
    step: int,
) -> None:
    from mlflow.entities import Metric

    client = client_of(place.uri)
    warn_of_local_artifacts(client, place.uri, client.get_run(place.run_id).info.experiment_id)
    name, digest = dataset or (None, None)
    metric, artifacts, context = f"{split}_", f"evaluation/{split}", f"evaluate {split}"
    if name is not None and digest is not None and not (own and _is_own(client, place, split, digest)):
        other = f"{re.sub(r'[^A-Za-z0-9 _.-]', '-', name)} {digest[:8]}"
        metric, artifacts, context = f"{other}/", f"evaluation/{other}", f"evaluate {other}"
    now = int(1000 * time.time())
    logged = [
        Metric(f"{metric}{key}", value, now, step, model_id=place.model_id, dataset_name=name, dataset_digest=digest)
        for key, value in scores.items()
        if math.isfinite(value)
    ]
    client.log_batch(place.run_id, metrics=logged)
    if dataset is not None:
        log_inputs(client, place.run_id, [dataset_input(*dataset, context, {"split": split})])
    client.log_artifacts(place.run_id, str(folder), artifacts)
    tell_run(client, place.run_id)


def _is_own(client: Any, place: Place, split: str, digest: str) -> bool:
    """Whether earlier scores of this split, if there are any, are of the same data."""
    metrics = client.get_logged_model(place.model_id).metrics or []
    earlier = {item.dataset_digest for item in metrics if item.key.startswith(f"{split}_") and item.dataset_digest}
    return not earlier or digest in earlier


def _keep_scores(run_id: str, model_id: str, why: str, *scores: Any) -> None:
    """Scores of a run of the store, in the spool: a run that `sync` brings into that one."""
    log.warning(f"{why}; the scores are kept in {spool_folder()}; when the store is back: rmsnet registry sync")
    try:
        client = client_of(spool_uri())
        experiment = experiment_id(client, spool_uri())
        waiting = [
            run
            for run in client.search_runs([experiment], f"tags.`{CONTINUES_TAG}` = '{run_id}'")
            if SYNCED_TAG not in run.data.tags and OF_MODEL_TAG in run.data.tags
        ]
        if waiting:
            kept = Place(spool_uri(), waiting[0].info.run_id, waiting[0].data.tags[MODEL_TAG])
        else:
            run = client.create_run(
                experiment, run_name="evaluation", tags={CONTINUES_TAG: run_id, OF_MODEL_TAG: model_id}
            )
            stand_in = client.create_logged_model(experiment, "evaluated", source_run_id=run.info.run_id)
            client.set_tag(run.info.run_id, MODEL_TAG, stand_in.model_id)
            kept = Place(spool_uri(), run.info.run_id, stand_in.model_id)
        _log_scores(kept, *scores)
        client.set_terminated(kept.run_id)
    except store_errors() as error:
        raise UserError(f"the spool {spool_folder()}: {one_line(error)}; make room, then run this again") from None


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
    from mlflow.exceptions import MlflowException

    place = find_run(run_id, model_id)
    metrics: list[Any] = []
    try:
        client = client_of(place.uri)
        run = client.get_run(place.run_id)
        try:
            metrics = client.get_logged_model(place.model_id).metrics or []
        except MlflowException as error:
            if error.error_code not in _MISSING:
                raise
            log.warning(f"logged model {place.model_id} was deleted; its scores are not known")
    except store_errors() as error:
        raise UserError(f"MLflow store {shown(place.uri)}: run {place.run_id}: {one_line(error)}") from None
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


def write_note(run_id: str, title: str, text: str) -> None:
    """A section of what the page of a finished run says."""
    with asking(f"run {run_id}: its note"):
        write_section(our_client(), run_id, title, text)


def log_to_run(run_id: str, folder: Path, name: str) -> None:
    """Add a folder to the artifacts of a finished run."""
    with asking(f"run {run_id}: {name}"):
        our_client().log_artifacts(run_id, str(folder), name)
