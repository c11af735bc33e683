"""Pictures of evaluations."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rmsnet.evaluation.assessment import Assessment
from rmsnet.evaluation.bootstrap import interval
from rmsnet.evaluation.cells import Ints
from rmsnet.evaluation.diagnosis import BINS, RECALLS, Diagnosis, Reliability, timing_histogram
from rmsnet.evaluation.overall import NOTHING
from rmsnet.style.palette import QUIET, Look, apart, class_looks
from rmsnet.style.plot import (
    IN_A_COLUMN,
    Drawing,
    draw_bars,
    draw_line,
    drawing,
    figure,
    name_axes,
    small_multiples,
    whole_numbers,
)
from rmsnet.style.side_by_side import Draws, draw_all
from rmsnet.style.words import marked, percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TOLERANCE = "tolerance δ (s)"


NAMES = (
    "ap_by_tolerance",
    "map_by_tolerance",
    "precision_recall",
    "reliability",
    "timing_errors",
    "confusion",
    "counts",
)
"""Of the pictures of an evaluation."""


def drawings(assessment: Assessment, diagnosis: Diagnosis, confusion: Ints) -> dict[str, Drawing]:
    """The pictures of an evaluation by their names."""
    made: tuple[Draws, ...] = (
        lambda: ap_against_tolerance(assessment),
        lambda: map_against_tolerance([assessment]),
        lambda: precision_recall([assessment], [diagnosis]),
        lambda: reliability([assessment], [diagnosis]),
        lambda: timing_errors([assessment], [diagnosis]),
        lambda: confusion_in_time(assessment, confusion),
        lambda: counts(assessment),
    )
    return draw_all(dict(zip(NAMES, made, strict=True)))


def ap_against_tolerance(assessment: Assessment) -> Drawing:
    """Average precision of each class over the tolerance (paper, Fig. 4)."""
    made, (axes,) = figure(note_of(assessment), width=IN_A_COLUMN, height=3.4)
    scores, corpus = assessment.scores, assessment.corpus
    looks = class_looks(corpus.classes, corpus.looks)
    for label in np.argsort(-scores.per_class, kind="stable").tolist():
        name = f"{corpus.names[label]} ({percent(scores.per_class[label])})"
        draw_line(axes, scores.tolerances, 100 * scores.ap[:, label], name, looks[label])
    axes.set_ylim(0, 102)
    name_axes(axes, "Average precision by class", TOLERANCE, "average precision (%)")
    return drawing(made)


def map_against_tolerance(assessments: Sequence[Assessment]) -> Drawing:
    """mAP over the tolerance, for one or several sets of predictions, with 95 % intervals (paper, Fig. 5)."""
    made, (axes,) = figure(note_of(assessments[0]), width=IN_A_COLUMN, height=3.4)
    for place, assessment in enumerate(assessments):
        scores, sampled = assessment.scores, assessment.resampled
        name = f"{assessment.name} ({100 * scores.average_map:.1f})"
        ends = None if sampled is None else 100 * interval(sampled.map_by_tolerance)
        band = None if ends is None else (ends[0], ends[1])
        draw_line(axes, scores.tolerances, 100 * scores.map_by_tolerance, name, apart(place), band)
    axes.set_ylim(0, 102)
    name_axes(axes, "mAP, band: 95 % over games", TOLERANCE, "mAP (%)")
    return drawing(made)


def precision_recall(assessments: Sequence[Assessment], diagnoses: Sequence[Diagnosis]) -> Drawing:
    """Interpolated precision over recall of each class at the largest tolerance, with 95 % intervals over games."""
    made, panels = _by_class(
        assessments,
        f"Precision over recall, δ = {_largest(assessments[0])}, 95 % bands",
        "recall (%)",
        "precision (%)",
    )
    for label, axes in enumerate(panels):
        for assessment, diagnosis, of in zip(assessments, diagnoses, _looks(assessments, label), strict=True):
            bands = diagnosis.bands
            band = None if bands.ends is None else (100 * bands.ends[0, label], 100 * bands.ends[1, label])
            draw_line(axes, 100 * RECALLS, 100 * bands.precision[label], assessment.name, of, band)
        axes.set(xlim=(0, 100), ylim=(0, 104))
    name_sets(made, assessments)
    return drawing(made)


def reliability(assessments: Sequence[Assessment], diagnoses: Sequence[Diagnosis]) -> Drawing:
    """The share of right predictions over their confidence, with 95 % intervals over games, and how many there are."""
    made, (axes, below) = figure(note_of(assessments[0]), 2, width=IN_A_COLUMN, height=4.6, heights=(3, 1))
    axes.plot([0, 1], [0, 100], color=QUIET.on_light, linewidth=1, label="true confidences")
    width = 0.9 / len(assessments) / BINS
    for place, (assessment, diagnosis) in enumerate(zip(assessments, diagnoses, strict=True)):
        of, found = apart(place), diagnosis.reliability[-1]
        name = f"{assessment.name} (expected calibration error {percent(found.expected_error)} %)"
        _draw_reliability(axes, found, name, of)
        centres = (np.arange(BINS) + 0.5) / BINS + width * (place - (len(assessments) - 1) / 2)
        below.bar(
            centres, found.count, width, color=of.colour.on_light, alpha=0.8, hatch="////" * place, edgecolor="white"
        )
    axes.set(xlim=(0, 1), ylim=(0, 102))
    axes.tick_params(labelbottom=False)
    below.set(xlim=(0, 1))
    whole_numbers(below.yaxis)
    name_axes(axes, f"Right at δ = {_largest(assessments[0])}; 95 % over games", y="right (%)")
    axes.legend(loc="upper left", frameon=False, fontsize=8)
    name_axes(below, x="confidence", y="predictions")
    return drawing(made)


def _draw_reliability(axes: "Axes", found: Reliability, name: str, of: Look) -> None:
    there = found.count > 0
    x, y = found.confidence[there], 100 * found.precision[there]
    shape: dict[str, Any] = {
        "marker": of.marker,
        "linestyle": of.line,
        "color": of.colour.on_light,
        "markersize": 5,
        "label": name,
    }
    if found.ends is None:
        axes.plot(x, y, **shape)
        return
    low, high = np.where(np.isnan(found.ends), found.precision, found.ends)[:, there]
    # A percentile interval need not hold the value of all games.
    reach = np.maximum([y - 100 * low, 100 * high - y], 0)
    axes.errorbar(x, y, reach, capsize=3, linewidth=1.4, **shape)


def timing_errors(assessments: Sequence[Assessment], diagnoses: Sequence[Diagnosis]) -> Drawing:
    """How early or late the hits of each class are."""
    frame_rate = assessments[0].corpus.frame_rate
    made, panels = _by_class(
        assessments, "Errors in time of the hits; line: median, dots: 0", "seconds late (early: negative)", "hits"
    )
    for label, axes in enumerate(panels):
        for diagnosis, of in zip(diagnoses, _looks(assessments, label), strict=True):
            edges, hits = timing_histogram(diagnosis.timing[label], diagnosis.reach_seconds, frame_rate)
            axes.stairs(hits, edges, color=of.colour.on_light, linestyle=of.line, linewidth=1.5)
            if len(assessments) == 1:
                axes.stairs(hits, edges, color=of.colour.on_light, alpha=0.3, fill=True)
            if (median := diagnosis.timing[label].median) is not None:
                axes.axvline(median, color=of.colour.on_light, linestyle=of.line, linewidth=1)
        axes.axvline(0, color=QUIET.on_light, linestyle=":", linewidth=1.2)
        whole_numbers(axes.yaxis)
    name_sets(made, assessments)
    return drawing(made)


def confusion_in_time(assessment: Assessment, confusion: Ints) -> Drawing:
    """Which class was said where another was, within the largest tolerance; the shade is the share of its events."""
    corpus = assessment.corpus
    names = [*corpus.names, NOTHING]
    side = len(names)
    made, (axes,) = figure(note_of(assessment), width=IN_A_COLUMN, height=min(2 + 0.42 * side, 6.6))
    shares = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    shares[-1] = 0  # of what is no event there is no share
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    size = 9 if side < 8 else 6
    for row, column in zip(*np.nonzero(confusion), strict=True):
        ink = "white" if shares[row, column] > 0.55 else "black"
        axes.text(column, row, f"{confusion[row, column]:,}", ha="center", va="center", fontsize=size, color=ink)
    axes.set_xticks(range(side), names, rotation=0 if side < 6 else 90, fontsize=size)
    axes.set_yticks(range(side), [*names[:-1], "no event"], fontsize=size)
    axes.grid(False)
    name_axes(axes, f"Said within ± {_reach(assessment)} s of what was annotated", "said", "annotated")
    return drawing(made)


def counts(assessment: Assessment) -> Drawing:
    """Events and predictions of each class."""
    classes = assessment.corpus.classes
    made, (axes,) = figure(note_of(assessment), width=IN_A_COLUMN, height=1.4 + 0.4 * len(classes))
    spots = {"events": assessment.corpus.truth.label, "predictions": assessment.predictions.label}
    draw_bars(
        axes,
        assessment.corpus.names,
        {name: np.bincount(of, minlength=len(classes)).tolist() for name, of in spots.items()},
    )
    name_axes(axes, "Events and predictions")
    return drawing(made)


def _by_class(assessments: Sequence[Assessment], title: str, x: str, y: str) -> "tuple[Figure, list[Axes]]":
    corpus = assessments[0].corpus
    looks = class_looks(corpus.classes, corpus.looks) if len(assessments) == 1 else None
    return small_multiples(title, note_of(assessments[0]), corpus.names, looks, x, y)


def _looks(assessments: Sequence[Assessment], label: int) -> list[Look]:
    """Of each set of predictions in the panel of a class: the class's where there is one set, else their own."""
    corpus = assessments[0].corpus
    if len(assessments) == 1:
        return [class_looks(corpus.classes, corpus.looks)[label]]
    return [apart(place) for place in range(len(assessments))]


def name_sets(made: "Figure", assessments: Sequence[Assessment]) -> None:
    """Whose line is whose, where there are several."""
    if len(assessments) == 1:
        return
    from matplotlib.lines import Line2D

    looks = [apart(place) for place in range(len(assessments))]
    shapes: list[dict[str, Any]] = [
        {"color": of.colour.on_light, "linestyle": of.line, "marker": of.marker} for of in looks
    ]
    handles = [Line2D([], [], **shape) for shape in shapes]
    names = [assessment.name for assessment in assessments]
    made.set_layout_engine("constrained")  # the legend needs room
    made.legend(handles, names, loc="outside right upper", frameon=False, fontsize=8, handlelength=3.5)


def _largest(assessment: Assessment) -> str:
    return f"{assessment.scores.tolerances[-1]:g} s"


def _reach(assessment: Assessment) -> str:
    return f"{assessment.scores.tolerances[-1] / 2:g}"


def note_of(assessment: Assessment) -> str:
    """What numbers are from, for the corner of a picture."""
    corpus = assessment.corpus
    return f"{marked(corpus.dataset, corpus.simulated)}, {corpus.split}, {assessment.protocol}"
