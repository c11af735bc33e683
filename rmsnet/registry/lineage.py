"""Where a model comes from: dataset → features → frame bank → run → model → evaluation, each with its hash."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rmsnet.documents import read_document
from rmsnet.errors import UserError
from rmsnet.files import content_hash
from rmsnet.logs import log
from rmsnet.network.model_config import CONFIG, read_config, weights_file_hash
from rmsnet.provenance import dvc_md5
from rmsnet.style.words import marked

if TYPE_CHECKING:
    from rmsnet.tracking import RunRecord

UNKNOWN = "unknown"


@dataclass(frozen=True)
class Link:
    """One link of the chain.

    Attributes:
        step: dataset, features, frame bank, run, ancestor, model or evaluation.
        what: its name.
        hash: what identifies its content, "unknown" where nobody recorded it.
        here: whether what lies here has that hash; None where nothing of it lies here.
    """

    step: str
    what: str
    hash: str
    here: bool | None = None


def lineage(model: str, features: Path = Path("features"), data: Path = Path("data")) -> list[Link]:
    """The chain that leads to a model.

    Args:
        model: a model folder, or models:/NAME@ALIAS or models:/NAME/VERSION in the registry.
        features: frame banks to compare with those it was trained and judged on.
        data: dataset to compare with the one it was trained on, by its DVC pointer.

    Raises:
        UserError: no such model, one without a tracked run, or the MLflow store is away.
    """
    from rmsnet import tracking

    folder, run_id, model_id = _find(model)
    config = read_config(folder)
    try:
        run = tracking.run_record(run_id, model_id)
    except (tracking.DeletedRun, tracking.NoSuchRun) as gone:
        log.warning(gone)
        run = tracking.RunRecord(f"{run_id} (gone)", {}, {}, {})
    return [
        _dataset(config, run, data),
        *_features(config),
        *_banks(config, run, features),
        *_run(run),
        *_ancestors(config),
        Link("model", f"{config['name']}, {model_id}", str(config["weights_hash"]), _weights_match(folder, config)),
        *_evaluations(run, features),
    ]


def _find(model: str) -> tuple[Path, str, str]:
    """Folder, run and logged model of a model."""
    from rmsnet import tracking
    from rmsnet.registry.versions import registered
    from rmsnet.tracking import read_run

    if not model.startswith("models:/"):
        if not (Path(model) / CONFIG).exists():
            raise UserError(f"{model}: no model there (no {CONFIG}); a model of the registry is models:/NAME@ALIAS")
        run = read_run(Path(model))
        return Path(model), run["run_id"], run["model_id"]
    _, version = registered(model)
    return tracking.model_folder(model), version.run_id, version.model_id


def _dataset(config: Mapping[str, Any], run: "RunRecord", data: Path) -> Link:
    md5 = config.get("dvc_md5") or run.tags.get("dvc.md5") or UNKNOWN
    now = dvc_md5(data)
    name = marked(str(config["dataset"]), config["simulated"])
    return Link("dataset", f"{name}, DVC MD5", md5, None if now is None or md5 == UNKNOWN else now == md5)


def _features(config: Mapping[str, Any]) -> Iterator[Link]:
    """The feature recipe; one from video names its backbone's weights and its PCA."""
    recipe = config["features"]
    identity = str(recipe.get("hash") or content_hash(json.dumps(recipe, sort_keys=True)))
    what = recipe.get("name") or f"video → {recipe.get('backbone', UNKNOWN)}"
    yield Link("features", f"recipe {what}", identity)
    for key, name in (("weights_hash", "weights"), ("pca_hash", "PCA")):
        if recipe.get(key):
            yield Link("features", f"{name} of the recipe", str(recipe[key]))


def _banks(config: Mapping[str, Any], run: "RunRecord", features: Path) -> Iterator[Link]:
    hashes = {"train": str(config["data_hash"])}
    for split in ("train", "valid"):
        digest = hashes.get(split) or run.datasets.get(split)
        if digest is not None:
            yield Link("frame bank", split, digest, _bank_matches(features, split, digest))


def _bank_matches(features: Path, split: str, digest: str) -> bool | None:
    index = Path(features) / f"{split}.json"
    if not index.exists():
        return None
    return bool(read_document(index, dict[str, Any], advice="run rmsnet extract again").get("data_hash") == digest)


def _run(run: "RunRecord") -> Iterator[Link]:
    dirty = ", changed since" if run.tags.get("git.dirty") == "true" else ""
    yield Link("run", f"MLflow {run.run_id}, git commit{dirty}", run.tags.get("git.commit", UNKNOWN))
    yield Link("run", "requirements.lock", run.tags.get("lock_hash", UNKNOWN))


def _ancestors(config: Mapping[str, Any]) -> Iterator[Link]:
    """What the model started from, what that started from, and so on: the oldest first."""
    told = config.get("started_from")
    if told is not None:
        yield from _ancestors(told)
        dataset = marked(str(told["dataset"]), told["simulated"])
        yield Link("ancestor", f"{told['model']}, {told['name']} of {dataset}", str(told["weights_hash"]))


def _weights_match(folder: Path, config: Mapping[str, Any]) -> bool:
    return bool(weights_file_hash(folder) == config["weights_hash"])


def _evaluations(run: "RunRecord", features: Path) -> Iterator[Link]:
    """What the model scored, and the hash of the frame bank it was judged on."""
    for split in ("valid", "test"):
        if f"{split}_average_map" in run.scores:
            score, digest = run.scores[f"{split}_average_map"]
            what = f"{split} Average-mAP {100 * score:.2f}, on frame bank"
            yield Link("evaluation", what, digest, _bank_matches(features, split, digest))


def as_text(links: Sequence[Link]) -> str:
    """The chain for a terminal."""
    width = max(len(link.what) for link in links)
    here = {True: "the same here", False: "another one here", None: ""}
    return "\n".join(f"{link.step:11} {link.what:{width}}  {link.hash}  {here[link.here]}".rstrip() for link in links)
