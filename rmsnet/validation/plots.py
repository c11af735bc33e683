"""Pictures of a dataset, as PNG bytes."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from rmsnet.style.palette import TRUTH, look, split_look
from rmsnet.style.plot import draw_bars, draw_line, figure, name_axes, png
from rmsnet.validation.rows import DatasetRows

BINS = 40


def plots(
    rows: DatasetRows, note: str, *, drift: Sequence[float] = (), drift_limit: float | None = None
) -> Iterator[tuple[str, bytes]]:
    """The pictures that there are data for.

    Args:
        rows: the dataset.
        note: which dataset, for the corner.
        drift: distance of each feature file from the training halves, NaN where there is none.
        drift_limit: the largest distance that is not called drift.

    Yields:
        What a picture shows, and the picture.
    """
    if any(row["events"] for row in rows.classes):
        yield (title := "Events by class and split"), _class_balance(rows, title, note)
        yield (title := "Events over match time"), _events_over_time(rows, title, note)
    minutes = [row["minutes"] for row in rows.halves if not math.isnan(row["minutes"])]
    if minutes:
        yield (title := "Length of the halves"), _half_lengths(minutes, title, note)
    if any(len(contents.norms) for contents in rows.contents.values()):
        yield (title := "Norm of the features, half by half"), _feature_norms(rows, title, note)
    if not all(map(math.isnan, drift)):
        yield (
            (title := "Distance from the training halves, half by half"),
            _drift(rows, drift, drift_limit, title, note),
        )


def _class_balance(rows: DatasetRows, title: str, note: str) -> bytes:
    counts = {(row["split"], row["class"]): row["events"] for row in rows.classes}
    totals: Counter[str] = Counter()
    for (_, name), events in counts.items():
        totals[name] += events
    names = sorted(totals, key=lambda name: -totals[name])
    made, (axes,) = figure(note, height=1.4 + 0.32 * len(names))
    series = {split: [counts[split, name] for name in names] for split in dict.fromkeys(split for split, _ in counts)}
    draw_bars(axes, names, series, {split: split_look(split) for split in series}, stacked=True)
    name_axes(axes, title, "events")
    return png(made)


def _events_over_time(rows: DatasetRows, title: str, note: str) -> bytes:
    timed = [
        (row.get("half"), row["seconds"] / 60)
        for row in rows.events
        if row.get("event") is not None and row.get("seconds") is not None
    ]
    edges = np.linspace(0, max([minute for _, minute in timed] + [1]), BINS + 1)
    made, (axes,) = figure(note, height=3.2)
    for half in (1, 2):
        numbers, _ = np.histogram([minute for number, minute in timed if number == half], edges)
        axes.stairs(numbers, edges, linewidth=1.6, color=look(half - 1).colour.on_light, label=f"half {half}")
    name_axes(axes, title, "minutes from the start of the half", y="events")
    return png(made)


def _half_lengths(minutes: Sequence[float], title: str, note: str) -> bytes:
    reach = max(1.0, max(minutes) - min(minutes)) / 2
    middle = (max(minutes) + min(minutes)) / 2
    made, (axes,) = figure(note, height=3.2)
    axes.hist(minutes, np.linspace(middle - reach, middle + reach, BINS + 1).tolist(), color=look(0).colour.on_light)
    name_axes(axes, title, "minutes", y="halves")
    return png(made)


def _feature_norms(rows: DatasetRows, title: str, note: str) -> bytes:
    norms = [contents.norms for contents in rows.contents.values() if len(contents.norms)]
    low, middle, high = np.array([np.quantile(item, [0.05, 0.5, 0.95]) for item in norms]).T
    made, (axes,) = figure(note, height=3.2)
    draw_line(axes, np.arange(len(norms)), middle, "median, band: 5 % to 95 %\nof the frames", look(0), (low, high))
    name_axes(axes, title, "half, in the order of the splits", y="Euclidean norm of a frame")
    return png(made)


def _drift(rows: DatasetRows, drift: Sequence[float], limit: float | None, title: str, note: str) -> bytes:
    distances, splits = np.asarray(drift, float), np.array([row["split"] for row in rows.features])
    made, (axes,) = figure(note, height=3.2)
    for split in dict.fromkeys(splits.tolist()):
        (places,) = np.nonzero(splits == split)
        of = split_look(split)
        axes.plot(places, distances[places], of.marker, color=of.colour.on_light, markersize=4, label=split)
    if limit is not None:
        axes.axhline(limit, color=TRUTH.on_light, linewidth=1, linestyle="--", label="limit")
    axes.set_ylim(0)
    name_axes(axes, title, "half, in the order of the splits", y="distance, training std")
    return png(made)
