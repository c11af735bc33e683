"""The recipe of features: everything that leads from a video to the numbers, as a small JSON object with a hash.

It stands in the index of a frame bank and in the config.json of a model trained on it, under "features". What it
names but cannot hold lies beside it: `backbone.safetensors` where the weights came from a file, `pca.safetensors`
where there is a PCA.
"""

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from rmsnet.documents import require_known, structured
from rmsnet.errors import UserError
from rmsnet.files import atomic_file, content_hash

BACKBONE_FILE = "backbone.safetensors"
PCA_FILE = "pca.safetensors"

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Recipe:
    """How a video becomes features.

    Attributes:
        backbone: a torchvision classification model, or "efficientnet_lite0".
        weights: the entry of torchvision's weights enum, or the name of the file they came from.
        weights_hash: content hash of the weights themselves, whatever file they lie in.
        frame_rate: samples per second.
        first_frame_seconds: time of the first sample from the start of the file.
        height: of the picture that the backbone sees, pixels.
        width: of the same.
        resize: the shorter side is brought to so many pixels and (height, width) cut from the centre; None: the
            whole picture is brought to (height, width).
        mean: subtracted from each colour channel in [0, 1].
        std: divided by.
        precision: what the backbone multiplies in, "float32" or "bfloat16"; its weights are float32.
        pca_components: features that are left after the PCA; 0: no PCA.
        pca_hash: content hash of the PCA.
    """

    backbone: str
    weights: str
    weights_hash: str
    frame_rate: float
    first_frame_seconds: float
    height: int = 224
    width: int = 224
    resize: int | None = 224
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD
    precision: str = "float32"
    pca_components: int = 0
    pca_hash: str = ""

    @property
    def hash(self) -> str:
        """Of everything the features depend on; what the weights are called is not part of it."""
        fields = {**asdict(self), "weights": ""}
        if self.precision == "float32":  # as recipes were before there was a choice
            del fields["precision"]
        return content_hash(json.dumps(fields, sort_keys=True))

    @property
    def name(self) -> str:
        """For people, e.g. "resnet152_PCA512"."""
        return f"{self.backbone}_PCA{self.pca_components}" if self.pca_components else self.backbone

    def with_pca(self, components: int, pca_hash: str) -> "Recipe":
        """The same with a PCA behind it."""
        return replace(self, pca_components=components, pca_hash=pca_hash)

    def with_weights(self, weights: str, weights_hash: str) -> "Recipe":
        """The same with other weights of the backbone."""
        return replace(self, weights=weights, weights_hash=weights_hash)

    def features_info(self) -> dict[str, Any]:
        """The entry "features" of a frame bank and of a model; `recipe_of` is its inverse."""
        return {"name": self.name, "hash": self.hash, "recipe": json.loads(json.dumps(asdict(self)))}


def recipe_of(features_info: Mapping[str, Any], where: str) -> Recipe:
    """The recipe in the entry "features" of a frame bank or model.

    Args:
        features_info: the entry.
        where: whose it is, for the message.

    Raises:
        UserError: the features were precomputed elsewhere, or the entry is of another version.
    """
    if features_info.get("recipe") is None:
        raise UserError(
            f"{where}: made for the precomputed features {features_info.get('name')!r}, which no recipe leads to; give "
            "it those features instead of videos, or train on features that rmsnet extract made from videos"
        )
    entry, advice = f"{where}: features.recipe", "it is of another version: extract again"
    recipe = structured(features_info["recipe"], Recipe, entry, advice)
    require_known(features_info["recipe"], Recipe, entry, advice)
    if recipe.hash != features_info.get("hash"):
        raise UserError(f"{where}: its feature recipe was changed by hand: the hash does not fit; extract again")
    return recipe


def copy_recipe_files(source: Path, target: Path) -> None:
    """Copy what a recipe needs beside it from one folder to another; nothing where there is nothing."""
    for name in (BACKBONE_FILE, PCA_FILE):
        if (source / name).exists():
            with atomic_file(target / name) as partial:
                shutil.copyfile(source / name, partial)
