"""How stages' files and Kubeflow's artifacts meet: data that stay where they are, names, links, metadata."""

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from rmsnet.documents import read_document
from rmsnet.errors import UserError
from rmsnet.files import write_json

if TYPE_CHECKING:
    from kfp.dsl import Artifact, ClassificationMetrics

    from rmsnet.evaluation.assessment import Assessment

PROCESSES = "RMSNET_PROCESSES"
"""Environment variable: in how many processes, each with a GPU of its own, the train component trains."""

LOCATION = "location.json"
"""In a dataset artifact whose bytes stay on a mounted volume: where they are."""


@dataclass(frozen=True)
class _Location:
    """What `LOCATION` holds."""

    path: str


def refer_to(root: Path, artifact: Path) -> None:
    """Make a dataset artifact that holds no bytes but the place of a dataset every pod can see."""
    write_json(artifact / LOCATION, {"path": str(root.resolve())})


def dataset_root(artifact: Path) -> Path:
    """The folder of the dataset behind an artifact.

    Raises:
        UserError: the dataset lies on a volume that is not mounted here.
    """
    if not (artifact / LOCATION).exists():
        return artifact
    root = Path(read_document(artifact / LOCATION, _Location).path)
    if not os.path.isdir(root):  # noqa: PTH112  # which says no to impossible paths, too
        raise UserError(f"{root}: not there; the data's volume must be mounted in every pod (deployment file: volumes)")
    return root


@contextmanager
def named_folders(artifacts: "Sequence[Artifact]") -> Iterator[Path]:
    """A folder that holds each artifact under its name (metadata "name"), as the stages expect models to lie.

    Raises:
        UserError: two artifacts of one name.
    """
    with TemporaryDirectory() as folder:
        for artifact in artifacts:
            name = str(artifact.metadata["name"])
            try:
                (Path(folder) / name).symlink_to(Path(artifact.path).resolve())
            except FileExistsError:
                raise UserError(f"{name}: two artifacts of this name; name every variant once") from None
        yield Path(folder)


def publish(file: Path, artifact: "Artifact") -> None:
    """Make a file the content of an artifact."""
    shutil.copyfile(file, artifact.path)


def describe(artifact: "Artifact", facts: Mapping[str, Any]) -> None:
    """Add facts to an artifact's metadata, and which code made it; Kubeflow shows them beside the artifact."""
    from rmsnet.provenance import code_tags

    artifact.metadata.update({**facts, **{key: value for key, value in code_tags().items() if value != "unknown"}})


def known(facts: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    """Those of the facts that are there and say something."""
    return {key: facts[key] for key in keys if facts.get(key) is not None}


def spotted_from(matches: "Artifact", spotter: "Artifact") -> dict[str, Any]:
    """Where spotted events come from: which matches, and which model trained on which data."""
    of_model = known(
        spotter.metadata,
        *("uri", "name", "weights_hash", "dataset", "data_hash", "dvc_md5", "simulated"),
        *("mlflow_version", "mlflow_run"),
    )
    of_matches = known(matches.metadata, "source", "revision", "split", "dvc_md5")
    return {**of_matches, **{f"model {key}": value for key, value in of_model.items()}}


def log_confusion(assessment: "Assessment", artifact: "ClassificationMetrics") -> None:
    """The confusion matrix and the curve of recall over false predictions, as the charts that Kubeflow's UI draws."""
    from rmsnet.evaluation.overall import NOTHING, confusion_matrix, pooled_curve

    artifact.log_confusion_matrix([*assessment.corpus.classes, NOTHING], confusion_matrix(assessment).tolist())
    curve = pooled_curve(assessment)
    # Plain, finite numbers: the metadata of an artifact is JSON.
    artifact.log_roc_curve((1 - curve.precision).tolist(), curve.recall.tolist(), curve.confidence.tolist())


def mlflow_link(path: str) -> str:
    """The address of a page of MLflow's UI, or what stands in the store where it has no UI.

    Args:
        path: behind `#/`, e.g. models/rmsnet/versions/3.
    """
    from rmsnet.tracking import tracking_uri

    uri = os.environ.get("RMSNET_MLFLOW_UI") or tracking_uri()
    return f"{uri.rstrip('/')}/#/{path}" if uri.startswith("http") else f"{uri} {path}"
