"""Predictions in frame lists judged: `rmsnet evaluate --protocol e2e-spot`."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from rmsnet.errors import UserError
from rmsnet.evaluation.bootstrap import interval, resample
from rmsnet.evaluation.cells import Floats
from rmsnet.evaluation.frame_lists import Lists, read_lists
from rmsnet.evaluation.frame_tolerances import TOLERANCES, WINDOW, judge_frames
from rmsnet.files import atomic_folder, require_replaceable, write_json, write_text
from rmsnet.style.page import page, section, table, tag
from rmsnet.style.tables import as_csv, as_text
from rmsnet.style.words import percent, with_ends

PROTOCOL = "e2e-spot"

MARK = "metrics.json"


@dataclass(frozen=True)
class FrameAssessment:
    """Predictions, judged at frame tolerances.

    Attributes:
        name: of the predictions.
        lists: what was judged.
        tolerances: frames.
        window: frames of the suppression before it.
        ap: (D, C) average precision at each tolerance.
        ends: (2, D) the 95 % interval of mAP over videos; None where none was asked for or there is one video.
    """

    name: str
    lists: Lists
    tolerances: tuple[int, ...]
    window: int
    ap: Floats
    ends: Floats | None

    @property
    def map_by_tolerance(self) -> Floats:
        """(D,) mean over classes."""
        return np.asarray(self.ap.mean(axis=1))

    def metrics(self) -> dict[str, Any]:
        """The content of metrics.json."""
        return {
            "name": self.name,
            "protocol": PROTOCOL,
            "tolerances_frames": list(self.tolerances),
            "suppress_frames": self.window,
            "average_map": float(self.map_by_tolerance.mean()),
            "map_by_tolerance": self.map_by_tolerance.tolist(),
            "ci95_by_tolerance": None if self.ends is None else self.ends.T.tolist(),
            "per_class": dict(zip(self.lists.classes, self.ap.T.tolist(), strict=True)),
            "videos": len(self.lists.videos),
            "missing_videos": list(self.lists.missing),
        }


def evaluate_frame_lists(
    labels: Path,
    predictions: Path,
    out: Path,
    *,
    name: str,
    tolerances: Sequence[int] = TOLERANCES,
    window: int = WINDOW,
    frame_rate: Fraction | None = None,
    resamples: int = 1000,
    ignore_others: bool = False,
    allow_missing: bool = False,
) -> FrameAssessment:
    """Judge predictions; arguments and errors as of `read_lists` and `judge_frames`.

    Args:
        out: gets metrics.json, per_class.csv and report.html; appears when all is whole.
        name: of the predictions.
        resamples: of the videos, behind the intervals; 0: none.
    """
    require_replaceable(out, MARK)
    lists = read_lists(
        labels, predictions, frame_rate=frame_rate, ignore_others=ignore_others, allow_missing=allow_missing
    )
    judged = judge_frames(
        lists.truth,
        lists.predictions,
        frame_rates=lists.frame_rates,
        classes=len(lists.classes),
        tolerances=tolerances,
        window=window,
    )
    ends = interval(resample(judged, resamples).map_by_tolerance) if resamples and judged.games > 1 else None
    assessment = FrameAssessment(name, lists, tuple(tolerances), window, judged.scores().ap, ends)
    with atomic_folder(out) as folder:
        write_json(folder / MARK, assessment.metrics())
        write_text(folder / "per_class.csv", as_csv(_rows(assessment)))
        write_text(folder / "report.html", _report(assessment))
    return assessment


def frame_tolerances(text: str) -> tuple[int, ...]:
    """Frames from a list such as "0,1,2,4".

    Raises:
        UserError: something else, or a list that does not ascend.
    """
    parts = text.split(",")
    frames = [int(part) for part in parts if part.strip().isdecimal() and len(part) < 6]
    if len(frames) < len(parts) or frames != sorted(set(frames)):
        raise UserError(f"tolerances {text!r}: write ascending frames such as 0,1,2,4")
    return tuple(frames)


def heading(assessment: FrameAssessment) -> str:
    """What was judged, in one line."""
    window = f"{assessment.window} frame{'s' * (assessment.window != 1)}"
    return f"{assessment.name}, {len(assessment.lists.videos):,} videos, suppression within {window}"


def terminal_table(assessment: FrameAssessment) -> str:
    """The classes and their mean for a terminal, in %."""
    return as_text(_shown(assessment))


def _rows(assessment: FrameAssessment) -> list[dict[str, Any]]:
    """A row per class and one for their mean: counts, average precision at each tolerance."""
    lists, classes = assessment.lists, len(assessment.lists.classes)
    events = np.bincount(lists.truth.label, minlength=classes).tolist()
    found = np.bincount(lists.predictions.label, minlength=classes).tolist()
    columns = [*assessment.ap.T, assessment.map_by_tolerance]
    names, counts = [*lists.classes, "all"], [*zip(events, found, strict=True), (sum(events), sum(found))]
    return [
        {"class": name, "events": of_class, "predictions": predicted}
        | {f"{frames} frames": float(ap) for frames, ap in zip(assessment.tolerances, column, strict=True)}
        for name, (of_class, predicted), column in zip(names, counts, columns, strict=True)
    ]


def _shown(assessment: FrameAssessment) -> list[dict[str, Any]]:
    """The rows for people, in %, the mean with its interval."""
    keys = [f"{frames} frames" for frames in assessment.tolerances]
    *classes, mean = _rows(assessment)
    ends = [None] * len(keys) if assessment.ends is None else assessment.ends.T.tolist()
    of_all = {key: with_ends(mean[key], pair) for key, pair in zip(keys, ends, strict=True)}
    return [*({**row, **{key: percent(row[key], 2) for key in keys}} for row in classes), {**mean, **of_all}]


def _report(assessment: FrameAssessment) -> str:
    missing = f" No predictions for {', '.join(assessment.lists.missing)}." if assessment.lists.missing else ""
    text = (
        f"mAP, mean over {len(assessment.tolerances)} tolerances. Protocol {PROTOCOL}: a prediction may be off by the "
        f"frames that its column says; 95 % intervals over videos.{missing}"
    )
    score = percent(float(assessment.map_by_tolerance.mean()), 2)
    body = [
        tag("p", f"{score} %", kind="score"),
        tag("p", text, kind="quiet"),
        section("Classes", table(_shown(assessment), total=True)),
    ]
    return page(heading(assessment), body)
