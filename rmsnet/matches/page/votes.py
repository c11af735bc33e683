"""Votes of clips that start at every frame: how often each frame is named as an event (paper, Fig. 7)."""

import numpy as np
import numpy.typing as npt

from rmsnet.features.bank import FrameBank
from rmsnet.matches.match import clock
from rmsnet.spots import Predictions
from rmsnet.spotting.decoding import ClipScores, vote_curves
from rmsnet.style.page import text
from rmsnet.style.palette import QUIET, TRUTH, class_looks, name_of

Votes = npt.NDArray[np.int64]

BESIDE_SECONDS = 30
"""What a panel shows before and after its event."""

COLUMNS = 3
"""Panels beside one another where there are more than three classes."""

PAGE_PIXELS, PANEL_PIXELS, LEFT, TOP = 1128, 190, 36, 26
"""Width of the picture, height of a panel, and what lies to the left of its axes and above them."""


def votes_of(every_clip: ClipScores, bank: FrameBank) -> Votes:
    """(C, N) how many of the clips that start at every frame name each of the bank's frames as an event of a class."""
    classes = len(bank.classes)
    of_halves = [vote_curves(every_clip, number, half.frames, classes) for number, half in enumerate(bank.halves)]
    return np.concatenate(of_halves, axis=1)


def draw_votes(votes: Votes, predictions: Predictions, bank: FrameBank, clip_frames: int, note: str) -> str:
    """An SVG with a panel for each class that has a prediction, around its most confident one.

    All of every match go up to `clip_frames`: so many clips hold a frame.

    As in the paper's Fig. 7 the curve is the votes of each frame and the red line the ground truth; the dashed line is
    the prediction. Drawn here: loading Matplotlib costs more than all else of a match whose features are there.
    """
    shown = [label for label in range(len(bank.classes)) if (predictions.label == label).any()]
    columns = 1 if len(shown) <= COLUMNS else COLUMNS
    rows = max(1, -(-len(shown) // columns))
    wide = PAGE_PIXELS // columns
    panels = [
        f'<g transform="translate({number % columns * wide} {number // columns * PANEL_PIXELS})">'
        f"{_panel(votes[label], predictions, bank, label, clip_frames, wide)}</g>"
        for number, label in enumerate(shown)
    ]
    high = rows * PANEL_PIXELS + 20
    if not shown:
        panels = [_text(PAGE_PIXELS / 2, high / 2, "The model spots nothing in this match.", "middle")]
    below = _text(PAGE_PIXELS - 8, high - 6, note, "end", QUIET.on_light, 10)
    seconds = _text(LEFT, high - 6, "seconds from the most confident spot, votes upwards", "start", QUIET.on_light, 10)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {PAGE_PIXELS} {high}" width="{PAGE_PIXELS}" '
        f'height="{high}" font-family="system-ui, sans-serif"><rect width="100%" height="100%" fill="white"/>'
        f"{''.join(panels)}{seconds}{below}</svg>\n"
    )


def _panel(votes: Votes, predictions: Predictions, bank: FrameBank, label: int, clip_frames: int, wide: int) -> str:
    of_class = np.flatnonzero(predictions.label == label)
    best = of_class[predictions.confidence[of_class].argmax()]
    half = bank.halves[predictions.half[best]]
    at_ms = int(predictions.position_ms[best])
    right, bottom = wide - 12, PANEL_PIXELS - 26

    def x(seconds: float) -> float:
        return round(LEFT + (seconds / BESIDE_SECONDS + 1) / 2 * (right - LEFT), 1)

    def y(count: float) -> float:
        return round(bottom - count / clip_frames * (bottom - TOP), 1)

    seconds = bank.seconds_of(np.arange(half.frames)) - at_ms / 1000
    near = np.abs(seconds) <= BESIDE_SECONDS
    of_half = votes[half.first_frame : half.first_frame + half.frames]
    points = " ".join(f"{x(at)},{y(count)}" for at, count in zip(seconds[near], of_half[near], strict=True))
    same = (bank.truth.half == predictions.half[best]) & (bank.truth.label == label)
    truth = (bank.truth.position_ms[same] - at_ms) / 1000
    look = class_looks(bank.classes, bank.looks)[label]
    parts = [_text(LEFT, TOP - 8, f"{name_of(bank.classes[label], bank.looks)}, half {half.half}, {clock(at_ms)}")]
    for count in (0, clip_frames // 2, clip_frames):
        parts += [
            _line(LEFT, y(count), right, y(count), "#ddd"),
            _text(LEFT - 5, y(count) + 3, str(count), "end", size=10),
        ]
    for at in (-BESIDE_SECONDS, 0, BESIDE_SECONDS):
        parts.append(_text(x(at), bottom + 14, str(at), "middle", size=10))
    parts += [_line(x(at), TOP, x(at), bottom, TRUTH.on_light) for at in truth[np.abs(truth) <= BESIDE_SECONDS]]
    parts.append(_line(x(0), TOP, x(0), bottom, QUIET.on_light, ' stroke-dasharray="4 3"'))
    parts.append(f'<polyline points="{points}" fill="none" stroke="{look.colour.on_light}" stroke-width="1.5"/>')
    return "".join(parts)


def _line(x1: float, y1: float, x2: float, y2: float, ink: str, more: str = "") -> str:
    return f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="{ink}"{more}/>'


def _text(x: float, y: float, said: str, anchor: str = "start", ink: str = "black", size: int = 12) -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}" fill="{ink}" font-size="{size}">{text(said)}</text>'
