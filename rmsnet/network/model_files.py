"""A model on disk: model.safetensors (weights) and config.json (all that leads from frames to events). No pickle."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import UnionType
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from rmsnet.errors import UserError
from rmsnet.files import content_hash, read_json, write_json, write_tensors
from rmsnet.network.model import Ensemble, RMSNet
from rmsnet.params import SpotParams

CONFIG_SCHEMA = 1
WEIGHTS = "model.safetensors"
CONFIG = "config.json"
ORIGIN_FILE = "origin.json"
"""Beside predictions: which model made them."""


@dataclass(frozen=True)
class SpottingModel:
    """A trained network with what it takes to use it.

    Attributes:
        network: in eval mode; several that were trained apart answer together.
        config: the content of config.json.
    """

    network: RMSNet | Ensemble
    config: Mapping[str, Any]

    @property
    def classes(self) -> tuple[str, ...]:
        return tuple(self.config["classes"])

    @property
    def clip_frames(self) -> int:
        return int(self.config["clip_frames"])

    @property
    def regression(self) -> bool:
        return bool(self.config["regression"])

    @property
    def spot(self) -> SpotParams:
        return SpotParams(**self.config.get("spot", {}))

    @property
    def simulated(self) -> bool:
        return bool(self.config["simulated"])


def save_model(folder: Path, network: RMSNet, config: Mapping[str, Any]) -> None:
    """Write weights and config into a folder that exists; the config names the weights' hash."""
    _save(folder, network.state_dict(), config)


def _save(folder: Path, weights: Mapping[str, Tensor], config: Mapping[str, Any]) -> None:
    write_tensors(folder / WEIGHTS, {name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()})
    write_json(folder / CONFIG, {**config, "weights_hash": content_hash((folder / WEIGHTS).read_bytes())})


def load_model(folder: Path, device: torch.device | str = "cpu") -> SpottingModel:
    """Read a model written by `save_model`.

    Raises:
        UserError: no model there, an unknown schema, a config that lacks something, or weights that are not those the
            config was written with or do not fit the network that it describes.
    """
    folder = Path(folder)
    if not (folder / CONFIG).exists():
        raise UserError(f"{folder}: no model there (no {CONFIG}); train one with: rmsnet train --out {folder}")
    config = read_json(folder / CONFIG)
    if not isinstance(config, dict) or config.get("schema") != CONFIG_SCHEMA:
        raise UserError(f"{folder / CONFIG}: not a model of schema {CONFIG_SCHEMA}; train it again")
    _require_whole(config, folder / CONFIG)
    try:
        weights = load_file(folder / WEIGHTS)
        matches = content_hash((folder / WEIGHTS).read_bytes()) == config["weights_hash"]
    except (OSError, SafetensorError) as error:
        raise UserError(f"{folder / WEIGHTS}: cannot be read ({error})") from None
    if not matches:
        raise UserError(f"{folder / WEIGHTS}: is not the file its {CONFIG} was written with; restore or train it again")
    members = config.get("members", 1)
    try:
        networks = [RMSNet(config["width"], len(config["classes"]), config["dropout"]) for _ in range(members)]
        for number, network in enumerate(networks):
            prefix = f"{number}." if members > 1 else ""
            of_member = [name for name in weights if name.startswith(prefix)]
            network.load_state_dict({name.removeprefix(prefix): weights.pop(name) for name in of_member})
        fits = not weights
    except (RuntimeError, ValueError):
        fits = False
    if not fits:
        raise UserError(
            f"{folder / WEIGHTS}: weights of another network than {CONFIG} describes ({config['width']} features, "
            f"{len(config['classes'])} classes, {members} member{'' if members == 1 else 's'}); restore or train it "
            "again"
        )
    together = networks[0] if members == 1 else Ensemble(networks)
    return SpottingModel(together.to(device).eval(), config)


_CONFIG: Mapping[str, type | UnionType] = {
    "name": str,
    "classes": list,
    "width": int,
    "clip_frames": int,
    "dropout": int | float,
    "regression": bool,
    "frame_rate": int | float,
    "first_frame_seconds": int | float,
    "features": dict,
    "dataset": str,
    "data_hash": str,
    "simulated": bool,
    "weights_hash": str,
}


def _require_whole(config: Mapping[str, Any], path: Path) -> None:
    """Refuse a config that lacks what every use of the model reads.

    Raises:
        UserError: it names the entries.
    """
    broken = [key for key, kind in _CONFIG.items() if not isinstance(config.get(key), kind)]
    if not isinstance(config.get("members", 1), int):
        broken.append("members")
    try:
        SpotParams(**config.get("spot", {}))
    except (TypeError, ValueError):
        broken.append("spot")
    if broken:
        raise UserError(f"{path}: {', '.join(broken)}: missing or damaged; restore the model or train it again")


def combine_models(models: Sequence[Path], folder: Path, name: str) -> dict[str, Any]:
    """Make one model of several that differ in their seed: their probabilities and offsets are averaged.

    Args:
        models: model folders; ensembles count as their members.
        folder: that exists; gets weights and config.
        name: of the new model.

    Returns:
        The config of the new model.

    Raises:
        UserError: fewer than two models, one given twice, or models that do not read and answer the same.
    """
    if len(models) < 2:
        raise UserError("an ensemble needs at least two models")
    loaded = [load_model(model) for model in models]
    configs = [{key: value for key, value in model.config.items() if key not in _OF_ONE_MEMBER} for model in loaded]
    hashes = [model.config["weights_hash"] for model in loaded]
    for number, (model, config) in enumerate(zip(models, configs, strict=True)):
        different = [key for key in configs[0] if config.get(key) != configs[0][key]]
        if different:
            raise UserError(f"{model}: differs from {models[0]} in {', '.join(different)}")
        if hashes[number] in hashes[:number]:
            raise UserError(
                f"{model}: the same weights as {models[hashes.index(hashes[number])]}; name each model once"
            )
    networks = [
        network
        for model in loaded
        for network in (model.network.members if isinstance(model.network, Ensemble) else [model.network])
    ]
    weights = {
        f"{number}.{name}": tensor
        for number, network in enumerate(networks)
        for name, tensor in network.state_dict().items()
    }
    config = {**configs[0], "name": name, "members": len(networks), "made_of": hashes}
    _save(folder, weights, config)
    return config


_OF_ONE_MEMBER = ("name", "train", "weights_hash", "members", "made_of")


def origin(model: SpottingModel) -> dict[str, Any]:
    """What predictions come from: the model, by its weights' hash, and the data it was trained on."""
    keys = ("name", "weights_hash", "dataset", "simulated", "data_hash", "dvc_md5")
    return {key: model.config.get(key) for key in keys}
