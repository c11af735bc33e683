"""The model that a training starts from: its trunk is kept, and the rows of its heads for the classes that stay."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from rmsnet.errors import UserError
from rmsnet.features.bank import FrameBank
from rmsnet.network.model import RMSNet
from rmsnet.network.model_files import load_model
from rmsnet.params import TrainParams
from rmsnet.spotting.inference import misfit


@dataclass(frozen=True)
class Ancestor:
    """A model to start from.

    Attributes:
        model: what it is called: its folder, or models:/NAME/VERSION.
        folder: where it lies.
        network: its weights.
        config: the content of its config.json.
    """

    model: str
    folder: Path
    network: RMSNet
    config: Mapping[str, Any]

    @property
    def weights_hash(self) -> str:
        return str(self.config["weights_hash"])

    def told(self) -> dict[str, Any]:
        """What the new model's config.json says of it, and of what it started from itself."""
        keys = ("name", "weights_hash", "dataset", "data_hash", "simulated", "classes")
        before = {"started_from": self.config["started_from"]} if "started_from" in self.config else {}
        return {"model": self.model, **{key: self.config[key] for key in keys}, **before}

    def put_into(self, network: RMSNet, classes: Sequence[str]) -> None:
        """Give its weights to a network of fresh ones.

        The row of the class head of a class that it knows by name goes where that class is now, the background's stays
        last. A class that it does not know keeps its fresh row; one that is not wanted any more has none.

        Args:
            network: of the same width.
            classes: of that network, without the background.
        """
        known = [*self.config["classes"], None]
        wanted = [*classes, None]
        stay = [(row, known.index(name)) for row, name in enumerate(wanted) if name in known]
        rows, of_theirs = (torch.tensor(numbers) for numbers in zip(*stay, strict=True))
        theirs = self.network.state_dict()
        with torch.no_grad():
            for name, weight in network.state_dict().items():
                if name.startswith("fc_cls."):
                    weight[rows] = theirs[name][of_theirs].to(weight.device)
                else:
                    weight.copy_(theirs[name])


def read_ancestor(model: str, folder: Path) -> Ancestor:
    """The model in a folder, to start from.

    Args:
        model: what it is called.
        folder: where it lies.

    Raises:
        UserError: see `load_model`; an ensemble, which has no weights of its own.
    """
    loaded = load_model(folder)
    if not isinstance(loaded.network, RMSNet):
        raise UserError(
            f"--start-from {model}: is an ensemble of {loaded.config['members']} models; start from one of its members"
        )
    return Ancestor(model, folder, loaded.network, loaded.config)


def require_heir(ancestor: Ancestor, bank: FrameBank, params: TrainParams) -> None:
    """Refuse to start from a model that has learned something else than what is to be learned here.

    Raises:
        UserError: other features, width, frame rate or clip length, or a backbone that learns too; it says which.
    """
    where = f"--start-from {ancestor.model}"
    if params.backbone:
        raise UserError(f"{where}: a backbone that learns too starts afresh; take --start-from or train.backbone away")
    fault = misfit(ancestor.config, bank)
    if fault is not None:
        raise UserError(f"{where}: {fault}")
    if ancestor.config["clip_frames"] != params.clip_frames:
        raise UserError(
            f"{where}: clip_frames: the model was trained on {ancestor.config['clip_frames']}, train.clip_frames is "
            f"{params.clip_frames}"
        )
