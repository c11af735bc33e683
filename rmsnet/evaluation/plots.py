"""Pictures of evaluations, as PNG bytes."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from rmsnet.evaluation.assessment import Assessment
from rmsnet.evaluation.bootstrap import interval
from rmsnet.evaluation.cells import Floats
from rmsnet.style.palette import class_looks, look
from rmsnet.style.plot import draw_bars, draw_line, figure, name_axes, png
from rmsnet.style.words import marked

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TOLERANCE = "tolerance δ (s)"


def ap_against_tolerance(assessment: Assessment) -> bytes:
    """Average precision of each class over the tolerance (paper, Fig. 4)."""
    made, (axes,) = figure(_note(assessment))
    scores = assessment.scores
    _classes(axes, assessment, scores.per_class, [(scores.tolerances, ap) for ap in scores.ap.T])
    axes.set_ylim(0, 102)
    name_axes(axes, "Average precision by class", TOLERANCE, "average precision (%)")
    return png(made)


def map_against_tolerance(assessments: Sequence[Assessment]) -> bytes:
    """mAP over the tolerance, for one or several sets of predictions, with 95 % intervals (paper, Fig. 5)."""
    made, (axes,) = figure(_note(assessments[0]))
    for place, assessment in enumerate(assessments):
        scores, sampled = assessment.scores, assessment.resampled
        name = f"{assessment.name} ({100 * scores.average_map:.1f})"
        ends = None if sampled is None else 100 * interval(sampled.map_by_tolerance)
        band = None if ends is None else (ends[0], ends[1])
        draw_line(axes, scores.tolerances, 100 * scores.map_by_tolerance, name, look(place), band)
    axes.set_ylim(0, 102)
    name_axes(axes, "mAP, band: 95 % over games", TOLERANCE, "mAP (%)")
    return png(made)


def precision_recall(assessment: Assessment) -> bytes:
    """Precision over recall of each class at the largest tolerance."""
    made, (axes,) = figure(_note(assessment))
    curves = assessment.judged.everything.curves(-1)
    _classes(axes, assessment, assessment.scores.ap[-1], [(100 * curve.recall, curve.precision) for curve in curves])
    axes.set(xlim=(0, 100), ylim=(0, 102))
    title = f"Precision and recall at δ = {assessment.scores.tolerances[-1]:g} s"
    name_axes(axes, title, "recall (%)", "precision (%)")
    return png(made)


def counts(assessment: Assessment) -> bytes:
    """Events and predictions of each class."""
    classes = assessment.corpus.classes
    made, (axes,) = figure(_note(assessment), height=1.4 + 0.4 * len(classes))
    spots = {"events": assessment.corpus.truth.label, "predictions": assessment.predictions.label}
    draw_bars(
        axes,
        assessment.corpus.names,
        {name: np.bincount(of, minlength=len(classes)).tolist() for name, of in spots.items()},
    )
    name_axes(axes, "Events and predictions")
    return png(made)


def _classes(axes: "Axes", assessment: Assessment, scores: Floats, curves: Sequence[tuple[Floats, Floats]]) -> None:
    """A line for each class, the best first: its score behind its name, its y in [0, 1]."""
    corpus = assessment.corpus
    looks, names = class_looks(corpus.classes, corpus.looks), corpus.names
    for label in np.argsort(-scores, kind="stable").tolist():
        x, y = curves[label]
        draw_line(axes, x, 100 * y, f"{names[label]} ({100 * scores[label]:.1f})", looks[label])


def _note(assessment: Assessment) -> str:
    corpus = assessment.corpus
    return f"{marked(corpus.dataset, corpus.simulated)}, {corpus.split}, {assessment.protocol}"
