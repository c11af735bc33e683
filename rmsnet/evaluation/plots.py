"""Pictures of evaluations, as PNG bytes."""

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from rmsnet.evaluation.assessment import Assessment
from rmsnet.evaluation.bootstrap import interval
from rmsnet.evaluation.cells import Floats
from rmsnet.formats.words import plain_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("#33658a", "#f26419", "#2a9d8f", "#c1121f", "#7b2cbf", "#8d6e63", "#e0a100", "#5c677d", "#d63384")
STYLES = ("-", "--", ":")


def ap_against_tolerance(assessment: Assessment) -> bytes:
    """Average precision of each class over the tolerance (paper, Fig. 4)."""
    figure, axes = _figure(assessment)
    scores = assessment.scores
    order = np.argsort(-scores.per_class, kind="stable").tolist()
    for place, label in enumerate(order):
        name = f"{assessment.corpus.classes[label]} ({100 * scores.per_class[label]:.1f})"
        _line(axes, scores.tolerances, 100 * scores.ap[:, label], place, name)
    _finish(axes, "tolerance δ (s)", "average precision (%)", "Average precision by class", len(order))
    return _png(figure)


def map_against_tolerance(assessments: Sequence[Assessment]) -> bytes:
    """mAP over the tolerance, for one or several sets of predictions, with 95 % intervals (paper, Fig. 5)."""
    figure, axes = _figure(assessments[0])
    for place, assessment in enumerate(assessments):
        scores = assessment.scores
        name = f"{assessment.name} ({100 * scores.average_map:.1f})"
        _line(axes, scores.tolerances, 100 * scores.map_by_tolerance, place, name)
        if assessment.resampled is not None and len(scores.tolerances) > 1:
            low, high = 100 * interval(assessment.resampled.map_by_tolerance)
            axes.fill_between(
                scores.tolerances, low, high, color=COLOURS[place % len(COLOURS)], alpha=0.15, linewidth=0
            )
    _finish(axes, "tolerance δ (s)", "mAP (%)", "mAP, band: 95 % over games", len(assessments))
    return _png(figure)


def precision_recall(assessment: Assessment) -> bytes:
    """Precision over recall of each class at the largest tolerance."""
    figure, axes = _figure(assessment)
    curves = assessment.judged.everything.curves(-1)
    order = np.argsort(-assessment.scores.ap[-1], kind="stable").tolist()
    for place, label in enumerate(order):
        curve = curves[label]
        name = f"{assessment.corpus.classes[label]} ({100 * assessment.scores.ap[-1, label]:.1f})"
        _line(axes, 100 * curve.recall, 100 * curve.precision, place, name, marker="")
    axes.set_xlim(0, 100)
    tolerance = f"{assessment.scores.tolerances[-1]:g}"
    _finish(axes, "recall (%)", "precision (%)", f"Precision and recall at δ = {tolerance} s", len(order))
    return _png(figure)


def counts(assessment: Assessment) -> bytes:
    """Events and predictions of each class."""
    classes = assessment.corpus.classes
    figure, axes = _figure(assessment, height=1.4 + 0.4 * len(classes))
    place = np.arange(len(classes))
    for offset, colour, name, spots in (
        (-0.2, COLOURS[0], "events", assessment.corpus.truth),
        (0.2, COLOURS[1], "predictions", assessment.predictions),
    ):
        number = np.bincount(spots.label, minlength=len(classes))
        axes.barh(place + offset, number, height=0.38, color=colour, label=name)
        for y, count in zip(place + offset, number, strict=True):
            axes.annotate(f" {count:,}", (count, y), va="center", fontsize=8)
    axes.set_yticks(place, classes)
    axes.invert_yaxis()
    axes.margins(x=0.12)
    axes.set_title("Events and predictions", loc="left")
    axes.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return _png(figure)


def _figure(assessment: Assessment, height: float = 4.2) -> "tuple[Figure, Axes]":
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, height), dpi=110, layout="constrained")
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    corpus = assessment.corpus
    made_up = " (simulated)" if corpus.simulated else ""
    where = f"{corpus.dataset}{made_up}, {corpus.split}, {assessment.protocol}"
    axes.set_title(where, loc="right", fontsize=7, color="#666666")
    return figure, axes


def _line(axes: "Axes", x: Floats, y: Floats, place: int, name: str, marker: str = ".") -> None:
    style = STYLES[place // len(COLOURS) % len(STYLES)]
    axes.plot(x, y, style, color=COLOURS[place % len(COLOURS)], marker=marker, linewidth=1.6, label=name)


def _finish(axes: "Axes", x: str, y: str, title: str, lines: int) -> None:
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.set_ylim(0, 102)
    axes.grid(alpha=0.25)
    axes.set_title(title, loc="left")
    axes.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0), ncols=1 + lines // 25)


def _png(figure: "Figure") -> bytes:
    buffer = io.BytesIO()
    # No name and date of the program: the same evaluation gives the same bytes.
    with plain_text(figure):
        figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()
