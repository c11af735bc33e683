"""What an evaluation leaves: metrics.json, CSV tables, PNG plots and one page that needs no network."""

import base64
import csv
import html
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rmsnet.evaluation import plots
from rmsnet.evaluation.assessment import Assessment
from rmsnet.evaluation.bootstrap import interval
from rmsnet.evaluation.mistakes import as_row, mistakes
from rmsnet.files import write_json, write_text

REPORT_FILES = (
    "metrics.json",
    "report.html",
    "per_class.csv",
    "precision_recall.csv",
    "misses.csv",
    "false_alarms.csv",
    "ap_by_tolerance.png",
    "map_by_tolerance.png",
    "precision_recall.png",
    "counts.png",
)

ROWS_SHOWN = 20
"""Misses and false alarms that the page shows; the CSV files have more."""


def write_report(folder: Path, assessment: Assessment) -> None:
    """Write all files of an evaluation into a folder that exists."""
    misses, false_alarms = mistakes(assessment)
    classes = class_rows(assessment)
    pictures = {
        "ap_by_tolerance.png": plots.ap_against_tolerance(assessment),
        "map_by_tolerance.png": plots.map_against_tolerance([assessment]),
        "precision_recall.png": plots.precision_recall(assessment),
        "counts.png": plots.counts(assessment),
    }
    write_json(folder / "metrics.json", assessment.metrics())
    write_text(folder / "per_class.csv", as_csv(classes))
    write_text(folder / "precision_recall.csv", as_csv(_curve_rows(assessment)))
    write_text(folder / "misses.csv", as_csv([as_row(miss) for miss in misses]))
    write_text(folder / "false_alarms.csv", as_csv([as_row(alarm) for alarm in false_alarms]))
    for name, picture in pictures.items():
        (folder / name).write_bytes(picture)
    tables = {
        "Worst misses": [as_row(miss) for miss in misses[:ROWS_SHOWN]],
        "Worst false alarms": [as_row(alarm) for alarm in false_alarms[:ROWS_SHOWN]],
    }
    write_text(folder / "report.html", page(assessment, classes, list(pictures.values()), tables))


def class_rows(assessment: Assessment) -> list[dict[str, Any]]:
    """A row per class and one for their mean: counts, mean average precision with its interval, each tolerance."""
    scores, corpus = assessment.scores, assessment.corpus
    number = len(corpus.classes)
    events = np.bincount(corpus.truth.label, minlength=number)
    predictions = np.bincount(assessment.predictions.label, minlength=number)
    sampled = assessment.resampled
    ends = None if sampled is None else interval(np.column_stack([sampled.per_class, sampled.average_map]))
    rows = []
    for index, name in enumerate((*corpus.classes, "all")):
        mean = index == number
        row: dict[str, Any] = {
            "class": name,
            "events": int(events.sum() if mean else events[index]),
            "predictions": int(predictions.sum() if mean else predictions[index]),
            "ap": float(scores.average_map if mean else scores.per_class[index]),
            "low": None if ends is None else float(ends[0, index]),
            "high": None if ends is None else float(ends[1, index]),
        }
        if corpus.knows_visibility and scores.visible is not None and scores.unshown is not None:
            for kind, score in (("visible", scores.visible), ("unshown", scores.unshown)):
                row[kind] = float(score.average_map if mean else score.per_class[index])
        for tolerance, ap, mean_ap in zip(scores.tolerances, scores.ap, scores.map_by_tolerance, strict=True):
            row[f"{tolerance:g} s"] = float(mean_ap if mean else ap[index])
        rows.append(row)
    return rows


def _curve_rows(assessment: Assessment) -> Iterable[dict[str, Any]]:
    curves = assessment.judged.everything.curves(-1)
    for name, curve in zip(assessment.corpus.classes, curves, strict=True):
        for confidence, recall, precision in zip(curve.confidence, curve.recall, curve.precision, strict=True):
            yield {
                "class": name,
                "tolerance": float(assessment.scores.tolerances[-1]),
                "confidence": float(confidence),
                "recall": float(recall),
                "precision": float(precision),
            }


