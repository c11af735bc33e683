"""Votes of clips that start at every frame: how often each frame is named as an event (paper, Fig. 7)."""

import io
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from rmsnet.features.bank import FrameBank
from rmsnet.formats.words import plain_text
from rmsnet.matches.match import clock
from rmsnet.matches.page.looks import name_of
from rmsnet.spots import Predictions
from rmsnet.spotting.decoding import ClipScores, vote_curves

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Votes = npt.NDArray[np.int64]

BESIDE_SECONDS = 30
"""What a panel shows before and after its event."""

COLUMNS = 3
"""Panels beside one another where there are more than three classes."""

TRUTH, VOTES, SPOT = "#d62728", "#1f77b4", "#444444"


def votes_of(every_clip: ClipScores, bank: FrameBank) -> Votes:
    """(C, N) how many of the clips that start at every frame name each of the bank's frames as an event of a class."""
    classes = len(bank.classes)
    of_halves = [vote_curves(every_clip, number, half.frames, classes) for number, half in enumerate(bank.halves)]
    return np.concatenate(of_halves, axis=1)


def plot_votes(votes: Votes, predictions: Predictions, bank: FrameBank, note: str) -> bytes:
    """A PNG with a panel for each class that has a prediction, around its most confident one.

    As in the paper's Fig. 7 the blue curve is the votes of each frame and the red line the ground truth; the dashed
    line is the prediction.
    """
    from matplotlib.figure import Figure

    shown = [label for label in range(len(bank.classes)) if (predictions.label == label).any()]
    columns = 1 if len(shown) <= COLUMNS else COLUMNS
    rows = max(1, -(-len(shown) // columns))
    figure = Figure(figsize=(8 if columns == 1 else 5 * columns, 2.1 * rows + 0.5), dpi=110, layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).flatten()
    for panel, label in zip(panels, shown, strict=False):
        _draw(panel, votes[label], predictions, bank, label)
    for panel in panels[len(shown) :]:
        panel.set_axis_off()
    if not shown:
        panels[0].text(0.5, 0.5, "The model spots nothing in this match.", ha="center", va="center")
    for panel in panels[max(0, len(shown) - columns) : len(shown)]:
        panel.set_xlabel("seconds from the most confident spot")
    figure.suptitle(note, x=0.995, ha="right", fontsize=7, color="#666666")
    buffer = io.BytesIO()
    # No name and date of the program: the same match gives the same bytes.
    with plain_text(figure):
        figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def _draw(panel: "Axes", votes: Votes, predictions: Predictions, bank: FrameBank, label: int) -> None:
    from matplotlib.ticker import MaxNLocator

    of_class = np.flatnonzero(predictions.label == label)
    best = of_class[predictions.confidence[of_class].argmax()]
    half = bank.halves[predictions.half[best]]
    at_ms = int(predictions.position_ms[best])
    seconds = bank.seconds_of(np.arange(half.frames)) - at_ms / 1000
    near = np.abs(seconds) <= BESIDE_SECONDS
    panel.plot(seconds[near], votes[half.first_frame : half.first_frame + half.frames][near], color=VOTES)
    same = (bank.truth.half == predictions.half[best]) & (bank.truth.label == label)
    truth = (bank.truth.position_ms[same] - at_ms) / 1000
    for second in truth[np.abs(truth) <= BESIDE_SECONDS]:
        panel.axvline(second, color=TRUTH)
    panel.axvline(0, color=SPOT, linestyle="--", linewidth=1)
    panel.set_xlim(-BESIDE_SECONDS, BESIDE_SECONDS)
    panel.set_ylim(bottom=0)
    panel.set_ylabel("votes")
    panel.yaxis.set_major_locator(MaxNLocator(integer=True))
    panel.set_title(f"{name_of(bank.classes[label])}, half {half.half}, {clock(at_ms)}", loc="left", fontsize=10)
    panel.spines[["top", "right"]].set_visible(False)
