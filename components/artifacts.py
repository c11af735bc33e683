"""How stages' files and Kubeflow's artifacts meet: names, links, facts that Kubeflow takes."""

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from rmsnet.errors import UserError

if TYPE_CHECKING:
    from kfp.dsl import Artifact, ClassificationMetrics, Metrics

    from rmsnet.evaluation.assessment import Assessment

PROCESSES = "RMSNET_PROCESSES"
"""Environment variable: in how many processes, each with a GPU of its own, the train component trains."""

LEFT_OUT = "left_out.json"
"""Beside the matches of a part: those that could not be spotted, and why."""

MLFLOW_UI = "RMSNET_MLFLOW_UI"
"""Environment variable: the address under which people reach MLflow."""


@contextmanager
def named_folders(folders: Mapping[str, Path]) -> Iterator[Path]:
    """A folder that holds each folder under its name, as the stages expect models to lie."""
    with TemporaryDirectory() as place:
        for name, folder in folders.items():
            (Path(place) / name).symlink_to(folder.resolve())
        yield Path(place)


def by_name(folders: Sequence[Path]) -> dict[str, Path]:
    """Folders of the train component by the name of the model in each.

    Raises:
        UserError: two of one name.
    """
    from rmsnet.documents import read_json
    from rmsnet.network.model_config import CONFIG

    found: dict[str, Path] = {}
    for folder in folders:
        name = str(read_json(folder / "model" / CONFIG)["name"])
        if name in found:
            raise UserError(f"{name}: two models of this name; name every variant once")
        found[name] = folder
    return found


def acceptable(value: Any) -> Any:
    """A value as metadata takes it; None for what would fail a task that has done its work: nothing, NaN, infinity.

    Kubeflow takes texts, numbers, lists and mappings; a truth value comes back as 1 or 0, so it is a word here.
    """
    if hasattr(value, "item"):  # NumPy's numbers
        value = value.item()
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return value if math.isfinite(value) else None
    return None if value is None else str(value)


def describe(artifact: "Artifact", facts: Mapping[str, Any]) -> None:
    """Say of an artifact what somebody will read beside it.

    It is short: the next tasks are handed all of it, and a run keeps it once for each of them.
    """
    artifact.metadata.update(
        {key: value for key, value in ((key, acceptable(fact)) for key, fact in facts.items()) if value is not None}
    )


def log(metrics: "Metrics", values: Mapping[str, Any]) -> None:
    """Numbers that Kubeflow compares between runs, all of one type; what is no finite number is left out."""
    for key, value in values.items():
        if value is not None and math.isfinite(float(value)):
            metrics.log_metric(key, float(value))


def bank_facts(features: Path) -> dict[str, Any]:
    """What frame banks hold, and DVC's hash of what they were made from."""
    from rmsnet.dataset.soccernet import SPLITS
    from rmsnet.features.bank import read_bank

    banks = {split: read_bank(features, split) for split in SPLITS if (features / f"{split}.json").exists()}
    facts = {f"{split} frames": len(bank.features) for split, bank in banks.items()}
    return {**facts, **known(next(iter(banks.values())).info, "dvc_md5")}


def known(facts: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    """Those of the facts that are there and say something."""
    return {key: facts[key] for key in keys if facts.get(key) is not None}


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

    uri = os.environ.get(MLFLOW_UI) or tracking_uri()
    # Its pages are those for trainings, not those for language models, only where the address says so.
    shown = f"{uri.rstrip('/')}/#/{path}?workflowType=machine_learning"
    return shown if uri.startswith("http") else f"{uri} {path}"