def as_csv(rows: Iterable[Mapping[str, Any]]) -> str:
    """Rows as CSV with a header; nothing where there is no row."""
    listed = list(rows)
    text = io.StringIO()
    writer = csv.DictWriter(text, list(listed[0]) if listed else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(listed)
    return text.getvalue()


def terminal_table(assessment: Assessment) -> str:
    """The classes and their mean for a terminal, scores in %."""
    rows = class_rows(assessment)
    shown = _shown_tolerances(assessment)
    sees = "visible" in rows[0]
    head = ["class", "events", "predicted", "AP", "95 %", *(("shown", "unshown") if sees else ()), *shown]
    table = [head]
    for row in rows:
        ends = "" if row["low"] is None else f"{100 * row['low']:.1f} – {100 * row['high']:.1f}"
        seen = [f"{100 * row[kind]:.1f}" for kind in ("visible", "unshown") if sees]
        at = [f"{100 * row[tolerance]:.1f}" for tolerance in shown]
        name = "Average-mAP" if row is rows[-1] else row["class"]
        table.append(
            [name, f"{row['events']:,}", f"{row['predictions']:,}", f"{100 * row['ap']:.2f}", ends, *seen, *at]
        )
    width = [max(len(row[column]) for row in table) for column in range(len(head))]
    lines = [
        "  ".join(cell.ljust(size) if column == 0 else cell.rjust(size) for column, (cell, size) in enumerate(pairs))
        for pairs in (list(zip(row, width, strict=True)) for row in table)
    ]
    return "\n".join(line.rstrip() for line in lines)


def _shown_tolerances(assessment: Assessment) -> list[str]:
    """Columns of the tolerances that a table has room for: the first, the last and some between."""
    tolerances = [f"{tolerance:g} s" for tolerance in assessment.scores.tolerances]
    places = np.unique(np.linspace(0, len(tolerances) - 1, 5).round().astype(int)).tolist()
    return [tolerances[place] for place in places]


def heading(assessment: Assessment) -> str:
    """What was judged, in one line."""
    corpus = assessment.corpus
    made_up = " (simulated)" if corpus.simulated else ""
    return f"{assessment.name} on {corpus.dataset}{made_up}, {corpus.split} split, {len(corpus.games)} games"


_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1d2733; max-width: 1000px; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.5rem; margin-bottom: 0.2rem } h2 { font-size: 1.15rem; margin-top: 2.2rem }
.score { font-size: 2.6rem; font-weight: 600; margin: 0.6rem 0 0 } .muted { color: #5c6b7a }
.badge { background: #fde8c8; color: #7a4a00; border-radius: 4px; padding: 0.1rem 0.5rem; font-size: 0.9rem }
.wide { overflow-x: auto } table { border-collapse: collapse; font-size: 0.9rem; font-variant-numeric: tabular-nums }
th, td { padding: 0.2rem 0.6rem; border-bottom: 1px solid #e3e8ee; text-align: right; white-space: nowrap }
th.text, td.text { text-align: left } tr.total td { font-weight: 600; border-top: 2px solid #9aa7b4 }
img { max-width: 100%; height: auto; margin: 0.6rem 0 }
"""


def page(
    assessment: Assessment,
    classes: Sequence[Mapping[str, Any]],
    pictures: Sequence[bytes],
    tables: Mapping[str, Sequence[Mapping[str, Any]]],
) -> str:
    """The report as one HTML page."""
    scores, corpus = assessment.scores, assessment.corpus
    ends = assessment.interval()
    tolerance = float(scores.tolerances[-1])
    parts = [
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>",
        "<meta name='viewport' content='width=device-width, initial-scale=1'>",
        f"<title>{html.escape(heading(assessment))}</title><style>{_STYLE}</style></head><body>",
        f"<h1>{html.escape(heading(assessment))}</h1>",
        "<p class='badge'>Simulated games: these numbers say nothing about SoccerNet.</p>" if corpus.simulated else "",
        f"<p class='score'>{100 * scores.average_map:.2f} %</p>",
        "<p class='muted'>Average-mAP",
        "" if ends is None else f", 95 % of resampled games between {100 * ends[0]:.2f} and {100 * ends[1]:.2f}",
        f"; protocol {assessment.protocol}, tolerances {_seconds(scores.tolerances)} s (a prediction may be off by",
        " half of one)</p>",
        _missing(assessment),
        "<h2>Classes</h2>",
        _table([_percent(row) for row in classes], ("class",), total=True),
        *(f"<img alt='' src='data:image/png;base64,{base64.b64encode(picture).decode()}'>" for picture in pictures),
    ]
    explained = {
        "Worst misses": "Events that no prediction found, the loneliest first, then those found with least confidence.",
        "Worst false alarms": "The most confident predictions that no event took, with the nearest event of any class.",
    }
    for title, rows in tables.items():
        parts += [f"<h2>{title}</h2><p class='muted'>{explained[title]} Within ± {tolerance / 2:g} s.</p>"]
        parts += [_table(rows, ("game", "label", "nearest_label", "shown")) if rows else "<p>None.</p>"]
    return "\n".join(part for part in [*parts, "</body></html>"] if part) + "\n"


def _seconds(tolerances: Any) -> str:
    return ", ".join(f"{tolerance:g}" for tolerance in tolerances)


def _missing(assessment: Assessment) -> str:
    if not assessment.missing:
        return ""
    listed = html.escape("; ".join(assessment.missing))
    return f"<p class='badge'>{len(assessment.missing)} games without predictions were taken for empty: {listed}</p>"


def _percent(row: Mapping[str, Any]) -> dict[str, Any]:
    names = {"ap": "AP (%)", "low": "95 % from", "high": "to"}
    return {
        names.get(key, key): f"{100 * value:.1f}" if isinstance(value, float) else value for key, value in row.items()
    }


def _table(rows: Sequence[Mapping[str, Any]], text: Sequence[str], total: bool = False) -> str:
    def cell(tag: str, key: str, value: Any) -> str:
        shown = "–" if value is None else f"{value:,}" if isinstance(value, int | float) else str(value)
        if isinstance(value, bool):
            shown = "yes" if value else "no"
        kind = " class='text'" if key in text else ""
        return f"<{tag}{kind}>{html.escape(shown)}</{tag}>"

    lines = ["<div class='wide'><table><tr>", *(cell("th", key, key.replace("_", " ")) for key in rows[0]), "</tr>"]
    for row in rows:
        style = " class='total'" if total and row is rows[-1] else ""
        lines += [f"<tr{style}>", *(cell("td", key, value) for key, value in row.items()), "</tr>"]
    return "".join([*lines, "</table></div>"])
