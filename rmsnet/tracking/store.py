"""The store behind MLFLOW_TRACKING_URI: made once however many processes ask first, and found out when it is away."""

import logging
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from rmsnet import errors
from rmsnet.errors import UserError, redacted
from rmsnet.files import content_hash
from rmsnet.logs import log
from rmsnet.tracking import sqlite
from rmsnet.tracking.patience import Patient
from rmsnet.waiting import bounded

if TYPE_CHECKING:
    from types import ModuleType

DEFAULT_URI = "sqlite:///mlflow.db"
EXPERIMENT = "rmsnet"

NOTE_TAG = "mlflow.note.content"
"""On an experiment or a run: what its page says, as Markdown."""

EXPERIMENT_TAGS = {
    # Versions of MLflow that ask an experiment what it is for open its training runs, not pages for language models.
    "mlflow.experimentKind": "custom_model_development",
    NOTE_TAG: "Event spotting in soccer broadcasts. A study holds its variants, a variant its seeds; a row of either "
    "shows the scores of what it holds. Which models were registered, and why: the model registry.",
}

_SQLITE = "sqlite:///"

_ENVIRONMENT = {
    # A server that is away is found out in seconds; MLflow's own defaults try for four minutes at every call.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "60",
    # A server that says "not before tomorrow" is as good as away.
    "MLFLOW_HTTP_RESPECT_RETRY_AFTER_HEADER": "false",
    # Standard output is ours.
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}

# A fresh store is told of at length (migrations, a new experiment), a lost one again and again; we say it once.
_LOUD = (
    "alembic",
    "mlflow.models",
    "mlflow.pyfunc",
    "mlflow.store.db.utils",
    "mlflow.store.model_registry",
    "mlflow.system_metrics",
    "mlflow.tracking",
)


def tracking_uri() -> str:
    return os.environ.get("MLFLOW_TRACKING_URI") or DEFAULT_URI


def shown(uri: str) -> str:
    """The address of a store as it may be printed, kept and compared: without user and password."""
    return redacted(uri)


def project_root() -> Path:
    """Where what has no other place lies: the working directory.

    Of DVC's experiments in a folder of their own, which goes when they are done, it is the project that they are of.
    """
    root = os.environ.get("DVC_ROOT")
    return Path(root).absolute() if root and "DVC_EXP_NAME" in os.environ else Path.cwd()


def client_of(uri: str) -> Any:
    """A client of a store, whose every call is bounded in time.

    Raises:
        UserError: a SQLite file that cannot be used: no permission, damaged, written by another version of MLflow.
        OSError: it is locked for too long, or what answers is no MLflow server.
    """
    path = prepared_file(uri)
    mlflow = quiet_mlflow()
    if path is None:
        client = Patient(mlflow.MlflowClient(uri, uri), shown(uri))
        if uri.startswith("http"):
            _require_mlflow(client, uri)
        return client
    # MLflow remembers where a run's artifacts lie, whatever store it was in and wherever that has moved since.
    mlflow.tracking._tracking_service.utils._artifact_repos_cache.clear()
    return Patient(mlflow.MlflowClient(sqlite.uri_of(path), sqlite.uri_of(path)), uri)


def prepared_file(uri: str) -> Path | None:
    """The file of a SQLite store, made and found sound; None: the store is another one.

    Raises:
        UserError, OSError: see `client_of`.
    """
    path = sqlite_path(uri)
    if path is None:
        return None
    try:
        bounded(f"MLflow store {uri}", lambda: sqlite.prepare(path, EXPERIMENT), sqlite.LOCK_SECONDS)
    except TimeoutError:
        raise
    except store_errors() as error:
        if "locked" in str(error):
            raise
        raise UserError(f"{path}: cannot be used as MLflow store ({one_line(error)})") from None
    return path


_servers: set[str] = set()
"""Addresses where an MLflow server has answered this process."""


def _require_mlflow(client: Patient, uri: str) -> None:
    """Find out what answers every question with {}: it would be taken for a server that has nothing."""
    if uri in _servers:
        return
    from mlflow.entities import ViewType
    from mlflow.utils.credentials import get_default_host_creds
    from mlflow.utils.rest_utils import http_request

    if not client.search_experiments(view_type=ViewType.ALL, max_results=1):
        asked = bounded(
            f"MLflow store {shown(uri)}", lambda: http_request(get_default_host_creds(uri), "/version", "GET")
        )
        if not asked.text.strip()[:1].isdigit():
            raise OSError("what answers there is no MLflow server; is MLFLOW_TRACKING_URI the right address?")
    _servers.add(uri)


def connect() -> "ModuleType":
    """MLflow, pointed at our store, for what it does in no client: loading a model, fetching its files.

    Raises:
        UserError, OSError: see `client_of`.
    """
    our_client()
    return quiet_mlflow()


def our_client() -> Any:
    """A client of our store; MLflow's other parts are pointed at it as well."""
    client = client_of(tracking_uri())
    # set_tracking_uri changes the environment as well, which is the user's.
    before = os.environ.get("MLFLOW_TRACKING_URI")
    path = sqlite_path(tracking_uri())
    quiet_mlflow().set_tracking_uri(tracking_uri() if path is None else sqlite.uri_of(path))
    os.environ.pop("MLFLOW_TRACKING_URI", None)
    if before is not None:
        os.environ["MLFLOW_TRACKING_URI"] = before
    return client


