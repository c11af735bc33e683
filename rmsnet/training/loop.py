"""The training loop (paper, IV-B): epochs of balanced, masked clips, validation Average-mAP, early stopping, resume."""

import json
import shutil
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from rmsnet.documents import read_document
from rmsnet.errors import UserError
from rmsnet.features.bank import TOLD_ON, FrameBank
from rmsnet.files import content_hash, followed, replace_folder, write_json, write_text
from rmsnet.locks import writing
from rmsnet.logs import log
from rmsnet.network.devices import choose_device, choose_precision, prepare_memory
from rmsnet.network.model_config import CONFIG_SCHEMA
from rmsnet.network.model_files import save_model
from rmsnet.params import SpotParams, TrainParams
from rmsnet.reading.tensors import read_metadata
from rmsnet.style.tables import as_csv
from rmsnet.training.ancestor import Ancestor, require_heir
from rmsnet.training.clips import training_clips
from rmsnet.training.distributed import processes
from rmsnet.training.history import Epoch, best_epoch, collapse, finished
from rmsnet.training.inputs import BankFeatures, Inputs
from rmsnet.training.trainer import Trainer, network_of

CHECKPOINT = "checkpoint.safetensors"


def train(
    train_bank: FrameBank,
    valid_bank: FrameBank,
    params: TrainParams,
    folder: Path,
    *,
    name: str | None = None,
    spot: SpotParams = SpotParams(),  # noqa: B008  # immutable
    device: str = "auto",
    inputs: Callable[[torch.device, torch.dtype], Inputs] | None = None,
    ancestor: Ancestor | None = None,
    on_clips: Callable[[int], object] = lambda clips: None,
    on_epoch: Callable[[Epoch], None] = lambda epoch: None,
    on_model: Callable[[Path], None] = lambda folder: None,
) -> dict[str, Any]:
    """Train a network and leave the one with the best validation Average-mAP in `folder`.

    The folder appears when training is over: model.safetensors, config.json, history.csv, metrics.json. Until then
    a hidden folder beside it holds the state of the last whole epoch; the same call continues there and, on a CPU
    with the same number of threads, ends with the same weights as an unbroken run. Other parameters or other data
    start over; the state of another network is refused, it was hardly meant to be replaced.

    Started by `torchrun`, the processes share every batch: the result is that of one process, but for the dropout,
    which each draws for its own clips. The first process alone writes, and is told of epochs and the model.

    Args:
        train_bank: what to learn from.
        valid_bank: what to choose the epoch by.
        params: the train section.
        folder: where the model goes.
        name: of the model; by default the folder's.
        spot: how the model will turn clips into events; while training it is judged as the paper does.
        device: "auto", "cpu" or "cuda".
        inputs: makes what turns rows of the banks into clips, for a device and a precision; None: their features.
        ancestor: the model whose weights it starts from; None: from fresh ones.
        on_clips: told of so many more clips that were trained on, some times a second.
        on_epoch: told of every epoch, also of those that an earlier call had finished.
        on_model: told of the whole model folder just before it gets its name; may add files to it.

    Returns:
        The content of metrics.json.

    Raises:
        UserError: data or parameters that cannot be trained on.
        CheckFailed: the loss became infinite or not a number.
    """
    folder = Path(folder)
    require_trainable(train_bank, valid_bank, params, folder, ancestor)
    prepare_memory()
    chosen = choose_device(device)
    with writing(folder), processes(chosen) as world:
        precision = choose_precision(params.precision, chosen)
        if inputs is None:
            made: Inputs = BankFeatures(train_bank, valid_bank, precision, chosen)
        else:
            made = inputs(chosen, precision)
        trainer = Trainer(train_bank, valid_bank, made, params, chosen, precision, world, ancestor)
        return _train(trainer, folder, name, spot, ancestor, on_clips, on_epoch, on_model)


