"""How the trainings of a study learned: curves of each row with bands over its seeds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rmsnet.study.summary import Estimate, estimate
from rmsnet.style.palette import apart, look
from rmsnet.style.plot import Drawing, draw_line, drawing, figure, name_axes, whole_numbers
from rmsnet.training.history import Epoch, read_history

if TYPE_CHECKING:
    from rmsnet.study.scores import RowScores

FEW = 4
"""Rows up to which each has a line style of its own."""


@dataclass(frozen=True)
class Curves:
    """Of the trainings of a row, as long as all of them ran: what stops early would bend a mean of the others.

    Attributes:
        score: validation Average-mAP after each epoch, over the trainings.
        loss: mean loss of each epoch, likewise.
    """

    score: tuple[Estimate, ...]
    loss: tuple[Estimate, ...]


def learning_curves(results: "Sequence[RowScores]") -> dict[str, Curves]:
    """The curves of each row, by its name."""
    return {
        result.row.name: curves_of(
            [
                read_history(folder / "history.csv")
                for folder in dict.fromkeys(folder for seed in result.seeds for folder in seed.trainings)
            ]
        )
        for result in results
    }


def curves_of(histories: Sequence[Sequence[Epoch]]) -> Curves:
    """Mean and 95 % interval (Student's t) of each epoch that all trainings have done."""
    epochs = list(zip(*histories, strict=False))
    return Curves(
        tuple(estimate([epoch.valid_average_map for epoch in of_all]) for of_all in epochs),
        tuple(estimate([epoch.loss for epoch in of_all]) for of_all in epochs),
    )


def curve_rows(curves: Mapping[str, Curves]) -> list[dict[str, Any]]:
    """A row per setting and epoch."""
    return [
        {
            "setting": name,
            "epoch": epoch,
            "valid_average_map": score.mean,
            "valid_low": score.low,
            "valid_high": score.high,
            "loss": loss.mean,
            "loss_low": loss.low,
            "loss_high": loss.high,
        }
        for name, found in curves.items()
        for epoch, (score, loss) in enumerate(zip(found.score, found.loss, strict=True), start=1)
    ]


def draw_curves(curves: Mapping[str, Curves], note: str) -> Drawing:
    """Validation score and loss over the epochs."""
    made, (above, below) = figure(note, 2, height=6.4)
    for place, (name, found) in enumerate(curves.items()):
        of = apart(place) if len(curves) <= FEW else look(place)
        epochs = range(1, len(found.score) + 1)
        for axes, values, factor in ((above, found.score, 100), (below, found.loss, 1)):
            ends = [value.ends or (value.mean, value.mean) for value in values]
            low, high = zip(*ends, strict=True)
            band = ([factor * end for end in low], [factor * end for end in high])
            draw_line(axes, epochs, [factor * value.mean for value in values], name, of, band)
    for axes in (above, below):
        whole_numbers(axes.xaxis)
    below.sharex(above)
    below.set_ylim(bottom=0)
    name_axes(above, "Learning curves, band: 95 % of the mean over trainings", y="valid Average-mAP (%)")
    name_axes(below, x="epoch", y="loss")
    if (shared := below.get_legend()) is not None:
        shared.remove()
    return drawing(made)
