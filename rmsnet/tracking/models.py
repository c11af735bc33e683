"""Logged models and versions of the registry: fetched, loaded, registered, pointed at by aliases.

The history of a registered model NAME is kept in the registry too, as the registered model NAME-history: a version
of it for each change of aliases, with the record as tag. Versions are numbered by the store in one transaction, so
records have one order for everybody, and a record that a second process writes never replaces the first's.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rmsnet.errors import UserError
from rmsnet.files import content_hash
from rmsnet.tracking.store import connect, one_line, our_client, store_errors, tracking_uri

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

FILES_HASH_TAG = "files_hash"
RECORD_TAG = "record"
APPLIED_TAG = "applied"

_MISSING = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE", "NOT_FOUND")


@dataclass(frozen=True)
class Version:
    """A version of a registered model.

    Attributes:
        version: its number.
        model_id: of the logged model it holds.
        run_id: of the training.
        created_ms: milliseconds since 1970.
        aliases: that point at it.
        tags: by name.
    """

    version: int
    model_id: str
    run_id: str
    created_ms: int
    aliases: tuple[str, ...]
    tags: Mapping[str, str]


@contextmanager
def asking(what: str) -> Iterator[None]:
    """Errors of the store become one line that says what was asked of it."""
    try:
        yield
    except store_errors() as error:
        raise UserError(f"MLflow store {tracking_uri()}: {what}: {one_line(error)}") from None


def model_folder(uri: str) -> Path:
    """A local copy of the model folder behind an MLflow URI such as models:/rmsnet@champion.

    Raises:
        UserError: there is no such model, the store is away, or the files are not those that were registered.
    """
    from mlflow.models import Model

    found = fetch(uri)
    with asking(f"{uri}: MLmodel"):
        description = Model.load(found)
    try:
        place = description.flavors["python_function"]["artifacts"]["model"]["path"]
    except (KeyError, TypeError):
        raise UserError(f"{uri}: is no model of rmsnet: its MLmodel names no model folder") from None
    return found / str(place)


def find_model(model: str) -> Path:
    """The folder of a model that is named by its path or by an MLflow URI.

    Raises:
        UserError: the URI leads to no model (see `model_folder`).
    """
    return model_folder(model) if model.startswith(("models:/", "runs:/")) else Path(model)


def fetch(uri: str) -> Path:
    """A local copy of the MLflow model behind a URI; a version's files are compared with the hash in its tags.

    Raises:
        UserError: see `model_folder`.
    """
    mlflow = connect()
    with asking(f"{uri} is not to be had"):
        found = Path(mlflow.artifacts.download_artifacts(uri))
        expected = _expected_hash(uri)
    if expected is not None and files_hash(found) != expected:
        raise UserError(
            f"{uri}: its files are not those that were registered (hash mismatch); restore {found} or register again"
        )
    return found


def _expected_hash(uri: str) -> str | None:
    """The hash in the tags of the version that a URI names; None for a logged model and for a version without."""
    name, _, reference = uri.removeprefix("models:/").replace("@", "/@").partition("/")
    if not uri.startswith("models:/") or not reference:
        return None
    client = our_client()
    if reference.startswith("@"):
        version = client.get_model_version_by_alias(name, reference[1:])
    else:
        version = client.get_model_version(name, reference)
    tag = version.tags.get(FILES_HASH_TAG)
    return None if tag is None else str(tag)


def files_hash(folder: Path) -> str:
    """Hash of the files that make an MLflow model of ours: the model folder and the code."""
    parts = [folder / "artifacts", folder / "code", folder / "MLmodel"]
    files = sorted(file for part in parts for file in (part.rglob("*") if part.is_dir() else [part]) if file.is_file())
    kept = [file for file in files if file.suffix != ".pyc"]
    return content_hash(*(item for file in kept for item in (file.relative_to(folder).as_posix(), file.read_bytes())))


def run_tags(run_id: str) -> dict[str, str]:
    """The tags of a run."""
    with asking(f"run {run_id}"):
        return dict(our_client().get_run(run_id).data.tags)


def predict_with_logged_model(model_id: str, features: "npt.NDArray[np.float32]") -> Any:
    """What the logged model, loaded as any user of MLflow would, answers to the features of a half."""
    with asking(f"logged model {model_id} cannot be loaded"):
        return connect().pyfunc.load_model(f"models:/{model_id}").predict(features)


def create_version(name: str, model_id: str, run_id: str, tags: Mapping[str, str]) -> Version:
    """The version of the registered model that holds this logged model; made when there is none yet."""
    with asking(f"{name}: no version could be made of {model_id}"):
        for version in versions(name):
            if version.model_id == model_id:
                return version
        client = our_client()
        _make_registered_model(client, name)
        digest = files_hash(fetch(f"models:/{model_id}"))
        made = client.create_model_version(
            name,
            f"models:/{model_id}",
            run_id,
            tags={**tags, FILES_HASH_TAG: digest},
            model_id=model_id,
            await_creation_for=0,
        )
        return _version(made, {})


def _make_registered_model(client: Any, name: str, description: str | None = None) -> None:
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(name, description=description)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise


def versions(name: str) -> list[Version]:
    """All versions of a registered model, newest first; none where there is no such model."""
    with asking(f"{name}: versions"):
        pointed = aliases(name)
        found = [_version(item, pointed) for item in _all_versions(name)]
    return sorted(found, key=lambda version: -version.version)


def _all_versions(name: str) -> Iterator[Any]:
    client = our_client()
    token = None
    while True:
        page = client.search_model_versions(f"name = '{name}'", max_results=1000, page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def _version(item: Any, pointed: Mapping[str, int]) -> Version:
    number = int(item.version)
    return Version(
        number,
        # The SQL registry keeps the logged model's id in the source alone.
        item.model_id or item.source.removeprefix("models:/"),
        item.run_id or "",
        int(item.creation_timestamp),
        tuple(sorted(alias for alias, version in pointed.items() if version == number)),
        dict(item.tags),
    )


def aliases(name: str) -> dict[str, int]:
    """Which version each alias of a registered model points at; none where there is no such model."""
    from mlflow.exceptions import MlflowException

    with asking(f"{name}: aliases"):
        try:
            found = our_client().get_registered_model(name).aliases
        except MlflowException as error:
            if error.error_code in _MISSING:
                return {}
            raise
        return {alias: int(version) for alias, version in found.items()}


def set_alias(name: str, alias: str, version: int | None) -> None:
    """Point an alias at a version; None: take it away."""
    with asking(f"{name}@{alias}"):
        client = our_client()
        if version is None:
            client.delete_registered_model_alias(name, alias)
        else:
            _insisting(lambda: client.set_registered_model_alias(name, alias, str(version)))


def tag_version(name: str, version: int, tags: Mapping[str, str]) -> None:
    with asking(f"{name} version {version}: tags"):
        client = our_client()
        for key, value in tags.items():
            client.set_model_version_tag(name, str(version), key, value)


def describe_version(name: str, version: int, text: str) -> None:
    """The description that MLflow's pages show, in Markdown."""
    with asking(f"{name} version {version}: description"):
        our_client().update_model_version(name, str(version), text)