def require_trainable(
    train_bank: FrameBank, valid_bank: FrameBank, params: TrainParams, folder: Path, ancestor: Ancestor | None = None
) -> None:
    """Refuse what `train` cannot train on, before anything is written.

    Raises:
        UserError: the banks do not belong together, there are no clips to draw (see `training_clips`), the model to
            start from does not fit (see `require_heir`), or the training that was interrupted at `folder` is one of
            another network.
    """
    if train_bank.classes != valid_bank.classes or train_bank.width != valid_bank.width:
        raise UserError("train and valid frame banks differ in classes or width; run rmsnet extract again")
    if ancestor is not None:
        require_heir(ancestor, train_bank, params)
    training_clips(train_bank, params.clip_frames, params.uniform_offsets, params.drop_halftime_substitutions)
    partial = partial_folder(folder)
    try:
        text = read_metadata(partial / CHECKPOINT).get("network", "")
        theirs = read_document(text.encode(), dict[str, Any], f"{partial / CHECKPOINT}: network")
    except UserError:
        return  # nothing to continue: `Trainer.resume` starts over
    for key, ours in network_of(train_bank, params).items():
        if theirs.get(key) != ours:
            raise UserError(
                f"{partial}: holds an interrupted training of another network, {key} {theirs.get(key)!r} and not "
                f"{ours!r}; remove that folder to start over, or name another --out"
            )


def _train(
    trainer: "Trainer",
    folder: Path,
    name: str | None,
    spot: SpotParams,
    ancestor: Ancestor | None,
    on_clips: Callable[[int], object],
    on_epoch: Callable[[Epoch], None],
    on_model: Callable[[Path], None],
) -> dict[str, Any]:
    params, bank, world = trainer.params, trainer.bank, trainer.world
    partial = partial_folder(folder)
    partial.mkdir(parents=True, exist_ok=True)
    fingerprint = content_hash(
        json.dumps([asdict(params), str(trainer.precision), trainer.device.type, bank.classes]),
        bank.info["data_hash"],
        trainer.valid_bank.info["data_hash"],
        trainer.inputs.fingerprint,
        *([] if ancestor is None else [ancestor.weights_hash]),
    )
    history = trainer.resume(partial / CHECKPOINT, fingerprint)
    if len(set(world.gather(len(history)))) > 1:
        raise UserError(f"{partial}: the processes do not see the same checkpoint there; use a folder that all share")
    for epoch in history if world.leads else []:
        on_clips(len(trainer.sampler))
        on_epoch(epoch)
    while not finished(history, params):
        epoch = trainer.run_epoch(len(history) + 1, on_clips)
        history.append(epoch)
        if best_epoch(history) is epoch:
            trainer.keep_best()
        if world.leads:
            trainer.save(partial / CHECKPOINT, fingerprint, history)
            on_epoch(epoch)

    best = best_epoch(history)
    name = name or folder.name
    if world.leads and (collapsed := collapse(history)) is not None:
        log.warning(f"{name}: {collapsed}")
    metrics = {
        "name": name,
        "best_epoch": best.epoch,
        "epochs": len(history),
        "valid_average_map": best.valid_average_map,
        "train_loss": best.loss,
        "precision": str(trainer.precision).removeprefix("torch."),
        "device": trainer.device.type,
        "simulated": bank.simulated,
        **{key: bank.info[key] for key in TOLD_ON if key in bank.info},
    }
    if world.leads:
        network = trainer.best_network()
        model = partial / "model"
        model.mkdir(exist_ok=True)
        config = {
            **model_config(params, bank, name, spot),
            **trainer.inputs.finish(model),
            **({} if ancestor is None else {"started_from": ancestor.told()}),
            "train": asdict(params),
        }
        save_model(model, network, config)
        write_text(model / "history.csv", as_csv(map(asdict, history)))
        write_json(model / "metrics.json", metrics)
        on_model(model)
        replace_folder(model, folder)
        shutil.rmtree(partial)
    return metrics


def partial_folder(folder: Path) -> Path:
    """Where a training keeps its state until `folder` can appear."""
    folder = followed(folder)
    return folder.with_name(f".{folder.name}.partial")


def model_config(params: TrainParams, bank: FrameBank, name: str, spot: SpotParams | None = None) -> dict[str, Any]:
    """The config.json of a model trained on a bank."""
    return {
        "schema": CONFIG_SCHEMA,
        "name": name,
        "classes": list(bank.classes),
        "width": bank.width,
        "clip_frames": params.clip_frames,
        "dropout": params.dropout,
        "regression": params.regression,
        "spot": asdict(spot or SpotParams()),
        "frame_rate": bank.frame_rate,
        "first_frame_seconds": bank.first_frame_seconds,
        "features": bank.info["features"],
        "dataset": bank.info["dataset"],
        "data_hash": bank.info["data_hash"],
        "dvc_md5": bank.info.get("dvc_md5"),
        "content": bank.info.get("content"),
        "simulated": bank.simulated,
        **{key: bank.info[key] for key in TOLD_ON if key in bank.info},
    }
