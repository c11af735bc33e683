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
from rmsnet.evaluation.mistakes import FalseAlarm, Miss, Mistakes, as_row, columns_of, mistakes
from rmsnet.files import write_json, write_text
from rmsnet.formats.words import text_cell

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
    found = mistakes(assessment)
    pictures = {
        "ap_by_tolerance": plots.ap_against_tolerance(assessment),
        "map_by_tolerance": plots.map_against_tolerance([assessment]),
        "precision_recall": plots.precision_recall(assessment),
        "counts": plots.counts(assessment),
    }
    write_json(folder / "metrics.json", assessment.metrics())
    write_text(folder / "per_class.csv", as_csv(class_rows(assessment)))
    write_text(folder / "precision_recall.csv", as_csv(_curve_rows(assessment)))
    misses, false_alarms = found
    write_text(folder / "misses.csv", as_csv(map(as_row, misses), columns_of(Miss)))
    write_text(folder / "false_alarms.csv", as_csv(map(as_row, false_alarms), columns_of(FalseAlarm)))
    for name, picture in pictures.items():
        (folder / f"{name}.png").write_bytes(picture)
    write_text(folder / "report.html", page(assessment, pictures, found))


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


def as_csv(rows: Iterable[Mapping[str, Any]], names: Sequence[str] = ()) -> str:
    """Rows as CSV with a header: the given names, or those of the first row."""
    listed = list(rows)
    text = io.StringIO()
    writer = csv.DictWriter(text, names or (list(listed[0]) if listed else []), lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: text_cell(value) for name, value in row.items()} for row in listed)
    return text.getvalue()


def terminal_table(assessment: Assessment) -> str:
    """The classes and their mean for a terminal, scores in %."""
    rows = class_rows(assessment)
    table = []
    for row in rows:
        shown = {
            "class": "Average-mAP" if row is rows[-1] else row["class"],
            "events": f"{row['events']:,}",
            "predicted": f"{row['predictions']:,}",
            "AP": f"{100 * row['ap']:.2f}",
            "95 %": "" if row["low"] is None else f"{100 * row['low']:.1f} – {100 * row['high']:.1f}",
        }
        for key in ("visible", "unshown", *_shown_tolerances(assessment)):
            if key in row:
                shown[key] = f"{100 * row[key]:.1f}"
        table.append(shown)
    return text_table(table)


def text_table(rows: Sequence[Mapping[str, str]]) -> str:
    """Aligned columns under their names, the first to the left."""
    cells = [list(rows[0]), *(list(row.values()) for row in rows)]
    width = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = (
        [
            cell.rjust(size) if number else cell.ljust(size)
            for number, (cell, size) in enumerate(zip(row, width, strict=True))
        ]
        for row in cells
    )
    return "\n".join("  ".join(line).rstrip() for line in lines)


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


SIMULATED = "<p><span class='badge'>Simulated games: these numbers say nothing about SoccerNet.</span></p>"


def missing_games(assessment: Assessment) -> str:
    """Which games were taken for empty, in one line; nothing where there are none."""
    if not assessment.missing:
        return ""
    count = f"{len(assessment.missing)} of {len(assessment.corpus.games)} games"
    return f"{count} without predictions, taken for empty: {'; '.join(assessment.missing)}"


