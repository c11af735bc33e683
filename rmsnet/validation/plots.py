"""Pictures of a dataset, as PNG bytes."""

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from rmsnet.formats.words import plain_text
from rmsnet.validation.tables import Tables

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SPLIT_COLOURS = {"train": "#33658a", "valid": "#f6ae2d", "test": "#86bbd8"}


def plots(tables: Tables, drift_limit: float | None) -> Iterator[tuple[str, bytes]]:
    """The pictures that the tables have data for.

    Args:
        tables: the dataset.
        drift_limit: the largest distance that is not called drift.

    Yields:
        What a picture shows, and the picture.
    """
    if tables.classes.events.sum():
        yield "Events by class and split", _class_balance(tables)
        yield "Events over match time", _events_over_time(tables)
    if tables.halves.minutes.notna().any():
        yield "Length of the halves", _half_lengths(tables)
    if any(len(contents.norms) for contents in tables.contents.values()):
        yield "Norm of the features, half by half", _feature_norms(tables)
    if "drift" in tables.features and tables.features.drift.notna().any():
        yield "Distance from the training halves, half by half", _drift(tables, drift_limit)


def _figure(height: float = 3.2) -> "tuple[Figure, Axes]":
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, height), dpi=110, layout="constrained")
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _png(figure: "Figure") -> bytes:
    buffer = io.BytesIO()
    # No name and date of the program: the same data give the same bytes.
    with plain_text(figure):
        figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def _class_balance(tables: Tables) -> bytes:
    counts = tables.classes.pivot_table(index="class", columns="split", values="events", sort=False)
    counts = counts.loc[counts.sum(axis=1).sort_values().index]
    figure, axes = _figure(1.2 + 0.32 * len(counts))
    start = np.zeros(len(counts))
    for split in counts.columns:
        axes.barh(counts.index, counts[split], left=start, label=split, color=SPLIT_COLOURS.get(str(split)))
        start += counts[split].to_numpy()
    for place, total in enumerate(start):
        axes.annotate(f" {int(total):,}", (total, place), va="center", fontsize=8)
    axes.margins(x=0.1)
    axes.set_xlabel("events")
    axes.legend(frameon=False)
    return _png(figure)


def _events_over_time(tables: Tables) -> bytes:
    events = tables.events[tables.events.event.notna() & tables.events.seconds.notna()]
    longest = float(events.seconds.max()) / 60
    edges = np.linspace(0, max(longest, 1), 41).tolist()
    figure, axes = _figure()
    for half, colour in ((1, "#33658a"), (2, "#f26419")):
        minutes = events.seconds[events.half == half] / 60
        axes.hist(minutes, edges, histtype="step", linewidth=1.6, color=colour, label=f"half {half}")
    axes.set_xlabel("minutes from the start of the half")
    axes.set_ylabel("events")
    axes.legend(frameon=False)
    return _png(figure)


def _half_lengths(tables: Tables) -> bytes:
    figure, axes = _figure()
    minutes = tables.halves.minutes.dropna()
    spread = max(1.0, float(minutes.max() - minutes.min()))
    middle = float(minutes.max() + minutes.min()) / 2
    edges = np.linspace(middle - spread / 2, middle + spread / 2, 41).tolist()
    axes.hist(minutes, edges, color="#33658a")
    axes.set_xlabel("minutes")
    axes.set_ylabel("halves")
    return _png(figure)


def _feature_norms(tables: Tables) -> bytes:
    figure, axes = _figure()
    norms = [contents.norms for contents in tables.contents.values() if len(contents.norms)]
    low, middle, high = np.array([np.quantile(item, [0.05, 0.5, 0.95]) for item in norms]).T
    number = np.arange(len(norms))
    axes.fill_between(number, low, high, color="#86bbd8", alpha=0.6, label="5 % to 95 % of the frames")
    axes.plot(number, middle, color="#33658a", linewidth=1.2, label="median")
    axes.set_xlabel("half, in the order of the splits")
    axes.set_ylabel("Euclidean norm of a frame")
    axes.legend(frameon=False)
    return _png(figure)


def _drift(tables: Tables, limit: float | None) -> bytes:
    figure, axes = _figure()
    distances = tables.features.drift.astype(float).to_numpy()
    for split in tables.features.split.unique():
        (places,) = np.nonzero((tables.features.split == split).to_numpy())
        axes.plot(places, distances[places], ".", color=SPLIT_COLOURS.get(split), label=split)
    if limit is not None:
        axes.axhline(limit, color="#c1121f", linewidth=1, linestyle="--", label="limit")
    axes.set_ylim(0)
    axes.set_xlabel("half, in the order of the splits")
    axes.set_ylabel("distance, training std")
    axes.legend(frameon=False, ncols=4)
    return _png(figure)
