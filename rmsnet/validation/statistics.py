"""What is in a dataset, in numbers: for the report of a validation and for `rmsnet data inspect`."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from rmsnet.style.tables import Row
from rmsnet.validation.rows import DatasetRows


def statistics(rows: DatasetRows, drift: Sequence[float] = ()) -> dict[str, Any]:
    """Games, halves, hours, frames and events by split; events by class and split; half lengths; feature norms.

    Args:
        rows: the dataset.
        drift: distance of each feature file from the training halves, NaN where there is none.
    """
    splits = {}
    for split in dict.fromkeys(row["split"] for row in rows.games):
        frames = [row["frames"] for row in rows.features if row["split"] == split and "frames" in row]
        minutes = [row["minutes"] for row in rows.halves if row["split"] == split and not math.isnan(row["minutes"])]
        splits[split] = {
            "games": sum(row["split"] == split for row in rows.games),
            "halves_with_features": len(frames),
            "hours": round(sum(minutes) / 60, 2),
            "frames": sum(frames),
            "events": {row["class"]: row["events"] for row in rows.classes if row["split"] == split},
        }
    norms = np.concatenate([contents.norms for contents in rows.contents.values()] or [np.zeros(0, np.float32)])
    return {
        "splits": splits,
        "half_minutes": _spread([row["minutes"] for row in rows.halves]),
        "feature_norm": _spread(norms),
        "drift": _spread(drift),
    }


def split_rows(splits: Mapping[str, Any]) -> list[Row]:
    """What each split holds, a row for each thing that is counted."""
    labels = next(iter(splits.values()))["events"]
    return [
        {"": name.replace("_", " "), **{split: of[name] for split, of in splits.items()}}
        for name in ("games", "halves_with_features", "hours", "frames")
    ] + [{"": label, **{split: of["events"][label] for split, of in splits.items()}} for label in labels]


def _spread(values: Any) -> dict[str, float] | None:
    """Smallest, median and largest of those that are numbers; None of nothing."""
    numbers = np.asarray(values, float)
    numbers = numbers[~np.isnan(numbers)]
    if not len(numbers):
        return None
    return {
        "smallest": round(float(numbers.min()), 4),
        "median": round(float(np.median(numbers)), 4),
        "largest": round(float(numbers.max()), 4),
    }
