"""The train stage: a frame bank becomes a tracked model in models/NAME."""

import shutil
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from rmsnet.documents import read_document
from rmsnet.errors import UserError
from rmsnet.evaluation.metric import Judged, judge
from rmsnet.evaluation.thresholds import best_thresholds
from rmsnet.features.bank import FrameBank, read_bank, require_finite
from rmsnet.features.games import read_used_games, require_unknown, write_used_games
from rmsnet.features.profile import PROFILE_FILE
from rmsnet.files import atomic_folder, write_bytes, write_json
from rmsnet.locks import alone
from rmsnet.logs import log
from rmsnet.network.model_config import read_config
from rmsnet.network.model_files import load_model
from rmsnet.params import Params
from rmsnet.progress import progress as show_progress
from rmsnet.provenance import environment
from rmsnet.spotting.inference import spot_bank
from rmsnet.spotting.thresholds import THRESHOLDS_FILE
from rmsnet.style.palette import look
from rmsnet.style.plot import draw_line, figure, name_axes, png, whole_numbers
from rmsnet.style.words import marked
from rmsnet.tracking.groups import run_groups
from rmsnet.tracking.logged_model import input_example
from rmsnet.tracking.pages import TRAINING, picture
from rmsnet.tracking.runs import RUN_FILE, curves
from rmsnet.tracking.used_data import data_source, data_tags
from rmsnet.training import distributed
from rmsnet.training.ancestor import Ancestor, read_ancestor
from rmsnet.training.finetuning import clip_inputs
from rmsnet.training.history import Epoch, read_history
from rmsnet.training.loop import partial_folder, require_trainable, train
from rmsnet.video.recipe import copy_recipe_files


@alone
def train_stage(
    features: Path,
    out: Path,
    params: Params,
    *,
    variant: str | None = None,
    start_from: str | None = None,
    device: str = "auto",
    progress: bool = True,
) -> dict[str, Any]:
    """Train one variant as an MLflow run: study → variant → seed.

    A study is all the variants and seeds of one train section on the same data. An interrupted stage continues
    training and MLflow run where it stopped. A store that is away costs a warning; see `rmsnet.tracking`.

    Args:
        features: folder of frame banks with a train and a valid split.
        out: the model folder.
        params: all sections; `variants` and `train` matter here.
        variant: one of `params.variants`; None: the train section as it is.
        start_from: a model folder, or the MLflow URI of a registered model, whose weights the training starts from.
        device: "auto", "cpu" or "cuda".
        progress: show how far it is and print a line per epoch.

    Returns:
        The content of the model's metrics.json.

    Raises:
        UserError: see `rmsnet.training.loop.train`; what cannot be trained on is refused before a run is opened, and
            so is a model to start from that has learned from the games to choose by.
    """
    from rmsnet import tracking

    train_params = params.train if variant is None else params.variant(variant)
    banks = {split: read_bank(features, split) for split in ("train", "valid")}
    ancestor = None if start_from is None else _find_ancestor(start_from)
    require_trainable(banks["train"], banks["valid"], train_params, out, ancestor)
    for bank in banks.values():
        require_finite(bank)
    if ancestor is not None and (used := read_used_games(ancestor.folder)) is not None:
        require_unknown(used, banks["valid"], "valid", f"--start-from {ancestor.model}")
    started_from = None if ancestor is None else ancestor.told()
    name = variant or out.name
    tags = {**data_tags(banks["train"]), "variant": name, **_ancestor_tags(started_from)}
    groups = run_groups(banks, params, train_params, name, started_from)
    identity = {
        "params": asdict(train_params),
        "data_hashes": {split: bank.info["data_hash"] for split, bank in banks.items()},
        "tracking_uri": tracking.shown(tracking.tracking_uri()),
        **({} if started_from is None else {"started_from": started_from}),
    }
    title = f"{name}, seed {train_params.seed}"
    about = {"name": title, "tags": tags, "groups": [asdict(group) for group in groups]}
    inputs = clip_inputs(banks["train"], banks["valid"], features, train_params)
    if not distributed.leads():
        return train(
            banks["train"],
            banks["valid"],
            train_params,
            out,
            name=name,
            device=device,
            inputs=inputs,
            ancestor=ancestor,
        )
    partial = partial_folder(out)
    with tracking.tracked_run(title, groups, tags, _interrupted_run(partial, identity)) as run:
        partial.mkdir(parents=True, exist_ok=True)
        write_json(partial / RUN_FILE, {**identity, "run_id": run.run_id})
        run.log_settings("train", asdict(train_params))
        for split, bank in banks.items():
            run.log_data(f"{bank.info['dataset']} {split}", bank.info["data_hash"], split, data_source(features, tags))

        clips = train_params.epochs * (train_params.foreground_clips + train_params.background_clips)

        def on_epoch(epoch: Epoch) -> None:
            run.log_epoch(epoch.epoch, curves(asdict(epoch)))
            if progress:
                log.info(_line(name, epoch, train_params.epochs))

        def on_model(model: Path) -> None:
            copy_recipe_files(features, model)
            write_used_games(model, banks["train"], banks["valid"], None if ancestor is None else ancestor.folder)
            if (features / PROFILE_FILE).exists():
                shutil.copy(features / PROFILE_FILE, model)
            if inputs is None:  # the finished model does not read a bank of frames
                write_json(
                    model / THRESHOLDS_FILE,
                    best_thresholds(judge_model(model, banks["valid"]), banks["valid"].classes),
                )
            with TemporaryDirectory() as kept:
                for file in ("config.json", "history.csv", "metrics.json"):
                    shutil.copy(model / file, kept)
                write_json(Path(kept) / "environment.json", environment())
                write_bytes(Path(kept) / "history.png", plot_history(model / "history.csv"))
                run.log_folder(Path(kept), "training")
                example = input_example(banks["valid"], read_config(model)["width"])
                model_id = run.log_model(model, example, tags)
            run.log_best(tracking.best_scores(model))
            run.log_note(TRAINING, _training_note(model, title, banks["train"]))
            write_json(model / RUN_FILE, {**identity, **about, "run_id": run.run_id, "model_id": model_id})

        with show_progress(name, "clip", clips, shown=progress) as advance:
            return train(
                banks["train"],
                banks["valid"],
                train_params,
                out,
                name=name,
                spot=params.spot,
                device=device,
                inputs=inputs,
                ancestor=ancestor,
                on_clips=advance,
                on_epoch=on_epoch,
                on_model=on_model,
            )


