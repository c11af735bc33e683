"""The pictures of a study, each beside what the paper says where it says a number."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from rmsnet.evaluation import LOOSE
from rmsnet.evaluation.plots import TOLERANCE
from rmsnet.features.bank import FrameBank
from rmsnet.network.model_files import load_model
from rmsnet.spotting.decoding import vote_curves
from rmsnet.spotting.scoring import score_every_clip
from rmsnet.study.grids import Study
from rmsnet.study.summary import Estimate, estimate
from rmsnet.style.palette import TRUTH, Look, class_looks, look, split_look
from rmsnet.style.plot import Drawing, draw_line, drawing, figure, name_axes
from rmsnet.style.words import with_ends
from rmsnet.training.clips import is_halftime_substitution

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from rmsnet.study.scores import RowScores

SHOWN_SECONDS = 60
"""Of a half, around an event whose votes are drawn."""


def draw(study: Study, results: "Sequence[RowScores]", bank: FrameBank, dataset: str) -> tuple[Drawing, list[str]]:
    """The figure, and what it shows in words."""
    if study.figure == "votes":
        made, facts = _votes(results, bank, f"{dataset}, test")
    else:
        made, (axes,) = figure(f"{dataset}, test", height=max(4.5, 0.4 * len(results)))
        kinds: Mapping[str, Callable[[], list[str]]] = {
            "bar": lambda: _bars(axes, results),
            "line": lambda: _line(axes, study, results),
            "classes": lambda: _classes(axes, results, bank),
            "tolerances": lambda: _tolerances(axes, results),
        }
        facts = kinds[study.figure]()
    made.suptitle(study.title, fontsize=10)
    return drawing(made), facts


def _reach(values: Sequence[Estimate]) -> tuple[list[float], list[float]]:
    """Lengths of the error bars below and above, in %."""
    ends = [value.ends or (value.mean, value.mean) for value in values]
    below = [100 * (value.mean - low) for value, (low, _) in zip(values, ends, strict=True)]
    return below, [100 * (high - value.mean) for value, (_, high) in zip(values, ends, strict=True)]


def _bars(axes: "Axes", results: "Sequence[RowScores]") -> list[str]:
    values = [result.estimate("test") for result in results]
    places = np.arange(len(results))
    means = [100 * value.mean for value in values]
    blue = look(0).colour.on_light
    axes.errorbar(means, places, xerr=_reach(values), fmt="o", color=blue, capsize=3, label="here, 95 % over seeds")
    known = [(100 * score, place) for place, score in enumerate(result.row.paper[1] for result in results) if score]
    if known:
        axes.plot(*zip(*known, strict=True), "x", color=TRUTH.on_light, label="paper, SoccerNet")
    axes.set_yticks(places, [result.row.name for result in results])
    axes.invert_yaxis()
    name_axes(axes, x="test Average-mAP (%)")
    return []


def _line(axes: "Axes", study: Study, results: "Sequence[RowScores]") -> list[str]:
    places = [result.row.place or 0.0 for result in results]
    for split in ("test", "valid"):
        values, of = [result.estimate(split) for result in results], split_look(split)
        means, colour = [100 * value.mean for value in values], of.colour.on_light
        axes.errorbar(places, means, _reach(values), marker=of.marker, color=colour, capsize=3, label=split)
    if study.name == "figure6":
        axes.set_xscale("symlog", linthresh=1)
    axes.set_xticks(places, [f"{place:g}" for place in places])
    name_axes(axes, x=study.axis, y="Average-mAP (%)")
    best = max(results, key=lambda result: result.estimate("test").mean)
    return [f"Best on test here: {best.row.name}."]


def _classes(axes: "Axes", results: "Sequence[RowScores]", bank: FrameBank) -> list[str]:
    ap = np.array([seed.splits["test"].ap for seed in results[0].seeds])  # (seeds, tolerances, classes)
    for label, (name, of) in enumerate(zip(bank.classes, class_looks(bank.classes, bank.looks), strict=True)):
        _band(axes, ap[:, :, label], of, name)
    name_axes(axes, x=TOLERANCE, y="AP (%)")
    return [
        f"{name}: AP {100 * ap[:, 0, label].mean():.1f} at 5 s, {100 * ap[:, -1, label].mean():.1f} at 60 s."
        for label, name in enumerate(bank.classes)
    ]


def _tolerances(axes: "Axes", results: "Sequence[RowScores]") -> list[str]:
    curves = [np.array([seed.splits["test"].map_by_tolerance for seed in result.seeds]) for result in results]
    for place, (result, curve) in enumerate(zip(results, curves, strict=True)):
        _band(axes, curve, look(place), result.row.name)
    name_axes(axes, x=TOLERANCE, y="mAP (%)")
    gaps = [estimate((curves[0] - curves[1])[:, place].tolist()) for place in range(len(LOOSE))]
    return [
        f"{results[0].row.name} - {results[1].row.name} at δ = {tolerance} s: {with_ends(gap.mean, gap.ends, '+')}"
        for tolerance, gap in zip(LOOSE, gaps, strict=True)
        if tolerance in (5, 10, 20, 40, 60)
    ]


def _band(axes: "Axes", curves: npt.NDArray[np.float64], of: Look, name: str) -> None:
    """Mean over seeds with its interval, (seeds, tolerances) in [0, 1]."""
    values = [estimate((100 * column).tolist()) for column in curves.T]
    low, high = zip(*(value.ends or (value.mean, value.mean) for value in values), strict=True)
    draw_line(axes, LOOSE, [value.mean for value in values], name, of, (low, high))


def _votes(results: "Sequence[RowScores]", bank: FrameBank, note: str) -> "tuple[Figure, list[str]]":
    """Votes around the first shown event of each class, and how far the peak is from all events.

    Half-time substitutions, which nothing on screen shows, are left out.
    """
    model = load_model(results[0].seeds[0].folder)
    scores = score_every_clip(model, bank)
    truth = bank.truth
    frame = bank.frame_of(truth.position_ms)
    curves: dict[int, npt.NDArray[np.int64]] = {}
    distance: dict[int, list[int]] = {label: [] for label in range(len(bank.classes))}
    first: dict[int, int] = {}
    hidden = is_halftime_substitution(bank)
    for event in np.lexsort((truth.position_ms, truth.half)):
        number, label = int(truth.half[event]), int(truth.label[event])
        half = bank.halves[number]
        if hidden[event] or frame[event] >= half.frames:
            continue
        if number not in curves:
            curves[number] = vote_curves(scores, number, half.frames, len(bank.classes))
        start = max(0, int(frame[event]) - model.clip_frames)
        near = curves[number][label][start : frame[event] + model.clip_frames + 1]
        if truth.visible[event]:
            first.setdefault(label, int(event))
        distance[label].append(abs(start + int(near.argmax()) - int(frame[event])) if near.any() else model.clip_frames)
    made, panels = figure(note, len(first), height=1.3 + 1.3 * len(first))
    looks = class_looks(bank.classes, bank.looks)
    reach = int(SHOWN_SECONDS / 2 * bank.frame_rate)
    for axes, (label, event) in zip(panels, sorted(first.items(), reverse=True), strict=True):
        half = bank.halves[int(truth.half[event])]
        low, high = max(0, frame[event] - reach), min(half.frames, frame[event] + reach + 1)
        votes = curves[int(truth.half[event])][label][low:high]
        axes.plot(np.arange(low, high), votes, color=looks[label].colour.on_light)
        axes.axvline(frame[event], color=TRUTH.on_light)
        name_axes(axes, f"{bank.classes[label]}: {half.game.rsplit('/', 1)[-1]}, half {half.half}", y="votes")
    panels[-1].set_xlabel("frame")
    return made, [
        f"{bank.classes[label]}: the most votes are {np.median(away):.0f} frames from the event (median), at most 10 in"
        f" {100 * np.mean(np.array(away) <= 10):.0f} % of {len(away)} events (seed {results[0].seeds[0].seed})."
        for label, away in distance.items()
        if away
    ]
