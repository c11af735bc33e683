"""A model that is served: loaded, tried, described, asked."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rmsnet import tracking
from rmsnet.errors import UserError
from rmsnet.reading.hub import HUB, fetch_published
from rmsnet.registry.signing import require_signed
from rmsnet.spotting.half_spotter import HalfSpotter, open_half_spotter

if TYPE_CHECKING:
    from rmsnet.serving.requests import Features

MAX_SECONDS = 3 * 3600
"""Of one half."""

SAME_MS = 500
SAME_CONFIDENCE = 1e-3
"""What another processor may make of the same example: sums in another order."""

_VERSION = re.compile(r"models:/[^/@]+/(\d+)")


@dataclass(frozen=True)
class ServedModel:
    """A loaded model.

    Attributes:
        spotter: what answers.
        description: what is served, as JSON.
    """

    spotter: HalfSpotter
    description: Mapping[str, Any]

    @property
    def version(self) -> int | None:
        """Of a registered model; None for a folder or a logged model."""
        number: int | None = self.description["version"]
        return number

    @property
    def width(self) -> int:
        return int(self.spotter.model.config["width"])

    @property
    def max_frames(self) -> int:
        return int(MAX_SECONDS * self.spotter.model.config["frame_rate"])

    def answer(self, features: "Features", thresholded: bool) -> dict[str, Any]:
        """The events of a half, the drift of its (T, width) features and which model says so, as JSON."""
        events = self.spotter.events(features, thresholded)
        found = self.spotter.drift(features)
        drift = None
        if found is not None:
            drift = {"distance": found.distance, "limit": found.limit, "drifted": found.drifted}
        model = {"name": self.description["name"], "version": self.version}
        return {"events": events.rows(), "drift": drift, "model": model}


def load_served(uri: str, key: Path | None = None) -> ServedModel:
    """Fetch and load a model, and try it on the example that was recorded with it.

    Args:
        uri: an MLflow URI such as models:/rmsnet/3, hf://ORGANISATION/NAME, a model folder, or a folder with an MLflow
            model.
        key: public key of whom must have signed it; None: nobody.

    Raises:
        UserError: no such model, its files are not those that were registered, or it answers its example otherwise.
        UserError, CheckFailed: see `rmsnet.registry.signing.require_signed`.
    """
    folder = fetch_published(uri) if uri.startswith(HUB) else tracking.fetch_model(uri)
    if key is not None:
        require_signed(uri, folder, key)
    spotter = open_half_spotter(tracking.folder_in(folder, uri))
    keys = ("name", "classes", "width", "frame_rate", "first_frame_seconds", "features", "dataset", "simulated")
    config = spotter.model.config
    numbered = _VERSION.fullmatch(uri)
    description = {
        "uri": uri,
        "version": int(numbered[1]) if numbered else None,
        **{key: config[key] for key in (*keys, "weights_hash")},
    }
    model = ServedModel(spotter, description)
    require_example(model, tracking.recorded_example(folder))
    return model


def require_example(model: ServedModel, example: "tracking.Example | None") -> None:
    """Refuse a model that does not answer as it did when it was logged, be it for other files or another machine.

    Raises:
        UserError: other events, or none of the kind.
    """
    if example is None:
        return
    found = model.spotter.events(example.features)
    told = example.events
    if told is None:
        return
    same = (
        found.label == told.label
        and len(told.label) == len(told.position_ms) == len(told.confidence)
        and np.allclose(found.position_ms, told.position_ms, rtol=0, atol=SAME_MS)
        and np.allclose(found.confidence, told.confidence, rtol=0, atol=SAME_CONFIDENCE)
    )
    if not same:
        raise UserError(
            f"{model.description['uri']}: gives other events for its recorded example than when it was logged; it was "
            "damaged, or this machine computes otherwise; register it again"
        )