_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1d2733; max-width: 1160px; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.5rem; margin-bottom: 0.2rem } h2 { font-size: 1.15rem; margin-top: 2.2rem }
.score { font-size: 2.6rem; font-weight: 600; margin: 0.6rem 0 0 } .muted { color: #5c6b7a }
.badge { background: #fde8c8; color: #7a4a00; border-radius: 4px; padding: 0.15rem 0.5rem }
.wide { overflow-x: auto } table { border-collapse: collapse; font-size: 0.87rem; font-variant-numeric: tabular-nums }
th, td { padding: 0.2rem 0.7rem; border-bottom: 1px solid #e3e8ee; text-align: right; white-space: nowrap }
th.text, td.text { text-align: left } td.text:first-child { white-space: normal; min-width: 12rem }
tr.total td { font-weight: 600; border-top: 2px solid #9aa7b4 }
.pictures { display: grid; grid-template-columns: repeat(auto-fit, minmax(480px, 1fr)); gap: 1rem; margin-top: 1.5rem }
img { max-width: 100%; height: auto }
"""


def html_page(title: str, body: Sequence[str], simulated: bool) -> str:
    """A page that needs no network."""
    parts = [
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>",
        "<meta name='viewport' content='width=device-width, initial-scale=1'>",
        f"<title>{html.escape(title)}</title><style>{_STYLE}</style></head><body>",
        f"<h1>{html.escape(title)}</h1>",
        SIMULATED if simulated else "",
        *body,
        "</body></html>",
    ]
    return "\n".join(part for part in parts if part) + "\n"


def page(assessment: Assessment, pictures: Mapping[str, bytes], mistakes_found: Mistakes) -> str:
    """The report of an evaluation as one HTML page."""
    scores = assessment.scores
    ends = assessment.interval()
    shown_tolerances = _shown_tolerances(assessment)
    interval_text = ""
    if ends is not None:
        interval_text = f", 95 % interval over games {100 * ends[0]:.2f} – {100 * ends[1]:.2f}"
    body = [
        f"<p class='score'>{100 * scores.average_map:.2f} %</p>",
        f"<p class='muted'>Average-mAP{interval_text}. Protocol {assessment.protocol}, tolerances "
        f"{', '.join(f'{tolerance:g}' for tolerance in scores.tolerances)} s; a prediction may be off by half of one."
        f"{_seen(assessment)}</p>",
        f"<p><span class='badge'>{html.escape(missing_games(assessment))}</span></p>" if assessment.missing else "",
        "<h2>Classes</h2>",
        html_table([_percent(row, shown_tolerances) for row in class_rows(assessment)], ("class",), total=True),
    ]
    body.append("<div class='pictures'>")
    body += [html_picture(name, picture) for name, picture in pictures.items()]
    body.append("</div>")
    within = f"Within ± {float(scores.tolerances[-1]) / 2:g} s."
    misses, false_alarms = mistakes_found
    for title, explained, rows in (
        (
            "Worst misses",
            "Events that no prediction found, the loneliest first; then the least confidently found.",
            misses,
        ),
        (
            "Worst false alarms",
            "The most confident predictions that no event took, and the nearest event.",
            false_alarms,
        ),
    ):
        body.append(f"<h2>{title}</h2><p class='muted'>{explained} {within}</p>")
        shown = [_mistake(as_row(row)) for row in rows[:ROWS_SHOWN]]
        body.append(html_table(shown, ("game", "class", "nearest event")) if shown else "<p>None.</p>")
    return html_page(heading(assessment), body, assessment.corpus.simulated)


def _mistake(row: Mapping[str, Any]) -> dict[str, str]:
    """A mistake for people: the time first, then the rest, numbers short."""

    def number(value: float | None, form: str) -> str:
        return "–" if value is None else format(value, form)

    league, season, game = (
        (*row["game"].split("/"), "", "")[:3] if row["game"].count("/") == 2 else ("", "", row["game"])
    )
    shown = {
        "game": f"{game} ({league} {season})" if league else game,
        "half": str(row["half"]),
        "time": row["time"],
        "class": row["label"],
        "confidence": number(row["confidence"], ".3f"),
    }
    if "nearest_label" in row:
        return {
            **shown,
            "nearest event": row["nearest_label"] or "–",
            "seconds off": number(row["nearest_seconds"], ".1f"),
        }
    return {
        **shown,
        "shown": "yes" if row["shown"] else "no",
        "nearest prediction, s": number(row["nearest_seconds"], ".1f"),
    }


def _seen(assessment: Assessment) -> str:
    scores = assessment.scores
    if not assessment.corpus.knows_visibility or scores.visible is None or scores.unshown is None:
        return ""
    return (
        f" Events that the broadcast showed: {100 * scores.visible.average_map:.2f} %; the others: "
        f"{100 * scores.unshown.average_map:.2f} %."
    )


def _percent(row: Mapping[str, Any], tolerances: Sequence[str]) -> dict[str, str]:
    """A row of `class_rows` for people."""
    shown = {"class": row["class"], "events": f"{row['events']:,}", "predictions": f"{row['predictions']:,}"}
    shown["AP (%)"] = f"{100 * row['ap']:.1f}"
    shown["95 %"] = "–" if row["low"] is None else f"{100 * row['low']:.1f} – {100 * row['high']:.1f}"
    for key in ("visible", "unshown", *tolerances):
        if key in row:
            shown[key] = f"{100 * row[key]:.1f}"
    return shown


def html_picture(name: str, picture: bytes) -> str:
    """A PNG inside the page."""
    return f"<img alt='{name}' src='data:image/png;base64,{base64.b64encode(picture).decode()}'>"


def html_table(rows: Sequence[Mapping[str, str]], text: Sequence[str], total: bool = False) -> str:
    """Rows as a table; columns named in `text` are aligned to the left, the last row is a total."""

    def cells(tag: str, values: Iterable[str], keys: Iterable[str]) -> str:
        kinds = (" class='text'" if key in text else "" for key in keys)
        return "".join(f"<{tag}{kind}>{html.escape(value)}</{tag}>" for kind, value in zip(kinds, values, strict=True))

    lines = ["<div class='wide'><table>", f"<tr>{cells('th', rows[0], rows[0])}</tr>"]
    for row in rows:
        style = " class='total'" if total and row is rows[-1] else ""
        lines.append(f"<tr{style}>{cells('td', row.values(), row)}</tr>")
    return "\n".join([*lines, "</table></div>"])
