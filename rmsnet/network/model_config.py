"""What a model's config.json says, read without the library that computes with its weights."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rmsnet.documents import read_document, require_known, structured
from rmsnet.errors import UserError
from rmsnet.files import content_hash
from rmsnet.params import SpotParams
from rmsnet.reading.names import is_text

CONFIG_SCHEMA = 1
WEIGHTS = "model.safetensors"
ONNX = "model.onnx"
"""Of an export for ONNX Runtime, in the place of the weights: the network over clips."""
EVERY_CLIP_ONNX = "every_clip.onnx"
"""Beside it: the same for a clip at every frame of a half, which computes no frame twice."""
BACKBONE_ONNX = "backbone.onnx"
"""Beside it: from pictures to features, where a recipe leads to them."""
CONFIG = "config.json"
ORIGIN_FILE = "origin.json"
"""Beside predictions: which model made them."""

MOST_FRAMES_PER_SECOND = 1000
MOST_SECONDS = 24 * 3600


@dataclass(frozen=True)
class FeaturesEntry:
    """What a model, or a frame bank, says of its features.

    Attributes:
        name: of the feature files, of the recipe, or of the frames.
        hash: of the recipe; None where they came ready-made.
        recipe: how they come from a video, see `rmsnet.video.recipe`.
        pictures: what frames are, see `rmsnet.video.frames`.
    """

    name: str
    hash: str | None = None
    recipe: dict[str, Any] | None = None
    pictures: dict[str, Any] | None = None


@dataclass(frozen=True)
class _Config:
    """The entries of config.json that every use of a model reads."""

    name: str
    classes: tuple[str, ...]
    width: int
    clip_frames: int
    dropout: float
    regression: bool
    frame_rate: float
    first_frame_seconds: float
    features: FeaturesEntry
    dataset: str
    data_hash: str
    simulated: bool
    weights_hash: str
    dvc_md5: str | None = None
    members: int = 1
    spot: SpotParams = SpotParams()  # noqa: RUF009  # immutable
    periods: tuple[dict[str, Any], ...] = ()
    looks: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        require_class_names(self.classes)
        require_frame_times(self.frame_rate, self.first_frame_seconds)
        for key, most in (("width", 1 << 20), ("clip_frames", 1 << 20), ("members", 1000)):
            if not 1 <= getattr(self, key) <= most:
                raise ValueError(f"{key}: {getattr(self, key)} does not lie between 1 and {most}")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout: {self.dropout} does not lie in [0, 1)")


def require_class_names(classes: Sequence[str]) -> None:
    """Refuse what is no list of class names.

    Raises:
        ValueError: empty, a name twice, or one that is no line of text.
    """
    if not classes or len(set(classes)) < len(classes) or not all(name and is_text(name) for name in classes):
        raise ValueError("classes: is no list of different names")


def require_frame_times(frame_rate: float, first_frame_seconds: float) -> None:
    """Refuse impossible times of frames.

    Raises:
        ValueError: no positive rate, or no time.
    """
    if not 0 < frame_rate <= MOST_FRAMES_PER_SECOND:
        raise ValueError(f"frame_rate: {frame_rate} does not lie between 0 and {MOST_FRAMES_PER_SECOND} a second")
    if abs(first_frame_seconds) > MOST_SECONDS:
        raise ValueError(f"first_frame_seconds: {first_frame_seconds} is no time in a half")


def read_config(folder: Path) -> dict[str, Any]:
    """The config.json of a model folder, whole and sound.

    Raises:
        UserError: there is none, or one of another schema, or an entry is missing or damaged.
    """
    path = Path(folder) / CONFIG
    if not path.exists():
        raise UserError(f"{folder}: no model there (no {CONFIG}); train one with: rmsnet train --out {folder}")
    config = read_document(path, dict[str, Any], advice=_RESTORE)
    if config.get("schema") != CONFIG_SCHEMA:
        raise UserError(f"{path}: not a model of schema {CONFIG_SCHEMA}; train it again")
    structured(config, _Config, str(path), _RESTORE)
    require_known(config.get("spot", {}), SpotParams, f"{path}: spot", _RESTORE)
    return config


def read_features_entry(folder: Path) -> dict[str, Any]:
    """What the config.json of a model folder says of its features, whatever else is in it.

    Raises:
        UserError: there is none.
    """
    path = Path(folder) / CONFIG
    config = read_document(path, dict[str, Any], advice=_RESTORE)
    structured(config.get("features"), FeaturesEntry, f"{path}: features", _RESTORE)
    return dict(config["features"])


_RESTORE = "restore the model or train it again"


def weights_file_hash(folder: Path) -> str:
    """Of a model's weights file as it lies there."""
    return content_hash((folder / WEIGHTS).read_bytes())
