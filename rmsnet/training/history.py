"""What the epochs of a training did, which was the best, and when it is over."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from rmsnet.documents import structured
from rmsnet.params import TrainParams
from rmsnet.reading.rows import read_rows

COLLAPSED = 0.5
"""A training has collapsed when it ends with less than this share of its best score."""


@dataclass(frozen=True)
class Epoch:
    """What one epoch did.

    Attributes:
        epoch: 1, 2, …
        loss: mean of Eq. 3 over the epoch's clips.
        classification_loss: mean of Eq. 1.
        regression_loss: mean of Eq. 2, background counted as zero.
        valid_average_map: on the validation split after the epoch, in [0, 1].
        learning_rate: of the epoch's last step.
        gradient_norm: of the epoch's last step, before it is cut to `LONGEST_GRADIENT`.
        clips_per_second: trained clips, validation not counted.
        seconds: of the whole epoch, validation included.
    """

    epoch: int
    loss: float
    classification_loss: float
    regression_loss: float
    valid_average_map: float
    learning_rate: float
    gradient_norm: float
    clips_per_second: float
    seconds: float


def best_epoch(history: Sequence[Epoch]) -> Epoch:
    """The epoch with the best validation Average-mAP, the first of equals."""
    return max(history, key=lambda epoch: epoch.valid_average_map)


def finished(history: Sequence[Epoch], params: TrainParams) -> bool:
    if len(history) >= params.epochs:
        return True
    return bool(params.patience and history and len(history) - best_epoch(history).epoch >= params.patience)


def collapse(history: Sequence[Epoch]) -> str | None:
    """What is to be said of a training that lost at its end most of what it had learned; None: it did not.

    At a rate too high for the data a network can die within an epoch: whatever it sees, it answers the same.
    """
    best, last = best_epoch(history), history[-1]
    if last.valid_average_map >= COLLAPSED * best.valid_average_map:
        return None
    scores = (
        f"{100 * best.valid_average_map:.1f} in epoch {best.epoch} to {100 * last.valid_average_map:.1f} at the end"
    )
    return (
        f"valid Average-mAP fell from {scores}; the model is that of epoch {best.epoch}. "
        "Lower train.learning_rate, or raise train.batch_size"
    )


def read_history(path: Path) -> list[Epoch]:
    """The epochs of the table of them that a training leaves.

    Raises:
        UserError: no such file, or not one of these.
    """
    rows = read_rows(path, [item.name for item in fields(Epoch)])
    return structured(rows, list[Epoch], str(path), texts=True)
