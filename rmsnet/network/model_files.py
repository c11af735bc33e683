"""A model on disk: model.safetensors (weights) and config.json (all that leads from frames to events). No pickle."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from rmsnet.errors import UserError
from rmsnet.files import content_hash, write_json, write_tensors
from rmsnet.network.model import Ensemble, RMSNet
from rmsnet.network.model_config import CONFIG, ONNX, WEIGHTS, read_config, weights_file_hash
from rmsnet.network.spotting_model import SpottingModel as SpottingModel
from rmsnet.network.spotting_model import origin as origin
from rmsnet.reading.tensors import read_tensors


def save_model(folder: Path, network: RMSNet, config: Mapping[str, Any]) -> None:
    """Write weights and config into a folder that exists; the config names the weights' hash."""
    _save(folder, network.state_dict(), config)


def _save(folder: Path, weights: Mapping[str, Tensor], config: Mapping[str, Any]) -> None:
    write_tensors(folder / WEIGHTS, {name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()})
    write_json(folder / CONFIG, {**config, "weights_hash": content_hash((folder / WEIGHTS).read_bytes())})


def load_model(folder: Path, device: torch.device | str = "cpu") -> SpottingModel:
    """Read a model written by `save_model`.

    Raises:
        UserError: see `read_config`; weights that are not those the config was written with, or do not fit the
            network that it describes.
    """
    folder = Path(folder)
    config = read_config(folder)
    if (folder / ONNX).exists() and not (folder / WEIGHTS).exists():
        raise UserError(f"{folder}: an export for ONNX Runtime, which spots only; here the model itself is needed")
    weights = read_tensors(folder / WEIGHTS, "torch")
    if weights_file_hash(folder) != config["weights_hash"]:
        raise UserError(f"{folder / WEIGHTS}: is not the file its {CONFIG} was written with; restore or train it again")
    members = config.get("members", 1)
    with torch.device("meta"):  # without memory: a damaged width may be any
        shapes = {name: part.shape for name, part in _network_of(config).state_dict().items()}
    prefixes = [f"{number}." for number in range(members)] if members > 1 else [""]
    wanted = {f"{prefix}{name}": shape for prefix in prefixes for name, shape in shapes.items()}
    if {name: tensor.shape for name, tensor in weights.items()} != wanted:
        raise UserError(
            f"{folder / WEIGHTS}: weights of another network than {CONFIG} describes ({config['width']} features, "
            f"{len(config['classes'])} classes, {members} member{'' if members == 1 else 's'}); restore or train it "
            "again"
        )
    networks = [_network_of(config) for _ in prefixes]
    for prefix, network in zip(prefixes, networks, strict=True):
        network.load_state_dict({name: weights[f"{prefix}{name}"] for name in shapes})
    together = networks[0] if members == 1 else Ensemble(networks)
    return SpottingModel(together.to(device).eval(), config)


def _network_of(config: Mapping[str, Any]) -> RMSNet:
    return RMSNet(config["width"], len(config["classes"]), config["dropout"])


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


_OF_ONE_MEMBER = ("name", "train", "weights_hash", "members", "made_of", "started_from")