def log_to_run(run_id: str, folder: Path, name: str) -> None:
    """Add a folder to the artifacts of a finished run."""
    with asking(f"run {run_id}: {name}"):
        our_client().log_artifacts(run_id, str(folder), name)


def history_name(name: str) -> str:
    return f"{name}-history"


def append_record(name: str, version: int | None, record: Mapping[str, Any], text: str) -> int:
    """Append a record to the history of a registered model; its number.

    Args:
        name: of the registered model.
        version: that the change is about: models:/NAME-history/<number> loads it, whatever aliases do later. None:
            about none that is left.
        record: what happened.
        text: the same for people.
    """
    with asking(f"{name}: history"):
        client = our_client()
        _make_registered_model(client, history_name(name), f"Changes of the aliases of {name}, a version for each.")
        source = f"models:/{name}/{version}" if version else _last_source(name)
        made = client.create_model_version(
            history_name(name),
            source,
            tags={RECORD_TAG: json.dumps(record)},
            description=text,
            await_creation_for=0,
        )
        return int(made.version)


def _last_source(name: str) -> str:
    numbers = [int(item.version) for item in _all_versions(history_name(name))]
    return f"models:/{history_name(name)}/{max(numbers)}"


def records(name: str) -> list[tuple[int, dict[str, Any], bool]]:
    """(number, record, whether its aliases are set) of the history of a registered model, oldest first.

    Raises:
        UserError: a record that is none of ours: the history was edited by hand.
    """
    with asking(f"{name}: history"):
        found = sorted(_all_versions(history_name(name)), key=lambda item: int(item.version))
    answer = []
    for item in found:
        try:
            record = json.loads(item.tags[RECORD_TAG])
        except (KeyError, ValueError):
            raise UserError(
                f"{history_name(name)} version {item.version}: is no record of a change; it was made or edited by "
                "hand: delete that version"
            ) from None
        answer.append((int(item.version), record, APPLIED_TAG in item.tags))
    return answer


def mark_applied(name: str, number: int) -> None:
    with asking(f"{name}: history"):
        client = our_client()
        _insisting(lambda: client.set_model_version_tag(history_name(name), str(number), APPLIED_TAG, "true"))


def _insisting(write: Callable[[], object]) -> None:
    """Do it again when another process writes the same row at the same moment: the store refuses the second of two."""
    from mlflow.exceptions import MlflowException

    for attempt in range(3):
        try:
            write()
            return
        except MlflowException as error:
            if attempt == 2 or "constraint" not in str(error):
                raise