def _find_ancestor(model: str) -> Ancestor:
    """A model to start from; of an alias, which will point elsewhere, the version that it means now.

    Raises:
        UserError: there is no such model.
    """
    from rmsnet import tracking

    name, _, alias = model.removeprefix("models:/").partition("@")
    if model.startswith("models:/") and alias in (now := tracking.aliases(name)):
        model = f"models:/{name}/{now[alias]}"
    return read_ancestor(model, tracking.find_model(model))


def _ancestor_tags(started_from: Mapping[str, Any] | None) -> dict[str, str]:
    if started_from is None:
        return {}
    return {"started_from": str(started_from["model"]), "started_from.weights_hash": str(started_from["weights_hash"])}


def recovered(features: Path, out: Path, params: Params, variant: str | None = None) -> dict[str, Any] | None:
    """The training that an earlier attempt at this task has finished before it was lost, out of the store.

    Args:
        features, out, params, variant: of `train_stage`, whose model folder appears when there is such a training.

    Returns:
        The content of its metrics.json; None where there is nothing to go on from.
    """
    from rmsnet import tracking

    banks = {split: read_bank(features, split) for split in ("train", "valid")}
    train_params = params.train if variant is None else params.variant(variant)
    name = variant or out.name
    title = f"{name}, seed {train_params.seed}"
    groups = run_groups(banks, params, train_params, name)
    found = tracking.finished_earlier(title, groups)
    if found is None:
        return None
    run_id, model_id, folder = found
    log.info(f"an earlier attempt at this task has trained it: the model of MLflow run {run_id} is taken")
    with atomic_folder(out) as partial:
        shutil.copytree(folder, partial, dirs_exist_ok=True)
        about = {
            "params": asdict(train_params),
            "data_hashes": {split: bank.info["data_hash"] for split, bank in banks.items()},
            "name": title,
            "tags": {**data_tags(banks["train"]), "variant": name},
            "groups": [asdict(group) for group in groups],
        }
        write_json(partial / RUN_FILE, {**about, "run_id": run_id, "model_id": model_id})
    return read_document(out / "metrics.json", dict[str, Any])


def judge_model(folder: Path, bank: FrameBank) -> Judged:
    """A model's events in a split, judged game by game."""
    games = {game: number for number, game in enumerate(dict.fromkeys(half.game for half in bank.halves))}
    return judge(
        bank.truth,
        spot_bank(load_model(folder), bank),
        game_of_half=np.array([games[half.game] for half in bank.halves], np.int64),
        classes=len(bank.classes),
        frame_rate=bank.frame_rate,
    )


def _interrupted_run(partial: Path, identity: Mapping[str, Any]) -> str | None:
    """The run that an interrupted stage with the same parameters and data has left open."""
    try:
        left = read_document(partial / RUN_FILE, dict[str, Any])
    except UserError:
        return None
    run_id = left.pop("run_id", None)
    return run_id if isinstance(run_id, str) and left == identity else None


def plot_history(history: Path) -> bytes:
    """Loss and validation Average-mAP per epoch, as PNG, from a history.csv."""
    done = read_history(history)
    epochs = [epoch.epoch for epoch in done]
    note = f"{len(done)} epoch{'' if len(done) == 1 else 's'}"
    made, (left, right) = figure(note, 1, 2, width=9, height=3.5)
    for place, column in enumerate(("loss", "classification_loss")):
        draw_line(left, epochs, [getattr(epoch, column) for epoch in done], column.replace("_", " "), look(place))
    draw_line(right, epochs, [100 * epoch.valid_average_map for epoch in done], "", look(2))
    for axes, title in ((left, "training loss"), (right, "valid Average-mAP (%)")):
        whole_numbers(axes.xaxis)
        name_axes(axes, title, "epoch")
    return png(made)


def _training_note(model: Path, title: str, bank: FrameBank) -> str:
    """What the page of the run says of the training."""
    metrics = read_document(model / "metrics.json", dict[str, Any])
    score = f"valid Average-mAP {100 * metrics['valid_average_map']:.1f} % in epoch {metrics['best_epoch']}"
    made = marked(str(bank.info["dataset"]), bank.simulated)
    return f"{title}, on {made}: {score}.\n\n{picture('loss and score of each epoch', 'training/history.png')}"


def _line(name: str, epoch: Epoch, epochs: int) -> str:
    score = 100 * epoch.valid_average_map
    done = f"{name}: epoch {epoch.epoch}/{epochs}  loss {epoch.loss:.3f}  valid Average-mAP {score:.1f}"
    return f"{done}  {epoch.clips_per_second:.0f} clips/s"
