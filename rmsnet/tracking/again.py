"""A training whose run the store does not have (another store, one made anew, one that was cleaned) is logged again."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from rmsnet.documents import read_document, structured
from rmsnet.logs import log
from rmsnet.reading.rows import read_rows
from rmsnet.tracking.groups import Group
from rmsnet.tracking.logged_model import put_model, save_pyfunc
from rmsnet.tracking.runs import IDENTITY_TAG, best_scores, curves, read_run, tracked_run
from rmsnet.tracking.store import asking, client_of, shown
from rmsnet.tracking.trainings import SPOOLED_FROM_TAG, NoSuchRun, Place, find_run

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Example = Callable[[int], "npt.NDArray[np.float32]"]
"""(T, D) features as an input example, by their width D."""

_CONFIG = "config.json"  # as rmsnet.network.model_files names it, which would bring PyTorch along

_KEPT = (_CONFIG, "history.csv", "metrics.json")


def training_of(folder: Path, example: Example) -> Place:
    """Where the run and the logged model of a model folder are; made from the folder where the store lacks them.

    Args:
        folder: of the train stage; it says what its run was.
        example: for the logged model.

    Raises:
        StoreAway, DeletedRun: see `find_run`.
        UserError: the folder names no run.
    """
    told = read_run(folder)
    try:
        place = find_run(told["run_id"], told["model_id"])
    except NoSuchRun:
        run_id, model_id = _log_run(folder, told, example)
        place = find_run(told["run_id"], model_id)
        _tell(folder, place, f"had no run of it: logged again from the folder as run {run_id}")
        return place
    if place.spooled or _is_whole(place):
        return place
    with asking(f"{folder}: its model"):
        model_id = _log_model(place, folder, told, example)
    _tell(folder, place, f"had lost its model: logged again from the folder as {model_id}")
    return Place(place.uri, place.run_id, model_id)


def _tell(folder: Path, place: Place, text: str) -> None:
    log.info(f"{folder}: MLflow store {shown(place.uri)} {text}")


def _is_whole(place: Place) -> bool:
    """Whether the files of the logged model are there."""
    from mlflow.exceptions import MlflowException

    try:
        found = client_of(place.uri).list_logged_model_artifacts(place.model_id)
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            return False
        raise
    return any(item.path == "MLmodel" for item in found)


def _log_run(folder: Path, told: Mapping[str, Any], example: Example) -> tuple[str, str]:
    """The run as the training had told it: parameters, data, curves, files, model."""
    groups = [Group(**group) for group in told.get("groups", [])]
    before = str(told["run_id"])
    tags = {**told.get("tags", {}), SPOOLED_FROM_TAG: before, IDENTITY_TAG: f"again {before}"}
    config, best = read_document(folder / _CONFIG, _Trained), best_scores(folder)
    with tracked_run(told.get("name", folder.name), groups, tags) as run:
        run.log_settings("train", told.get("params", {}))
        for split, digest in told.get("data_hashes", {}).items():
            run.log_data(f"{config.dataset} {split}", digest, split, {"made_by": "rmsnet extract"})
        if (folder / "history.csv").exists():
            for row in _history(folder / "history.csv"):
                run.log_epoch(int(row["epoch"]), curves(row))
        run.log_best(best)
        with TemporaryDirectory(prefix="rmsnet-") as kept:
            for name in _KEPT:
                if (folder / name).exists():
                    shutil.copy(folder / name, kept)
            run.log_folder(Path(kept), "training")
        model_id = run.log_model(folder, example(config.width), told.get("tags", {}))
    return run.run_id, model_id


@dataclass(frozen=True)
class _Trained:
    """What is read of a model's config.json here."""

    dataset: str
    width: int


def _history(path: Path) -> list[dict[str, float]]:
    return structured(read_rows(path, ["epoch"]), list[dict[str, float]], str(path), texts=True)


def _log_model(place: Place, folder: Path, told: Mapping[str, Any], example: Example) -> str:
    with TemporaryDirectory(prefix="rmsnet-") as temporary:
        saved = Path(temporary) / "model"
        save_pyfunc(folder, example(read_document(folder / _CONFIG, _Trained).width), saved)
        return put_model(client_of(place.uri), place.run_id, saved, told.get("tags", {}))
