"""What is in a dataset, in numbers: for the report of a validation and for `rmsnet data inspect`."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from rmsnet.style.tables import Row

if TYPE_CHECKING:
    from rmsnet.validation.tables import Tables


def statistics(tables: "Tables") -> dict[str, Any]:
    """Games, halves, hours, frames and events by split; events by class and split; half lengths; feature norms."""
    splits = {}
    for split, games in tables.games.groupby("split", sort=False):
        halves = tables.halves[tables.halves.split == split]
        files = tables.features[tables.features.split == split]
        counts = tables.classes[tables.classes.split == split]
        splits[str(split)] = {
            "games": len(games),
            "halves_with_features": int(files.frames.notna().sum()),
            "hours": round(float(halves.minutes.sum()) / 60, 2),
            "frames": int(files.frames.sum()),
            "events": dict(zip(counts["class"], counts.events.tolist(), strict=True)),
        }
    norms = np.concatenate([contents.norms for contents in tables.contents.values()] or [np.zeros(0, np.float32)])
    return {
        "splits": splits,
        "half_minutes": _spread(tables.halves.minutes.dropna().to_numpy()),
        "feature_norm": _spread(norms),
        "drift": _spread(tables.features.drift.dropna().to_numpy(float)) if "drift" in tables.features else None,
    }


def split_rows(splits: Mapping[str, Any]) -> list[Row]:
    """What each split holds, a row for each thing that is counted."""
    labels = next(iter(splits.values()))["events"]
    return [
        {"": name.replace("_", " "), **{split: of[name] for split, of in splits.items()}}
        for name in ("games", "halves_with_features", "hours", "frames")
    ] + [{"": label, **{split: of["events"][label] for split, of in splits.items()}} for label in labels]


def _spread(values: Any) -> dict[str, float] | None:
    """Smallest, median and largest; None of nothing."""
    if not len(values):
        return None
    numbers = np.asarray(values, float)
    return {
        "smallest": round(float(numbers.min()), 4),
        "median": round(float(np.median(numbers)), 4),
        "largest": round(float(numbers.max()), 4),
    }
