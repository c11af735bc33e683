"""A model that is served: loaded, described, asked."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rmsnet import tracking

if TYPE_CHECKING:
    from rmsnet.serving.requests import Features

MAX_SECONDS = 3 * 3600
"""Of one half."""


@dataclass(frozen=True)
class ServedModel:
    """A loaded model.

    Attributes:
        spotter: the code of the logged model, see `rmsnet.tracking.pyfunc_model`.
        description: what is served, as JSON.
    """

    spotter: Any
    description: Mapping[str, Any]

    @property
    def width(self) -> int:
        return int(self.spotter.model.config["width"])

    @property
    def max_frames(self) -> int:
        return int(MAX_SECONDS * self.spotter.model.config["frame_rate"])

    def answer(self, features: "Features", thresholded: bool) -> dict[str, Any]:
        """The events of a half and the drift of its (T, width) features, as JSON."""
        events = self.spotter.events(features, thresholded)
        found = self.spotter.drift(features)
        drift = None
        if found is not None:
            drift = {"distance": found.distance, "limit": found.limit, "drifted": found.drifted}
        return {"events": events.to_dict(orient="records"), "drift": drift}


def load_served(uri: str) -> ServedModel:
    """Fetch and load a model.

    Args:
        uri: an MLflow URI such as models:/rmsnet@champion, or a folder with an MLflow model.

    Raises:
        UserError: no such model, or its files are not those that were registered.
    """
    folder = tracking.fetch_model(uri)
    with tracking.asking(f"{uri} cannot be loaded"):
        loaded = tracking.load_with_our_code(folder)
    spotter = loaded.unwrap_python_model()
    keys = ("name", "classes", "width", "frame_rate", "first_frame_seconds", "features", "dataset", "simulated")
    config = spotter.model.config
    return ServedModel(spotter, {"uri": uri, **{key: config[key] for key in (*keys, "weights_hash")}})
