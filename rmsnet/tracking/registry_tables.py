"""The model registry of a SQLite store, read from its tables: that takes a moment, and MLflow's import seconds.

`rmsnet.tracking.sqlite` lets no other schema pass than the one that these questions are for. What is written goes
through MLflow.
"""

from dataclasses import dataclass, field
from pathlib import Path

from rmsnet.tracking import sqlite

_WORKSPACE = "default"
_DELETED = "Deleted_Internal"
"""MLflow's stage of a version that was deleted."""


@dataclass(frozen=True)
class VersionRow:
    """A version as MLflow's client would give it.

    Attributes:
        version: its number.
        model_id: of the logged model; the SQL registry keeps it in the source alone.
        source: models:/ID of a logged model, or models:/NAME/VERSION.
        run_id: of the training; None where there was none.
        creation_timestamp: milliseconds since 1970.
        tags: by name.
    """

    version: int
    source: str
    run_id: str | None
    creation_timestamp: int
    tags: dict[str, str] = field(default_factory=dict)
    model_id: str | None = None


def version_rows(path: Path, name: str) -> list[VersionRow]:
    """All versions of a registered model; none where there is no such model."""
    rows = sqlite.read(
        path,
        "SELECT version, source, run_id, creation_time FROM model_versions "
        "WHERE workspace = ? AND name = ? AND current_stage <> ? ORDER BY version DESC",
        *(_WORKSPACE, name, _DELETED),
    )
    found = {
        int(str(version)): VersionRow(int(str(version)), str(source), None if run is None else str(run), int(str(made)))
        for version, source, run, made in rows
    }
    tags = sqlite.read(
        path,
        "SELECT version, key, value FROM model_version_tags WHERE workspace = ? AND name = ?",
        *(_WORKSPACE, name),
    )
    for version, key, value in tags:
        if int(str(version)) in found:
            found[int(str(version))].tags[str(key)] = str(value)
    return list(found.values())


def alias_rows(path: Path, name: str) -> dict[str, int]:
    """Which version each alias of a registered model points at; none where there is no such model."""
    rows = sqlite.read(
        path, "SELECT alias, version FROM registered_model_aliases WHERE workspace = ? AND name = ?", _WORKSPACE, name
    )
    return {str(alias): int(str(version)) for alias, version in rows}


def files_of_version(path: Path, name: str, version: int) -> Path | None:
    """Where the files of a version lie, if that is a folder of this machine with an MLflow model."""
    rows = sqlite.read(
        path,
        "SELECT storage_location FROM model_versions WHERE workspace = ? AND name = ? AND version = ?",
        *(_WORKSPACE, name, str(version)),
    )
    folder = Path(str(rows[0][0])) if rows else Path()
    return folder if folder.is_absolute() and (folder / "MLmodel").is_file() else None
