"""Pictures of a dataset, as PNG bytes."""

from collections.abc import Iterator

import numpy as np

from rmsnet.style.palette import TRUTH, look, split_look
from rmsnet.style.plot import draw_bars, draw_line, figure, name_axes, png
from rmsnet.validation.tables import Tables

BINS = 40


def plots(tables: Tables, drift_limit: float | None, note: str) -> Iterator[tuple[str, bytes]]:
    """The pictures that the tables have data for.

    Args:
        tables: the dataset.
        drift_limit: the largest distance that is not called drift.
        note: which dataset, for the corner.

    Yields:
        What a picture shows, and the picture.
    """
    if tables.classes.events.sum():
        yield (title := "Events by class and split"), _class_balance(tables, title, note)
        yield (title := "Events over match time"), _events_over_time(tables, title, note)
    if tables.halves.minutes.notna().any():
        yield (title := "Length of the halves"), _half_lengths(tables, title, note)
    if any(len(contents.norms) for contents in tables.contents.values()):
        yield (title := "Norm of the features, half by half"), _feature_norms(tables, title, note)
    if "drift" in tables.features and tables.features.drift.notna().any():
        yield (title := "Distance from the training halves, half by half"), _drift(tables, drift_limit, title, note)


def _class_balance(tables: Tables, title: str, note: str) -> bytes:
    counts = tables.classes.pivot_table(index="class", columns="split", values="events", sort=False)
    counts = counts.loc[counts.sum(axis=1).sort_values(ascending=False).index]
    made, (axes,) = figure(note, height=1.4 + 0.32 * len(counts))
    series = {str(split): counts[split].tolist() for split in counts.columns}
    draw_bars(axes, counts.index.tolist(), series, {split: split_look(split) for split in series}, stacked=True)
    name_axes(axes, title, "events")
    return png(made)


def _events_over_time(tables: Tables, title: str, note: str) -> bytes:
    events = tables.events[tables.events.event.notna() & tables.events.seconds.notna()]
    edges = np.linspace(0, max(float(events.seconds.max()) / 60, 1), BINS + 1)
    made, (axes,) = figure(note, height=3.2)
    for half in (1, 2):
        numbers, _ = np.histogram(events.seconds[events.half == half] / 60, edges)
        axes.stairs(numbers, edges, linewidth=1.6, color=look(half - 1).colour.on_light, label=f"half {half}")
    name_axes(axes, title, "minutes from the start of the half", y="events")
    return png(made)


def _half_lengths(tables: Tables, title: str, note: str) -> bytes:
    minutes = tables.halves.minutes.dropna()
    reach = max(1.0, float(minutes.max() - minutes.min())) / 2
    middle = float(minutes.max() + minutes.min()) / 2
    made, (axes,) = figure(note, height=3.2)
    axes.hist(minutes, np.linspace(middle - reach, middle + reach, BINS + 1).tolist(), color=look(0).colour.on_light)
    name_axes(axes, title, "minutes", y="halves")
    return png(made)


def _feature_norms(tables: Tables, title: str, note: str) -> bytes:
    norms = [contents.norms for contents in tables.contents.values() if len(contents.norms)]
    low, middle, high = np.array([np.quantile(item, [0.05, 0.5, 0.95]) for item in norms]).T
    made, (axes,) = figure(note, height=3.2)
    draw_line(axes, np.arange(len(norms)), middle, "median, band: 5 % to 95 %\nof the frames", look(0), (low, high))
    name_axes(axes, title, "half, in the order of the splits", y="Euclidean norm of a frame")
    return png(made)


def _drift(tables: Tables, limit: float | None, title: str, note: str) -> bytes:
    distances = tables.features.drift.astype(float).to_numpy()
    made, (axes,) = figure(note, height=3.2)
    for split in tables.features.split.unique():
        (places,) = np.nonzero((tables.features.split == split).to_numpy())
        of = split_look(split)
        axes.plot(places, distances[places], of.marker, color=of.colour.on_light, markersize=4, label=split)
    if limit is not None:
        axes.axhline(limit, color=TRUTH.on_light, linewidth=1, linestyle="--", label="limit")
    axes.set_ylim(0)
    name_axes(axes, title, "half, in the order of the splits", y="distance, training std")
    return png(made)
