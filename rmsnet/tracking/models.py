"""Logged models and versions of the registry: fetched, loaded, registered, pointed at by aliases.

The history of a registered model NAME is kept in the registry too, as the registered model NAME-history: a version
of it for each change of aliases, with the record as tag. Versions are numbered by the store in one transaction, so
records have one order for everybody, and a record that a second process writes never replaces the first's.
"""

import json
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rmsnet.documents import read_yaml, structured
from rmsnet.errors import UserError
from rmsnet.files import content_hash
from rmsnet.logs import log
from rmsnet.reading.hub import HUB, fetch_published
from rmsnet.reading.names import fault_of
from rmsnet.tracking.logged_model import MLMODEL, known_packages
from rmsnet.tracking.patience import DOWNLOAD_SECONDS
from rmsnet.tracking.registry_tables import VersionRow, alias_rows, files_of_version, version_rows
from rmsnet.tracking.store import asking, connect, our_client, prepared_file, shown, tracking_uri
from rmsnet.waiting import bounded

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

FILES_HASH_TAG = "files_hash"

OURS_TAG = "rmsnet.registered"
"""On every version that this program has registered; before there was one, most had a tag with its version."""

_SCHEME = "all-"

_VOLATILE = ("artifact_path", "model_id", "model_uuid", "run_id", "utc_time_created")
"""What MLflow writes anew when a model is logged, or that says where it lies."""


def model_folder(uri: str) -> Path:
    """A local copy of the model folder behind an MLflow URI such as models:/rmsnet@champion.

    Raises:
        UserError: there is no such model, the store is away, or the files are not those that were registered.
    """
    return folder_in(fetch_model(uri), uri)


def folder_in(folder: Path, uri: str) -> Path:
    """The model folder in a folder with an MLflow model of ours; else the folder itself.

    Raises:
        UserError: an MLflow model that is none of ours, or damaged.
    """
    if not (folder / MLMODEL).exists():
        return folder
    where = f"{uri}: {MLMODEL}"
    description = structured(read_yaml(folder / MLMODEL, where), _Description, where, "it is no model of rmsnet")
    return folder / description.flavors.python_function.artifacts["model"].path


@dataclass(frozen=True)
class _Artifact:
    path: str


@dataclass(frozen=True)
class _Function:
    artifacts: dict[str, _Artifact]

    def __post_init__(self) -> None:
        if "model" not in self.artifacts or fault_of(self.artifacts["model"].path):
            raise ValueError("artifacts: name no model folder")


@dataclass(frozen=True)
class _Flavors:
    python_function: _Function


@dataclass(frozen=True)
class _Description:
    """What is read of an MLmodel."""

    flavors: _Flavors


def find_model(model: str) -> Path:
    """The folder of a model that is named by its path, by an MLflow URI or by hf://ORGANISATION/NAME.

    A path may lead to a folder with an MLflow model.

    Raises:
        UserError: the URI leads to no model (see `model_folder`, `rmsnet.reading.hub.fetch_published`).
    """
    if model.startswith(HUB):
        return fetch_published(model)
    return folder_in(fetch_model(model), model)


def fetch_model(uri: str) -> Path:
    """A local copy of the MLflow model behind a URI; a version's files are compared with the hash in its tags.

    A folder is where it is.

    Raises:
        UserError: see `model_folder`.
    """
    if not uri.startswith(("models:/", "runs:/")):
        return Path(uri)
    with asking(f"{uri} is not to be had"):
        found, version = _lying_here(uri) or _fetched(uri)
    if version is not None:
        _require_registered_files(uri, found, version.tags)
    return found


def _lying_here(uri: str) -> tuple[Path, VersionRow] | None:
    """Folder and version behind a URI, where both are on this machine: MLflow's import takes longer than all else."""
    store, (name, reference) = prepared_file(tracking_uri()), _name_and_reference(uri)
    if store is None or not reference:
        return None
    pointed = alias_rows(store, name).get(reference[1:]) if reference.startswith("@") else None
    for version in version_rows(store, name):
        if version.version == pointed or str(version.version) == reference:
            folder = files_of_version(store, name, version.version)
            return None if folder is None else (folder, version)
    return None


def _fetched(uri: str) -> tuple[Path, Any]:
    """The same by MLflow, which copies what lies elsewhere."""
    mlflow = connect()
    found = bounded(
        f"MLflow store {shown(tracking_uri())}: {uri}",
        lambda: mlflow.artifacts.download_artifacts(uri),
        DOWNLOAD_SECONDS,
    )
    return Path(found), _version_of(uri)


