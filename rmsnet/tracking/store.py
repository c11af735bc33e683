"""The store behind MLFLOW_TRACKING_URI: made once however many processes ask first, and found out when it is away."""

import fcntl
import logging
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rmsnet.errors import UserError, first_cause
from rmsnet.files import content_hash

if TYPE_CHECKING:
    from types import ModuleType

DEFAULT_URI = "sqlite:///mlflow.db"
EXPERIMENT = "rmsnet"
_SQLITE = "sqlite:///"

_ENVIRONMENT = {
    # A server that is away is found out in seconds; MLflow's own defaults try for four minutes at every call.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "60",
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


def client_of(uri: str) -> Any:
    """A client of a store.

    Raises:
        UserError: a SQLite file that cannot be used: no permission, damaged, written by another version of MLflow.
    """
    mlflow = quiet_mlflow()
    path = _sqlite_path(uri)
    if path is None:
        return mlflow.MlflowClient(uri, uri)
    _prepare_sqlite(path)
    return mlflow.MlflowClient(_address_of(path), _address_of(path))


def connect() -> "ModuleType":
    """MLflow, pointed at our store, for what it does in no client: loading a model, fetching its files.

    Raises:
        UserError: see `client_of`.
    """
    mlflow = quiet_mlflow()
    client_of(tracking_uri())
    # set_tracking_uri changes the environment as well, which is the user's.
    before = os.environ.get("MLFLOW_TRACKING_URI")
    path = _sqlite_path(tracking_uri())
    mlflow.set_tracking_uri(tracking_uri() if path is None else _address_of(path))
    os.environ.pop("MLFLOW_TRACKING_URI", None)
    if before is not None:
        os.environ["MLFLOW_TRACKING_URI"] = before
    return mlflow


def our_client() -> Any:
    """A client of our store; MLflow's other parts are pointed at it as well."""
    connect()
    return client_of(tracking_uri())


def quiet_mlflow() -> "ModuleType":
    """MLflow, told to keep to warnings that matter and to give up on a server in time."""
    for name in _LOUD:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    import mlflow

    return mlflow  # type: ignore[no-any-return]  # MLflow is not type-checked


def _sqlite_path(uri: str) -> Path | None:
    return Path(uri.removeprefix(_SQLITE)).absolute() if uri.startswith(_SQLITE) else None


def _address_of(path: Path) -> str:
    """A SQLite file as MLflow names it: in an address "?" ends the path, and "%" begins an escape.

    Raises:
        UserError: the path cannot be said in an address.
    """
    near = os.path.relpath(path) if "?" in str(path) else str(path)
    if "?" in near or "%" in str(path):
        raise UserError(f"{path}: MLflow cannot use a path with % or ?; rename the folder, or set MLFLOW_TRACKING_URI")
    return f"{_SQLITE}{near}"


@cache
def _prepare_sqlite(path: Path) -> None:
    """Let one process at a time make the tables; MLflow alone fails when several find the file empty."""
    import mlflow

    uri = _address_of(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with one_process_at_a_time(uri):
            client = mlflow.MlflowClient(uri, uri)
            client.search_experiments(max_results=1)
            client.search_registered_models(max_results=1)
    except store_errors() as error:
        raise UserError(f"{path}: cannot be used as MLflow store ({one_line(error)})") from None


@contextmanager
def one_process_at_a_time(uri: str) -> Iterator[None]:
    """Hold the lock of a store on this machine: what is looked up inside is still so when it is acted on."""
    path = _sqlite_path(uri)
    if path is None:
        lock = Path(tempfile.gettempdir()) / f"rmsnet-{os.getuid()}-{content_hash(uri)}.lock"
    else:
        lock = path.with_name(f"{path.name}.lock")
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
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
        path = _sqlite_path(uri)
        location = None if path is None else str(path.parent / "mlruns")
        try:
            return str(client.create_experiment(EXPERIMENT, location))
        except mlflow.MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
            experiment = client.get_experiment_by_name(EXPERIMENT)
    if experiment.lifecycle_stage != "active":
        number = experiment.experiment_id
        raise UserError(
            f"{uri}: the experiment {EXPERIMENT} is deleted; bring it back: mlflow experiments restore -x {number}"
        )
    return str(experiment.experiment_id)


def store_errors() -> tuple[type[Exception], ...]:
    """What a store raises that is away (requests raises OSErrors), full, or refuses a call."""
    import boto3.exceptions
    import botocore.exceptions
    import mlflow
    import sqlalchemy.exc

    return (
        mlflow.MlflowException,
        sqlalchemy.exc.SQLAlchemyError,
        boto3.exceptions.Boto3Error,
        botocore.exceptions.BotoCoreError,
        botocore.exceptions.ClientError,
        OSError,
    )


def one_line(error: BaseException, width: int = 260) -> str:
    """The text of an error in one line, cut to a width."""
    text = " ".join(str(error).split()) or type(error).__name__
    if "Max retries exceeded" in text:  # the text of a server that is away holds that of every layer above the reason
        text = f"it does not answer: {first_cause(error)}"
    return text if len(text) <= width else f"{text[: width - 1]}…"


@contextmanager
def asking(what: str) -> Iterator[None]:
    """Errors of the store become one line that says what was asked of it."""
    try:
        yield
    except store_errors() as error:
        raise UserError(f"MLflow store {tracking_uri()}: {what}: {one_line(error)}") from None


def spool_folder() -> Path:
    """Where runs wait for a store that is away; RMSNET_SPOOL, or mlflow-spool in the working directory."""
    return Path(os.environ.get("RMSNET_SPOOL") or "mlflow-spool").absolute()


def spool_uri() -> str:
    return f"sqlite:///{spool_folder() / 'mlflow.db'}"
