"""Frame banks on their way from task to task: through the object store, or by their path on the run's workspace."""

from pathlib import Path
from typing import TYPE_CHECKING

from rmsnet.documents import read_json
from rmsnet.errors import UserError
from rmsnet.files import content_hash, write_json

if TYPE_CHECKING:
    from kfp.dsl import Artifact

LOCATION = "location.json"
"""In an artifact whose bytes stay on the workspace: where they are."""


def banks_to_write(artifact: "Artifact", workspace: str) -> Path:
    """The folder that banks are written to.

    Args:
        artifact: that the next tasks get.
        workspace: folder that every pod of the run mounts; "": there is none, the banks are the artifact's content.
    """
    if not workspace:
        return Path(artifact.path)
    place = Path(workspace) / "features" / content_hash(artifact.uri)
    write_json(Path(artifact.path) / LOCATION, {"path": str(place)})
    return place


def banks_of(artifact: "Artifact") -> Path:
    """The folder of the banks behind an artifact.

    Raises:
        UserError: they lie on a workspace that is not mounted here.
    """
    if not (Path(artifact.path) / LOCATION).exists():
        return Path(artifact.path)
    place = Path(read_json(Path(artifact.path) / LOCATION)["path"])
    if not place.is_dir():
        raise UserError(f"{place}: not there; every task of the run must mount its workspace")
    return place
