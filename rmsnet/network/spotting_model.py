"""A trained model and what it says of itself; PyTorch is imported by nothing here."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rmsnet.params import SpotParams

if TYPE_CHECKING:
    from rmsnet.network.model import Ensemble, RMSNet


@dataclass(frozen=True)
class SpottingModel:
    """A trained network with what it takes to use it.

    Attributes:
        network: in eval mode; several that were trained apart answer together.
        config: the content of config.json.
    """

    network: "RMSNet | Ensemble"
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


def origin(model: SpottingModel) -> dict[str, Any]:
    """What predictions come from: the model, by its weights' hash, and the data it was trained on."""
    keys = ("name", "weights_hash", "dataset", "simulated", "data_hash", "dvc_md5")
    return {key: model.config.get(key) for key in keys}
