"""What turns rows of the frame bank into clips of features."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from rmsnet.features.bank import FrameBank
from rmsnet.network.devices import release_pages, resident_features

Batch = tuple[Tensor, Tensor, Tensor]
"""Time-major rows of the bank (T, B), classes (B,), relative offsets (B,)."""


class Inputs(Protocol):
    """What turns rows of the bank into clips of features: a gather, or frames through a backbone that learns too.

    Attributes:
        width: D.
        weights: what learns beside the head; empty for features.
        fingerprint: of what the clips depend on besides the bank.
        recordable: whether `clips` only reads its rows, so that a step can be replayed as a CUDA graph.
    """

    width: int
    weights: Mapping[str, Tensor]
    fingerprint: str
    recordable: bool

    def expect(self, batches: Iterable[Tensor]) -> None:
        """The rows that `clips` will be asked for, in this order; they lie on the CPU."""

    def clips(self, rows: Tensor) -> Tensor:
        """(T, B, D) features of (T, B) rows of the training bank."""

    def valid_features(self, halves: Sequence[int]) -> Tensor:
        """(N, D) features of these halves of the validation bank, one after the other, with the weights as they are."""

    def broken_row(self, rows: Tensor) -> int | None:
        """One of (N,) rows whose input is not finite; None: there is none."""

    def finish(self, folder: Path) -> dict[str, Any]:
        """Write what belongs to the model into its folder; entries for its config.json."""


class BankFeatures:
    """The inputs of a bank of features: they are there.

    Args:
        train: to learn from.
        valid: to judge by.
        precision: the type that the network computes in.
        device: where.
    """

    recordable = True
    fingerprint = ""

    def __init__(self, train: FrameBank, valid: FrameBank, precision: torch.dtype, device: torch.device) -> None:
        self.width = train.width
        self.weights: Mapping[str, Tensor] = {}
        self._train = resident_features(train.features, precision, device)
        self._valid = valid
        # On a CPU what is needed is converted again in each validation: a second a time for 100 games, 1.1 GB less.
        self._on_device = resident_features(valid.features, precision, device) if device.type == "cuda" else None
        self._precision = precision

    def expect(self, batches: Iterable[Tensor]) -> None:
        """Nothing needs to be made ready."""

    def clips(self, rows: Tensor) -> Tensor:
        return self._train.index_select(0, rows.reshape(-1)).view(*rows.shape, -1)

    def valid_features(self, halves: Sequence[int]) -> Tensor:
        features = torch.from_numpy(self._valid.features) if self._on_device is None else self._on_device
        chosen = [self._valid.halves[number] for number in halves]
        whole = torch.cat(
            [features[half.first_frame : half.first_frame + half.frames].to(self._precision) for half in chosen]
        )
        release_pages(self._valid.features)
        return whole

    def broken_row(self, rows: Tensor) -> int | None:
        broken = rows[~torch.isfinite(self._train[rows]).all(dim=1)]
        return int(broken[0]) if len(broken) else None

    def finish(self, folder: Path) -> dict[str, Any]:
        return {}
