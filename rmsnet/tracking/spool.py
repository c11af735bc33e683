"""Bringing runs that waited in the spool to the store."""

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rmsnet.errors import UserError
from rmsnet.locks import writing
from rmsnet.tracking.groups import KINDS, PARENT_TAG, Group, group_run
from rmsnet.tracking.logged_model import MODEL_TAG, put_model
from rmsnet.tracking.pages import sections, tell_run, write_section
from rmsnet.tracking.store import (
    NOTE_TAG,
    asking,
    client_of,
    experiment_id,
    one_line,
    shown,
    spool_folder,
    spool_uri,
    store_errors,
    tracking_uri,
)
from rmsnet.tracking.trainings import CONTINUES_TAG, OF_MODEL_TAG, SPOOLED_FROM_TAG, SYNCED_TAG, has_run
from rmsnet.tracking.used_data import log_inputs

_METRICS_AT_ONCE = 1000


@dataclass(frozen=True)
class Synced:
    """A run that was brought to the store.

    Attributes:
        name: of the run.
        run_id: in the store.
        model_id: of its logged model in the store, None where it has none.
    """

    name: str
    run_id: str
    model_id: str | None


def sync() -> list[Synced]:
    """Bring every finished run of the spool that the store does not have yet to the store.

    A sync that is interrupted goes on where it was: what a run of the store already holds is not sent again. The
    spool keeps its runs, marked as synced. A run that the store refuses is in the way of no other.

    Raises:
        UserError: the store is away (again), or has refused a run; the others are there.
    """
    if not (spool_folder() / "mlflow.db").exists():
        return []
    with writing(spool_folder()):
        return _sync()


def _sync() -> list[Synced]:
    uri = tracking_uri()
    done, refused = [], []
    with asking(f"what waits stays in {spool_folder()}"):
        spool, store = client_of(spool_uri()), client_of(uri)
        experiment = experiment_id(store, uri)
        waiting = [run for run in _runs(spool) if run.info.status != "RUNNING" and SYNCED_TAG not in run.data.tags]
    for run in waiting:
        try:
            done.append(_bring(spool, store, run, experiment, uri))
            spool.set_tag(run.info.run_id, SYNCED_TAG, done[-1].run_id)
        except store_errors() as error:
            refused.append(f"{run.info.run_name}: {one_line(error)}")
            if not isinstance(error, PermissionError):  # what is refused says nothing of the next; a store away does
                break
    if refused:
        brought = f"{len(done)} of {len(waiting)} runs are there now; "
        raise UserError(f"MLflow store {shown(uri)}: {brought}the rest stays in {spool_folder()}: {'; '.join(refused)}")
    return done


def _runs(spool: Any) -> Iterator[Any]:
    """The runs of the spool that are no mere groups, in the order in which they were started: rows before seeds."""
    token = None
    while True:
        page = spool.search_runs(
            [experiment_id(spool, spool_uri())],
            max_results=1000,
            order_by=["attributes.start_time ASC"],
            page_token=token,
        )
        for run in page:
            if OF_MODEL_TAG in run.data.tags or any(f"rmsnet.{kind}.of" in run.data.tags for kind in KINDS):
                yield run
        token = page.token
        if not token:
            return