def quiet_mlflow() -> "ModuleType":
    """MLflow, told to keep to warnings that matter and to give up on a server in time."""
    for logger in map(logging.getLogger, _LOUD):
        if logger.level != logging.CRITICAL:  # setting it empties the caches of all loggers there are
            logger.setLevel(logging.CRITICAL)
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    import mlflow

    return mlflow  # type: ignore[no-any-return]  # MLflow is not type-checked


def sqlite_path(uri: str) -> Path | None:
    return project_root() / uri.removeprefix(_SQLITE) if uri.startswith(_SQLITE) else None


def require_place() -> None:
    """Refuse, before anything is computed, a store that no place can be found for.

    Raises:
        UserError: see `rmsnet.tracking.sqlite.require_place`.
    """
    path = sqlite_path(tracking_uri())
    if path is not None:
        sqlite.require_place(path)


@contextmanager
def one_process_at_a_time(uri: str) -> Iterator[None]:
    """Hold the lock of a store on this machine: what is looked up inside is still so when it is acted on."""
    path = sqlite_path(uri)
    if path is None:
        path = Path(tempfile.gettempdir()) / f"rmsnet-{os.getuid()}-{content_hash(uri)}"
    with sqlite.locked(path):
        yield


def experiment_id(client: Any, uri: str) -> str:
    """The experiment of our runs, made when there is none; the one that Kubeflow's MLflow plugin names, where it does.

    The artifacts of a SQLite store lie beside its file, from wherever it is used.
    """
    import mlflow

    if uri == tracking_uri() and "MLFLOW_EXPERIMENT_ID" in os.environ:
        return os.environ["MLFLOW_EXPERIMENT_ID"]
    experiment = client.get_experiment_by_name(EXPERIMENT)
    if experiment is None:
        path = sqlite_path(uri)
        location = None if path is None else str(path.parent / sqlite.ARTIFACTS)
        try:
            return str(client.create_experiment(EXPERIMENT, location, EXPERIMENT_TAGS))
        except mlflow.MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
            experiment = client.get_experiment_by_name(EXPERIMENT)
    if not experiment.experiment_id:
        raise OSError("it answers without saying anything: what answers there is no MLflow server")
    if experiment.lifecycle_stage != "active":
        number = experiment.experiment_id
        raise UserError(
            f"{shown(uri)}: the experiment {EXPERIMENT} is deleted; bring it back: "
            f"mlflow experiments restore -x {number}"
        )
    for key in EXPERIMENT_TAGS.keys() - experiment.tags.keys():  # made before they were set
        with suppress(mlflow.MlflowException):
            client.set_experiment_tag(experiment.experiment_id, key, EXPERIMENT_TAGS[key])
    return str(experiment.experiment_id)


_warned: set[str] = set()


def warn_of_local_artifacts(client: Any, uri: str, experiment: str) -> str | None:
    """Say once that a server hands out paths of its own disk for artifacts; the path, None where it does not.

    A client takes such a path for one of its own: what it writes there the server never sees.
    """
    if not uri.startswith("http"):
        return None
    place = str(client.get_experiment(experiment).artifact_location)
    if urlsplit(place).scheme not in ("", "file"):
        return None
    if uri not in _warned:
        _warned.add(uri)
        log.warning(
            f"MLflow store {shown(uri)} hands out {place} for artifacts, a path of its own disk: models and "
            "reports go to that path of this machine, where the server does not see them; start the server with "
            "--artifacts-destination and make a new experiment"
        )
    return place


def store_errors() -> tuple[type[Exception], ...]:
    """What a store raises that is away (requests raises OSErrors), full, or refuses a call."""
    import mlflow
    import sqlalchemy.exc

    of_store = (mlflow.MlflowException, sqlalchemy.exc.SQLAlchemyError, OSError)
    try:
        import boto3.exceptions
        import botocore.exceptions
    except ModuleNotFoundError:  # no artifacts in a bucket
        return of_store
    bucket = (boto3.exceptions.Boto3Error, botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError)
    return (*of_store, *bucket)


def one_line(error: BaseException, width: int = 260) -> str:
    """The text of an error in one line, cut to a width."""
    text = errors.one_line(error)
    if "Max retries exceeded" in text:  # the text of a server that is away holds that of every layer above the reason
        text = f"it does not answer: {errors.first_cause(error)}"
    elif "not in a valid JSON format" in text:
        text = f"what answers there is no MLflow server: {text.partition('Response body: ')[2]}"
    return text if len(text) <= width else f"{text[: width - 1]}…"


@contextmanager
def asking(what: str) -> Iterator[None]:
    """Errors of the store become one line that says what was asked of it."""
    try:
        yield
    except store_errors() as error:
        raise UserError(f"MLflow store {shown(tracking_uri())}: {what}: {one_line(error)}") from None


def spool_folder() -> Path:
    """Where runs wait for a store that is away; RMSNET_SPOOL, or mlflow-spool in the working directory."""
    return project_root() / (os.environ.get("RMSNET_SPOOL") or "mlflow-spool")


def spool_uri() -> str:
    return sqlite.uri_of(spool_folder() / "mlflow.db")
