"""The one place that talks to MLflow: runs of trainings, the models they log, versions and aliases of the registry."""

from rmsnet.tracking.models import (
    Version,
    aliases,
    append_record,
    asking,
    create_version,
    describe_version,
    fetch,
    log_to_run,
    mark_applied,
    model_folder,
    predict_with_logged_model,
    records,
    run_tags,
    set_alias,
    tag_version,
    versions,
)
from rmsnet.tracking.runs import Group, Place, RunRecord, TrackedRun, find_run, log_evaluation, run_record, tracked_run
from rmsnet.tracking.spool import Synced, sync
from rmsnet.tracking.store import tracking_uri

__all__ = [
    "Group",
    "Place",
    "RunRecord",
    "Synced",
    "TrackedRun",
    "Version",
    "aliases",
    "append_record",
    "asking",
    "create_version",
    "describe_version",
    "fetch",
    "find_run",
    "log_evaluation",
    "log_to_run",
    "mark_applied",
    "model_folder",
    "predict_with_logged_model",
    "records",
    "run_record",
    "run_tags",
    "set_alias",
    "sync",
    "tag_version",
    "tracked_run",
    "tracking_uri",
    "versions",
]
