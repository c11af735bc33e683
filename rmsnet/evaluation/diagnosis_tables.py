"""The numbers behind the pictures of a diagnosis, as rows of tables."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from rmsnet.evaluation.assessment import Assessment
from rmsnet.evaluation.cells import Ints
from rmsnet.evaluation.diagnosis import BINS, RECALLS, Diagnosis, timing_histogram
from rmsnet.evaluation.overall import NOTHING
from rmsnet.style.words import percent

TABLES = ("precision_bands", "reliability", "timing_errors", "confusion")

CONFIDENCE_AND_TIME = (
    "At the largest tolerance, matched as in the development kit. The expected calibration error is the mean distance "
    "between the confidence of predictions and the share of them that is right, in ten bins of confidence."
)


def diagnosis_tables(assessment: Assessment, diagnosis: Diagnosis, confusion: Ints) -> dict[str, list[dict[str, Any]]]:
    """The rows of each of `TABLES`: what each point, bar and cell of its picture shows."""
    rows = (_bands(assessment, diagnosis), _reliability(assessment, diagnosis), _timing(assessment, diagnosis))
    return dict(zip(TABLES, map(list, (*rows, _confusion(assessment, confusion))), strict=True))


def shown_diagnosis(assessment: Assessment, diagnosis: Diagnosis, names: list[Any]) -> list[dict[str, Any]]:
    """A row per class for people: how true its confidences are, and how far its hits are off.

    Args:
        assessment: of the predictions.
        diagnosis: of them.
        names: of the classes.
    """
    return [
        {
            "class": name,
            "expected calibration error (%)": percent(found.expected_error),
            "confidence above precision": percent(found.overconfidence, sign="+"),
            "hits": len(timing.seconds),
            "median s late": _signed(timing.median),
            "mean s off": "–" if timing.mean_distance is None else f"{timing.mean_distance:.1f}",
        }
        for name, found, timing in zip(names, diagnosis.reliability, diagnosis.timing, strict=False)
    ]


def _signed(seconds: float | None) -> str:
    return "–" if seconds is None else f"{seconds:+.1f}"


def _bands(assessment: Assessment, diagnosis: Diagnosis) -> Iterator[dict[str, Any]]:
    bands = diagnosis.bands
    low, high = (None, None) if bands.ends is None else bands.ends
    for label, name in enumerate(assessment.corpus.classes):
        for place, recall in enumerate(RECALLS.tolist()):
            yield {
                "class": name,
                "tolerance": float(assessment.scores.tolerances[-1]),
                "recall": round(recall, 6),
                "interpolated_precision": float(bands.precision[label, place]),
                "low": None if low is None else float(low[label, place]),
                "high": None if high is None else float(high[label, place]),
            }


def _reliability(assessment: Assessment, diagnosis: Diagnosis) -> Iterator[dict[str, Any]]:
    for name, found in zip((*assessment.corpus.classes, "all"), diagnosis.reliability, strict=True):
        for place, (count, confidence, precision) in enumerate(
            zip(found.count.tolist(), found.confidence.tolist(), found.precision.tolist(), strict=True)
        ):
            low, high = (None, None) if found.ends is None else found.ends[:, place].tolist()
            yield {
                "class": name,
                "from": place / BINS,
                "to": (place + 1) / BINS,
                "predictions": int(count),
                "confidence": confidence if count else None,
                "precision": precision if count else None,
                "low": None if low is None or np.isnan(low) else low,
                "high": None if high is None or np.isnan(high) else high,
                "expected_calibration_error": found.expected_error,
            }


def _timing(assessment: Assessment, diagnosis: Diagnosis) -> Iterator[dict[str, Any]]:
    for name, timing in zip(assessment.corpus.classes, diagnosis.timing, strict=True):
        edges, hits = timing_histogram(timing, diagnosis.reach_seconds, assessment.corpus.frame_rate)
        for start, end, count in zip(edges[:-1].tolist(), edges[1:].tolist(), hits.tolist(), strict=True):
            yield {"class": name, "from_seconds": start, "to_seconds": end, "hits": count}


def _confusion(assessment: Assessment, confusion: Ints) -> Iterator[dict[str, Any]]:
    said = (*assessment.corpus.classes, NOTHING)
    for name, counts in zip((*assessment.corpus.classes, "no event"), confusion.tolist(), strict=True):
        yield {"annotated": name, **dict(zip(said, counts, strict=True))}
