"""The pictures of a study, each beside what the paper says where it says a number."""

import io
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from rmsnet.evaluation import LOOSE
from rmsnet.features.bank import FrameBank
from rmsnet.formats.words import plain_text
from rmsnet.network.model_files import load_model
from rmsnet.spotting.decoding import vote_curves
from rmsnet.spotting.scoring import score_every_clip
from rmsnet.study.grids import Study
from rmsnet.study.summary import Estimate, estimate
from rmsnet.training.clips import is_halftime_substitution

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from rmsnet.study.scores import RowScores

SHOWN_SECONDS = 60
"""Of a half, around an event whose votes are drawn."""


def draw(study: Study, results: "Sequence[RowScores]", bank: FrameBank, dataset: str) -> tuple[bytes, list[str]]:
    """The figure as PNG, and what it shows in words."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, max(4.5, 0.4 * len(results))), dpi=110, layout="constrained")
    kinds: Mapping[str, Callable[[], list[str]]] = {
        "bar": lambda: _bars(figure, results),
        "line": lambda: _line(figure, study, results),
        "classes": lambda: _classes(figure, results, bank),
        "tolerances": lambda: _tolerances(figure, results),
        "votes": lambda: _votes(figure, results, bank),
    }
    facts = kinds[study.figure]()
    figure.suptitle(study.title, fontsize=10)
    figure.text(0.995, 0.005, f"{dataset}, test", ha="right", fontsize=7, color="#666666")
    data = io.BytesIO()
    with plain_text(figure):
        figure.savefig(data, format="png")
    return data.getvalue(), facts


def _reach(values: Sequence[Estimate]) -> tuple[list[float], list[float]]:
    """Lengths of the error bars below and above, in %."""
    below = [0.0 if value.low is None else 100 * (value.mean - value.low) for value in values]
    above = [0.0 if value.high is None else 100 * (value.high - value.mean) for value in values]
    return below, above


def _bars(figure: "Figure", results: "Sequence[RowScores]") -> list[str]:
    axes = figure.add_subplot()
    values = [result.estimate("test") for result in results]
    places = np.arange(len(results))
    means = [100 * value.mean for value in values]
    axes.errorbar(means, places, xerr=_reach(values), fmt="o", color="C0", capsize=3, label="here, 95 % over seeds")
    paper = [(place, result.row.paper[1]) for place, result in zip(places, results, strict=True)]
    known = [(place, 100 * score) for place, score in paper if score is not None]
    if known:
        axes.plot(
            [score for _, score in known], [place for place, _ in known], "x", color="C3", label="paper, SoccerNet"
        )
    axes.set_yticks(places, [result.row.name for result in results])
    axes.invert_yaxis()
    axes.set(xlabel="test Average-mAP (%)")
    axes.grid(alpha=0.3)
    figure.legend(loc="outside lower left", ncols=4)
    return []


def _line(figure: "Figure", study: Study, results: "Sequence[RowScores]") -> list[str]:
    axes = figure.add_subplot()
    places = [result.row.place or 0.0 for result in results]
    for number, split in enumerate(("test", "valid")):
        values = [result.estimate(split) for result in results]
        means = [100 * value.mean for value in values]
        axes.errorbar(places, means, yerr=_reach(values), marker="o", capsize=3, color=f"C{number}", label=split)
    if study.name == "figure6":
        axes.set_xscale("symlog", linthresh=1)
    axes.set_xticks(places, [f"{place:g}" for place in places])
    axes.set(xlabel=study.axis, ylabel="Average-mAP (%)")
    axes.grid(alpha=0.3)
    figure.legend(loc="outside lower left", ncols=4)
    best = max(results, key=lambda result: result.estimate("test").mean)
    return [f"Best on test here: {best.row.name}."]


def _classes(figure: "Figure", results: "Sequence[RowScores]", bank: FrameBank) -> list[str]:
    axes = figure.add_subplot()
    ap = np.array([seed.splits["test"].ap for seed in results[0].seeds])  # (seeds, tolerances, classes)
    for label, name in enumerate(bank.classes):
        _band(axes, 100 * ap[:, :, label], f"C{label}", name)
    axes.set(xlabel="tolerance δ (s)", ylabel="AP (%)")
    axes.grid(alpha=0.3)
    figure.legend(loc="outside lower left", ncols=4)
    return [
        f"{name}: AP {100 * ap[:, 0, label].mean():.1f} at 5 s, {100 * ap[:, -1, label].mean():.1f} at 60 s."
        for label, name in enumerate(bank.classes)
    ]


def _tolerances(figure: "Figure", results: "Sequence[RowScores]") -> list[str]:
    axes = figure.add_subplot()
    curves = [np.array([seed.splits["test"].map_by_tolerance for seed in result.seeds]) for result in results]
    for result, curve, colour in zip(results, curves, ("C3", "C0"), strict=True):
        _band(axes, 100 * curve, colour, result.row.name)
    axes.set(xlabel="tolerance δ (s)", ylabel="mAP (%)")
    axes.grid(alpha=0.3)
    figure.legend(loc="outside lower left", ncols=4)
    gaps = [estimate((100 * (curves[0] - curves[1])[:, place]).tolist()) for place in range(len(LOOSE))]
    return [
        f"{results[0].row.name} - {results[1].row.name} at δ = {tolerance} s: {gap.mean:+.1f}"
        + ("" if gap.low is None else f" [{gap.low:+.1f}, {gap.high:+.1f}]")
        for tolerance, gap in zip(LOOSE, gaps, strict=True)
        if tolerance in (5, 10, 20, 40, 60)
    ]


def _band(axes: "Axes", curves: npt.NDArray[np.float64], colour: str, name: str) -> None:
    """Mean over seeds with its interval, (seeds, tolerances)."""
    values = [estimate(column.tolist()) for column in curves.T]
    axes.plot(LOOSE, [value.mean for value in values], marker=".", color=colour, label=name)
    low = [value.low for value in values if value.low is not None]
    high = [value.high for value in values if value.high is not None]
    if low:
        axes.fill_between(LOOSE, low, high, color=colour, alpha=0.15, linewidth=0)


def _votes(figure: "Figure", results: "Sequence[RowScores]", bank: FrameBank) -> list[str]:
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
    panels = figure.subplots(len(first), 1, squeeze=False)[:, 0]
    for axes, (label, event) in zip(panels, sorted(first.items(), reverse=True), strict=True):
        half = bank.halves[int(truth.half[event])]
        reach = int(SHOWN_SECONDS / 2 * bank.frame_rate)
        low, high = max(0, frame[event] - reach), min(half.frames, frame[event] + reach + 1)
        axes.plot(np.arange(low, high), curves[int(truth.half[event])][label][low:high], color="C0")
        axes.axvline(frame[event], color="C3")
        axes.set_title(f"{bank.classes[label]}: {half.game.rsplit('/', 1)[-1]}, half {half.half}", fontsize=7)
        axes.set_ylabel("votes", fontsize=7)
    panels[-1].set_xlabel("frame")
    return [
        f"{bank.classes[label]}: the most votes are {np.median(away):.0f} frames from the event (median), at most 10 in"
        f" {100 * np.mean(np.array(away) <= 10):.0f} % of {len(away)} events (seed {results[0].seeds[0].seed})."
        for label, away in distance.items()
        if away
    ]
