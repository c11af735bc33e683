"""Votes of clips that start at every frame: how often each frame is named as an event (paper, Fig. 7)."""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from rmsnet.features.bank import FrameBank
from rmsnet.matches.match import clock
from rmsnet.spots import Predictions
from rmsnet.spotting.decoding import ClipScores, vote_curves
from rmsnet.style.palette import QUIET, TRUTH, class_looks, name_of
from rmsnet.style.plot import figure, name_axes, png, whole_numbers

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Votes = npt.NDArray[np.int64]

BESIDE_SECONDS = 30
"""What a panel shows before and after its event."""

COLUMNS = 3
"""Panels beside one another where there are more than three classes."""


def votes_of(every_clip: ClipScores, bank: FrameBank) -> Votes:
    """(C, N) how many of the clips that start at every frame name each of the bank's frames as an event of a class."""
    classes = len(bank.classes)
    of_halves = [vote_curves(every_clip, number, half.frames, classes) for number, half in enumerate(bank.halves)]
    return np.concatenate(of_halves, axis=1)


def plot_votes(votes: Votes, predictions: Predictions, bank: FrameBank, clip_frames: int, note: str) -> bytes:
    """A PNG with a panel for each class that has a prediction, around its most confident one.

    All of every match go up to `clip_frames`: so many clips hold a frame.

    As in the paper's Fig. 7 the curve is the votes of each frame and the red line the ground truth; the dashed line is
    the prediction.
    """
    shown = [label for label in range(len(bank.classes)) if (predictions.label == label).any()]
    columns = 1 if len(shown) <= COLUMNS else COLUMNS
    rows = max(1, -(-len(shown) // columns))
    width = 8 if columns == 1 else 5 * columns
    made, panels = figure(note, rows, columns, width=width, height=2.1 * rows + 0.5)
    for panel, label in zip(panels, shown, strict=False):
        _draw(panel, votes[label], predictions, bank, label)
        panel.set_ylim(0, clip_frames)
    for panel in panels[len(shown) :]:
        panel.set_axis_off()
    if not shown:
        panels[0].text(0.5, 0.5, "The model spots nothing in this match.", ha="center", va="center")
    for panel in panels[max(0, len(shown) - columns) : len(shown)]:
        panel.set_xlabel("seconds from the most confident spot")
    return png(made)


def _draw(panel: "Axes", votes: Votes, predictions: Predictions, bank: FrameBank, label: int) -> None:
    of_class = np.flatnonzero(predictions.label == label)
    best = of_class[predictions.confidence[of_class].argmax()]
    half = bank.halves[predictions.half[best]]
    at_ms = int(predictions.position_ms[best])
    seconds = bank.seconds_of(np.arange(half.frames)) - at_ms / 1000
    near = np.abs(seconds) <= BESIDE_SECONDS
    colour = class_looks(bank.classes, bank.looks)[label].colour.on_light
    panel.plot(seconds[near], votes[half.first_frame : half.first_frame + half.frames][near], color=colour)
    same = (bank.truth.half == predictions.half[best]) & (bank.truth.label == label)
    truth = (bank.truth.position_ms[same] - at_ms) / 1000
    for second in truth[np.abs(truth) <= BESIDE_SECONDS]:
        panel.axvline(second, color=TRUTH.on_light)
    panel.axvline(0, color=QUIET.on_light, linestyle="--", linewidth=1)
    panel.set_xlim(-BESIDE_SECONDS, BESIDE_SECONDS)
    whole_numbers(panel.yaxis)
    name_axes(panel, f"{name_of(bank.classes[label], bank.looks)}, half {half.half}, {clock(at_ms)}", y="votes")
