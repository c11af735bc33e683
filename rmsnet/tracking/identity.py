"""Which store this is, and whether it has lost a champion that it had: what a pipeline must know that keeps its files.

A cache of files, such as DVC's, knows nothing of runs and registries: it may bring the files of a registration beside a
store in which nothing was registered. So the registration depends on what stands here.
"""

from pathlib import Path
from typing import Any

from rmsnet.tracking.model_versions import aliases, versions
from rmsnet.tracking.sqlite import moved_from, read
from rmsnet.tracking.store import (
    EXPERIMENT,
    asking,
    client_of,
    experiment_id,
    sqlite_path,
    tracking_uri,
)

CHAMPION = "champion"

_PROMOTED = ("promoted", "forced", "taken back")
"""The tag "decision" of versions that are or were the champion."""


def store_identity(name: str) -> dict[str, Any]:
    """What tells a store from others, and the state of a registered model in it.

    Makes the store if there is none. It stays the same as long as nothing is lost.

    Args:
        name: of the registered model.

    Returns:
        "store": an id; "lost_champion": whether a version has been champion, and no champion can be loaded.

    Raises:
        UserError: the store is away, or is none.
    """
    path = sqlite_path(tracking_uri())
    if path is not None:
        known = _known(path, name)
        if known is not None:
            return known
    with asking("which it is"):
        client = client_of(tracking_uri())
        experiment = client.get_experiment(experiment_id(client, tracking_uri()))
    identity = _identity(experiment.experiment_id, experiment.creation_time)
    pointed = aliases(name)
    decided = [version for version in versions(name) if version.tags.get("decision") in _PROMOTED]
    lost = bool(decided) and pointed.get(CHAMPION) not in [version.version for version in decided]
    return {"store": identity, "lost_champion": lost or (path is not None and _lost(path, name))}


def _identity(experiment: object, created_ms: object) -> str:
    return f"experiment {experiment} of {created_ms}"


def _known(path: Path, name: str) -> dict[str, Any] | None:
    """The same of a SQLite store that is there, without MLflow, which takes seconds to start."""
    if not path.exists() or moved_from(path, EXPERIMENT) is not None:
        return None
    found = read(
        path,
        "SELECT experiment_id, creation_time FROM experiments WHERE name = ? AND lifecycle_stage = 'active'",
        EXPERIMENT,
    )
    return {"store": _identity(*found[0]), "lost_champion": _lost(path, name)} if found else None


def _lost(path: Path, name: str) -> bool:
    decided = read(path, "SELECT value FROM model_version_tags WHERE name = ? AND key = 'decision'", name)
    if not {str(row[0]) for row in decided} & set(_PROMOTED):
        return False
    places = read(
        path,
        "SELECT storage_location FROM model_versions JOIN registered_model_aliases USING (name, version) "
        "WHERE name = ? AND alias = ? AND current_stage <> 'Deleted_Internal'",
        name,
        CHAMPION,
    )
    return not places or not (Path(str(places[0][0]).removeprefix("file://")) / "MLmodel").exists()
