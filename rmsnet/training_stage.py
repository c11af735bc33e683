"""The train stage: a frame bank becomes a tracked model in models/NAME."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from rmsnet.bank import FrameBank, read_bank
from rmsnet.errors import UserError
from rmsnet.files import content_hash, read_json, write_json
from rmsnet.params import Params
from rmsnet.provenance import code_tags, dvc_md5
from rmsnet.training import Epoch, partial_folder, train
from rmsnet.video.recipe import copy_recipe_files

RUN_FILE = "run.json"
"""Names the MLflow run and logged model of a model folder."""

EXAMPLE_FRAMES = 120


def train_stage(
    features: Path,
    out: Path,
    params: Params,
    *,
    variant: str | None = None,
    device: str = "auto",
    progress: bool = True,
) -> dict[str, Any]:
    """Train one variant as an MLflow run nested under the study of its siblings.

    A study is all the variants of one train section on the same data. An interrupted stage continues training and
    MLflow run where it stopped.

    Args:
        features: folder of frame banks with a train and a valid split.
        out: the model folder.
        params: all sections; `variants` and `train` matter here.
        variant: one of `params.variants`; None: the train section as it is.
        device: "auto", "cpu" or "cuda".
        progress: print a line per epoch.

    Returns:
        The content of the model's metrics.json.

    Raises:
        UserError: see `rmsnet.training.train`.
    """
    from rmsnet import tracking

    train_params = params.train if variant is None else params.variant(variant)
    banks = {split: read_bank(features, split) for split in ("train", "valid")}
    name = variant or out.name
    tags = _tags(banks["train"], params)
    identity = {
        "params": asdict(train_params),
        "data_hashes": {split: bank.info["data_hash"] for split, bank in banks.items()},
        "tracking_uri": tracking.tracking_uri(),
    }
    partial = partial_folder(out)
    study = content_hash(json.dumps([asdict(params.train), params.variants, identity["data_hashes"]], sort_keys=True))
    parent = tracking.study_run(study, f"{tags['dataset']}, {', '.join(params.variants) or name}", tags)
    with tracking.tracked_run(name, parent, {**tags, "variant": name}, _interrupted_run(partial, identity)) as run:
        partial.mkdir(parents=True, exist_ok=True)
        write_json(partial / RUN_FILE, {**identity, "run_id": run.run_id})
        run.log_params({f"train.{key}": value for key, value in asdict(train_params).items()})
        for split, bank in banks.items():
            run.log_data(features, f"{bank.info['dataset']} {split}", bank.info["data_hash"], split)

        def on_epoch(epoch: Epoch) -> None:
            run.log_epoch(epoch.epoch, {key: value for key, value in asdict(epoch).items() if key != "epoch"})
            if progress:
                print(_line(name, epoch, train_params.epochs), flush=True)

        def on_model(model: Path) -> None:
            copy_recipe_files(features, model)
            example = np.array(banks["valid"].features[:EXAMPLE_FRAMES])
            model_id = run.log_model(model, example, {**tags, "variant": name})
            run.log_folder(model, "training")
            write_json(model / RUN_FILE, {**identity, "run_id": run.run_id, "model_id": model_id})

        return train(
            banks["train"],
            banks["valid"],
            train_params,
            out,
            name=name,
            device=device,
            on_epoch=on_epoch,
            on_model=on_model,
        )


def read_run(model: Path) -> Mapping[str, str]:
    """The ids of a model folder's MLflow run and logged model: "run_id", "model_id".

    Raises:
        UserError: the folder holds no finished, tracked training.
    """
    run = read_json(model / RUN_FILE) if (model / RUN_FILE).exists() else {}
    if not isinstance(run, dict) or "model_id" not in run:
        raise UserError(f"{model}: no tracked model there (no {RUN_FILE}); train it with: rmsnet train --out {model}")
    return run


def _interrupted_run(partial: Path, identity: Mapping[str, Any]) -> str | None:
    """The run that an interrupted stage with the same parameters and data has left open."""
    try:
        left = read_json(partial / RUN_FILE)
    except UserError:
        return None
    run_id = left.pop("run_id")
    return str(run_id) if left == identity else None


def _tags(bank: FrameBank, params: Params) -> dict[str, str]:
    tags = {
        "dataset": str(bank.info["dataset"]),
        "simulated": str(bank.simulated).lower(),
        "data_hash": str(bank.info["data_hash"]),
        **code_tags(),
    }
    md5 = dvc_md5(Path(params.data.root))
    return tags if md5 is None else {**tags, "dvc.md5": md5}


def _line(name: str, epoch: Epoch, epochs: int) -> str:
    score = 100 * epoch.valid_average_map
    done = f"{name}: epoch {epoch.epoch}/{epochs}  loss {epoch.loss:.3f}  valid Average-mAP {score:.1f}"
    return f"{done}  {epoch.clips_per_second:.0f} clips/s"
