"""PCA fitted in one pass over any number of frames: subtract a mean, project, no whitening (SoccerNet's own way)."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from rmsnet.errors import UserError
from rmsnet.files import content_hash, write_tensors
from rmsnet.reading.tensors import read_tensors
from rmsnet.video.recipe import PCA_FILE, Recipe

Matrix = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Pca:
    """A linear projection to the directions of largest variance.

    Attributes:
        mean: (D,) float32.
        components: (K, D) float32, orthonormal rows, the largest variance first; the entry of largest magnitude of
            each is positive.
    """

    mean: Matrix
    components: Matrix

    @property
    def hash(self) -> str:
        return content_hash(self.mean.tobytes(), self.components.tobytes())

    def apply(self, features: Matrix) -> Matrix:
        """(N, K) of (N, D)."""
        return np.asarray((features - self.mean) @ self.components.T, np.float32)


class PcaFit:
    """Adds up frames until all have been seen; memory D × D, whatever their number."""

    def __init__(self, width: int) -> None:
        self.frames = 0
        self._origin: npt.NDArray[np.float64] | None = None
        self._sum = np.zeros(width)
        self._products = np.zeros((width, width))

    def add(self, features: Matrix) -> None:
        """Take (N, D) frames in."""
        if self._origin is None:
            # Sums around a point near the mean lose nothing to cancellation.
            self._origin = features.mean(axis=0, dtype=np.float64)
        centred = features - self._origin
        self.frames += len(features)
        self._sum += centred.sum(axis=0)
        self._products += centred.T @ centred

    def finish(self, components: int) -> Pca:
        """The PCA of all frames seen.

        Raises:
            UserError: more components than features or than frames allow.
        """
        width = len(self._sum)
        if self._origin is None or components > min(width, self.frames - 1):
            raise UserError(
                f"extract.pca: {components} components cannot come from {self.frames} training frames of {width} "
                "features; lower it, or 0 for no PCA"
            )
        offset = self._sum / self.frames
        covariance = self._products / self.frames - np.outer(offset, offset)
        _, vectors = np.linalg.eigh(covariance)
        rows = vectors.T[::-1][:components]
        largest = np.take_along_axis(rows, np.abs(rows).argmax(axis=1)[:, None], axis=1)
        return Pca((self._origin + offset).astype(np.float32), (rows * np.sign(largest)).astype(np.float32))


def save_pca(folder: Path, pca: Pca) -> None:
    """Write a PCA as `pca.safetensors` into a folder."""
    write_tensors(Path(folder) / PCA_FILE, {"mean": pca.mean, "components": np.ascontiguousarray(pca.components)})


def load_pca(recipe: Recipe, folder: Path) -> Pca | None:
    """The PCA of a recipe from its folder; None where the recipe has none.

    Raises:
        UserError: the file is missing, damaged, or another than the recipe names.
    """
    if not recipe.pca_components:
        return None
    path = Path(folder) / PCA_FILE
    tensors = read_tensors(path, "numpy")
    if tensors.keys() != {"mean", "components"}:
        raise UserError(f"{path}: holds no PCA; restore the file")
    pca = Pca(tensors["mean"], tensors["components"])
    if pca.hash != recipe.pca_hash:
        raise UserError(f"{path}: is not the PCA that the features were made with; restore the file")
    return pca
