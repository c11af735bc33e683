"""A model folder that answers: the features of a half in, its events out."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rmsnet.features.profile import PROFILE_FILE, Drift, drift, read_profile, summarize
from rmsnet.network.onnx_model import load_spotter
from rmsnet.network.spotting_model import SpottingModel
from rmsnet.spotting.inference import Features, spot_features
from rmsnet.spotting.thresholds import Floats, is_told, learned_thresholds


@dataclass(frozen=True)
class HalfEvents:
    """Events of a half by column, all of one length."""

    position_ms: list[int]
    label: list[str]
    confidence: list[float]

    def rows(self) -> list[dict[str, Any]]:
        """Event by event."""
        columns = (self.position_ms, self.label, self.confidence)
        return [
            {"position_ms": position_ms, "label": label, "confidence": confidence}
            for position_ms, label, confidence in zip(*columns, strict=True)
        ]


@dataclass(frozen=True)
class HalfSpotter:
    """A model, and what lies beside it.

    Attributes:
        model: the model.
        least: (C,) the threshold of each class; None: it has learned none.
        profile: of the features of its training; None: it has none.
    """

    model: SpottingModel
    least: Floats | None
    profile: Mapping[str, Any] | None

    def events(self, features: Features, thresholded: bool = False) -> HalfEvents:
        """The events of a half.

        Args:
            features: (T, D) at the model's frame rate.
            thresholded: leave out those below the threshold of their class.

        Raises:
            UserError: features that the model cannot read.
        """
        found = spot_features(self.model, features)
        told = is_told(found, self.least) if thresholded and self.least is not None else slice(None)
        labels = [self.model.classes[label] for label in found.label[told]]
        return HalfEvents(found.position_ms[told].tolist(), labels, found.confidence[told].tolist())

    def drift(self, features: Features) -> Drift | None:
        """How far the features lie from those of the training; None where the model has no profile."""
        return None if self.profile is None else drift(self.profile, summarize(features))


def open_half_spotter(folder: Path, device: str = "cpu") -> HalfSpotter:
    """The model of a folder.

    Raises:
        UserError: see `rmsnet.network.onnx_model.load_spotter`; thresholds or a profile that are damaged.
    """
    model = load_spotter(folder, device)
    profile = read_profile(folder / PROFILE_FILE) if (folder / PROFILE_FILE).exists() else None
    return HalfSpotter(model, learned_thresholds(folder, model.classes), profile)
