"""The one place that talks to MLflow: runs of trainings, the models they log, versions and aliases of the registry.

In: MLFLOW_TRACKING_URI, or mlflow.db of the working directory; what a training says of itself.
Out: runs nested as study, variant and seed; logged models; a spool for what a store that is away could not take.
Read first: `runs.py`, then `store.py` (the store and its errors) and `spool.py`.
"""

from rmsnet.tracking.again import training_of
from rmsnet.tracking.attempts import TASK, finished_earlier
from rmsnet.tracking.change_log import append_record, lines, mark_applied, records
from rmsnet.tracking.groups import Group
from rmsnet.tracking.identity import store_identity
from rmsnet.tracking.logged_model import Example, recorded_example
from rmsnet.tracking.model_versions import (
    Version,
    aliases,
    create_version,
    describe_version,
    description,
    set_alias,
    tag_version,
    versions,
)
from rmsnet.tracking.models import (
    fetch_artifacts,
    fetch_model,
    find_model,
    folder_in,
    model_folder,
    predict_with_logged_model,
)
from rmsnet.tracking.runs import RUN_FILE, TrackedRun, best_scores, read_run, tracked_run
from rmsnet.tracking.spool import Synced, sync
from rmsnet.tracking.store import asking, require_place, shown, tracking_uri
from rmsnet.tracking.trainings import (
    DeletedRun,
    NoSuchRun,
    Place,
    RunRecord,
    StoreAway,
    find_run,
    log_evaluation,
    log_to_run,
    run_record,
    run_tags,
    write_note,
)

__all__ = [
    "RUN_FILE",
    "TASK",
    "DeletedRun",
    "Example",
    "Group",
    "NoSuchRun",
    "Place",
    "RunRecord",
    "StoreAway",
    "Synced",
    "TrackedRun",
    "Version",
    "aliases",
    "append_record",
    "asking",
    "best_scores",
    "create_version",
    "describe_version",
    "description",
    "fetch_artifacts",
    "fetch_model",
    "find_model",
    "find_run",
    "finished_earlier",
    "folder_in",
    "lines",
    "log_evaluation",
    "log_to_run",
    "mark_applied",
    "model_folder",
    "predict_with_logged_model",
    "read_run",
    "recorded_example",
    "records",
    "require_place",
    "run_record",
    "run_tags",
    "set_alias",
    "shown",
    "store_identity",
    "sync",
    "tag_version",
    "tracked_run",
    "tracking_uri",
    "training_of",
    "versions",
    "write_note",
]