def fetch_artifacts(uri: str) -> Path:
    """A local copy of the files of a run, named runs:/ID/FOLDER.

    Raises:
        UserError: there are none, or the store is away.
    """
    with asking(f"{uri} is not to be had"):
        mlflow = connect()
        found = bounded(
            f"MLflow store {shown(tracking_uri())}: {uri}",
            lambda: mlflow.artifacts.download_artifacts(uri),
            DOWNLOAD_SECONDS,
        )
    return Path(found)


def _version_of(uri: str) -> Any:
    """The version that a URI names; None for a logged model."""
    name, reference = _name_and_reference(uri)
    if not reference:
        return None
    if reference.startswith("@"):
        return our_client().get_model_version_by_alias(name, reference[1:])
    return our_client().get_model_version(name, reference)


def _name_and_reference(uri: str) -> tuple[str, str]:
    """Of models:/NAME/VERSION or models:/NAME@ALIAS; the reference is "" where it names no version."""
    name, _, reference = uri.removeprefix("models:/").replace("@", "/@").partition("/")
    return (name, reference) if uri.startswith("models:/") else ("", "")


def _require_registered_files(uri: str, folder: Path, tags: Mapping[str, str]) -> None:
    """Refuse a version whose files are not those that were registered, or of which nobody can say.

    Raises:
        UserError: another hash, or none on a version that this program has registered.
    """
    expected = tags.get(FILES_HASH_TAG)
    if expected is None and {OURS_TAG, "rmsnet.version"} & set(tags):
        raise UserError(
            f"{uri}: the hash of its files was taken off it; nobody can say that they are those that were registered; "
            "register the model again"
        )
    if expected is None:
        log.warning(f"{uri}: was registered without a hash of its files; they are taken as they are")
        return
    hashed = files_hash if expected.startswith(_SCHEME) else first_files_hash
    if hashed(folder) != expected:
        raise UserError(
            f"{uri}: its files are not those that were registered (hash mismatch); restore {folder} or register again"
        )


def files_hash(folder: Path) -> str:
    """Hash of all that is read or executed when an MLflow model is loaded; MLflow's notes to itself are left out."""
    files = [file for file in sorted(folder.rglob("*")) if file.is_file() and not _is_note(file.relative_to(folder))]
    parts: list[str | bytes] = []
    for file in files:
        content: str | bytes = file.read_bytes()
        if file == folder / MLMODEL:
            with suppress(UserError, AttributeError):  # damaged: as it is, then
                lasting = {key: value for key, value in read_yaml(file).items() if key not in _VOLATILE}
                content = json.dumps(lasting, sort_keys=True, default=str)
        parts += [file.relative_to(folder).as_posix(), content]
    return f"{_SCHEME}{content_hash(*parts)}"


def _is_note(path: Path) -> bool:
    """What is written beside a model when it is used: compiled code, and who has fetched which version."""
    return path.suffix == ".pyc" or path.name == "registered_model_meta"


def first_files_hash(folder: Path) -> str:
    """The hash that versions were registered with until it held everything: the model folder, its code, MLmodel."""
    parts = [folder / "artifacts", folder / "code", folder / MLMODEL]
    files = sorted(file for part in parts for file in (part.rglob("*") if part.is_dir() else [part]) if file.is_file())
    kept = [file for file in files if file.suffix != ".pyc"]
    return content_hash(*(item for file in kept for item in (file.relative_to(folder).as_posix(), file.read_bytes())))


def predict_with_logged_model(model_id: str, features: "npt.NDArray[np.float32]") -> Any:
    """What the logged model, loaded as any user of MLflow would with the code that it carries, answers to a half."""
    with asking(f"logged model {model_id} cannot be loaded"):
        folder = fetch_model(f"models:/{model_id}")
        return predict_with_carried_code(folder, features)


def predict_with_carried_code(folder: Path, features: "npt.NDArray[np.float32]") -> Any:
    """What a folder with an MLflow model answers where nothing of rmsnet is there but what the model brings along."""
    import mlflow

    path, ours = sys.path, {name: module for name, module in sys.modules.items() if _is_ours(name)}
    try:
        for name in ours:
            del sys.modules[name]
        with known_packages():
            return mlflow.pyfunc.load_model(str(folder)).predict(features)
    finally:
        for name in list(filter(_is_ours, sys.modules)):
            del sys.modules[name]
        sys.modules.update(ours)
        sys.path = path


def _is_ours(module: str) -> bool:
    return module.partition(".")[0] == "rmsnet"