def _bring(spool: Any, store: Any, run: Any, experiment: str, uri: str) -> Synced:
    source = run.info.run_id
    run_id = _target(spool, store, run, experiment, uri)
    store.log_batch(run_id, params=[*_params(run)])
    of_model = {metric.key for metric in _linked_metrics(spool, run)}
    for key in run.data.metrics.keys() - of_model:
        held = {metric.step for metric in store.get_metric_history(run_id, key)}
        missing = [metric for metric in spool.get_metric_history(source, key) if metric.step not in held]
        for start in range(0, len(missing), _METRICS_AT_ONCE):
            store.log_batch(run_id, metrics=missing[start : start + _METRICS_AT_ONCE])
    if run.inputs.dataset_inputs:
        log_inputs(store, run_id, run.inputs.dataset_inputs)
    with tempfile.TemporaryDirectory(prefix="rmsnet-") as temporary:
        if spool.list_artifacts(source):
            store.log_artifacts(run_id, spool.download_artifacts(source, "", temporary))
    for title, text in sections(run.data.tags.get(NOTE_TAG, "")).items():
        if title:
            write_section(store, run_id, title, text.replace(source, run_id))
    model_id = _bring_model(spool, store, run, run_id)
    tell_run(store, run_id)
    if OF_MODEL_TAG not in run.data.tags:
        store.set_terminated(run_id, run.info.status, run.info.end_time)
    return Synced(run.info.run_name, run_id, model_id)


def _linked_metrics(client: Any, run: Any) -> list[Any]:
    """The metrics of a run that belong to its logged model."""
    if MODEL_TAG not in run.data.tags:
        return []
    return client.get_logged_model(run.data.tags[MODEL_TAG]).metrics or []


def _params(run: Any) -> Iterator[Any]:
    from mlflow.entities import Param

    return (Param(key, value) for key, value in run.data.params.items())


def _target(spool: Any, store: Any, run: Any, experiment: str, uri: str) -> str:
    """The run of the store that takes it: the one it was meant for, the one of a broken sync, or a new one."""
    continues = run.data.tags.get(CONTINUES_TAG)
    if continues and has_run(store, continues):
        store.set_tag(continues, SPOOLED_FROM_TAG, run.info.run_id)
        return str(continues)
    found = store.search_runs([experiment], f"tags.`{SPOOLED_FROM_TAG}` = '{run.info.run_id}'", max_results=1)
    if found:
        return str(found[0].info.run_id)
    parent = None
    for above in _groups_above(spool, run):
        kind = next(kind for kind in KINDS if f"rmsnet.{kind}" in above.data.tags)
        group = Group(kind, above.data.tags[f"rmsnet.{kind}"], above.info.run_name)
        tags = {key: value for key, value in above.data.tags.items() if key != PARENT_TAG}
        parent = group_run(store, experiment, group, parent, tags, uri)
    tags = {**run.data.tags, SPOOLED_FROM_TAG: run.info.run_id, **({PARENT_TAG: parent} if parent else {})}
    tags.pop(MODEL_TAG, None)
    made = store.create_run(experiment, run.info.start_time, tags=tags, run_name=run.info.run_name)
    return str(made.info.run_id)


def _groups_above(spool: Any, run: Any) -> list[Any]:
    """The study and the variant of a run, the study first."""
    above = []
    while PARENT_TAG in run.data.tags:
        run = spool.get_run(run.data.tags[PARENT_TAG])
        above.append(run)
    return above[::-1]


def _bring_model(spool: Any, store: Any, run: Any, run_id: str) -> str | None:
    """Copy the logged model with the metrics that are linked to it; of evaluations the metrics alone."""
    if MODEL_TAG not in run.data.tags:
        return None
    model_id = run.data.tags.get(OF_MODEL_TAG) or store.get_run(run_id).data.tags.get(MODEL_TAG)
    model = spool.get_logged_model(run.data.tags[MODEL_TAG])
    if model_id is None:
        with tempfile.TemporaryDirectory(prefix="rmsnet-") as temporary:
            saved = Path(shutil.copytree(model.artifact_location, f"{temporary}/model"))
            model_id = put_model(
                store, run_id, saved, {key: value for key, value in model.tags.items() if not key.startswith("mlflow.")}
            )
    linked = {(metric.key, metric.timestamp) for metric in store.get_logged_model(model_id).metrics or []}
    for metric in _linked_metrics(spool, run):
        if (metric.key, metric.timestamp) not in linked:
            metric._model_id = model_id
            store.log_batch(run_id, metrics=[metric])
    return str(model_id)
