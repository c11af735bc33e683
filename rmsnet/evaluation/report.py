"""What an evaluation leaves: metrics.json, CSV tables, plots and one page that needs no network."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np

from rmsnet.evaluation import plots
from rmsnet.evaluation.assessment import Assessment
from rmsnet.evaluation.bootstrap import interval
from rmsnet.evaluation.diagnosis import Diagnosis, diagnose
from rmsnet.evaluation.diagnosis_tables import CONFIDENCE_AND_TIME, TABLES, diagnosis_tables, shown_diagnosis
from rmsnet.evaluation.mistakes import FalseAlarm, Miss, Mistakes, mistakes
from rmsnet.evaluation.overall import confusion_matrix
from rmsnet.evaluation.threads import in_threads
from rmsnet.files import write_bytes, write_json
from rmsnet.style.page import Html, class_name, page, pictures, section, table, tag
from rmsnet.style.palette import class_looks
from rmsnet.style.plot import Drawing, files_of
from rmsnet.style.tables import as_csv, as_text
from rmsnet.style.words import marked, percent

REPORT_FILES = (
    "metrics.json",
    "report.html",
    "per_class.csv",
    "precision_recall.csv",
    *(f"{name}.csv" for name in TABLES),
    "misses.csv",
    "false_alarms.csv",
    *(f"{name}.{kind}" for name in plots.NAMES for kind in Drawing._fields),
)

ROWS_SHOWN = 20
"""Misses and false alarms that the page shows; the CSV files have more."""


def write_report(folder: Path, assessment: Assessment, draw: bool = True) -> None:
    """Write all files of an evaluation into a folder that exists, its plots if they are to be drawn."""
    found, diagnosis, confusion = mistakes(assessment), diagnose(assessment), confusion_matrix(assessment)
    drawn = plots.drawings(assessment, diagnosis, confusion) if draw else {}
    write_json(folder / "metrics.json", assessment.metrics())
    misses, false_alarms = found
    tables = {
        "per_class": as_csv(class_rows(assessment)),
        "precision_recall": as_csv(_curve_rows(assessment)),
        **{name: as_csv(rows) for name, rows in diagnosis_tables(assessment, diagnosis, confusion).items()},
        "misses": _mistakes_csv(misses, Miss),
        "false_alarms": _mistakes_csv(false_alarms, FalseAlarm),
    }
    texts = {f"{name}.csv": text for name, text in tables.items()}
    texts["report.html"] = report_page(assessment, diagnosis, drawn, found)
    files = {name: text.encode() for name, text in texts.items()} | files_of(drawn)
    for _ in in_threads(lambda file: write_bytes(folder / file[0], file[1]), files.items()):
        pass  # a disk takes its time for each


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


def _mistakes_csv(found: Sequence[Miss | FalseAlarm], kind: type[Miss | FalseAlarm]) -> str:
    return as_csv(map(asdict, found), [field.name for field in fields(kind)])


def terminal_table(assessment: Assessment) -> str:
    """The classes and their mean for a terminal, scores in %."""
    *classes, mean = _shown_rows(assessment, digits=2)
    team = assessment.team()
    said = (
        ""
        if team is None
        else f"\n\nTeam mAP: {percent(team.team_map, 2)} % (mean over actions, sides by their counts)"
    )
    warned = f"\n\nwarning: {assessment.suggested()}" if assessment.suggested() else ""
    return as_text([*classes, {**mean, "class": "Average-mAP"}]) + said + warned


def _shown_rows(assessment: Assessment, digits: int) -> list[dict[str, Any]]:
    """The rows of `class_rows` for people, in %, with the tolerances that a table has room for."""
    tolerances = [f"{tolerance:g} s" for tolerance in assessment.scores.tolerances]
    places = sorted(set(np.linspace(0, len(tolerances) - 1, 5).round().astype(int).tolist()))
    return [
        {
            **{name: row[name] for name in ("class", "events", "predictions")},
            "AP (%)": percent(row["ap"], digits),
            "95 %": "–" if row["low"] is None else f"{percent(row['low'])} – {percent(row['high'])}",
            **{
                key: percent(row[key])
                for key in ("visible", "unshown", *(tolerances[place] for place in places))
                if key in row
            },
        }
        for row in class_rows(assessment)
    ]


def heading(assessment: Assessment) -> str:
    """What was judged, in one line."""
    corpus = assessment.corpus
    dataset = marked(corpus.dataset, corpus.simulated)
    return f"{assessment.name} on {dataset}, {corpus.split} split, {len(corpus.games)} games"


def missing_games(assessment: Assessment) -> str:
    """Which games were taken for empty, in one line; nothing where there are none."""
    if not assessment.missing:
        return ""
    count = f"{len(assessment.missing)} of {len(assessment.corpus.games)} games"
    return f"{count} without predictions, taken for empty: {'; '.join(assessment.missing)}"


def report_page(
    assessment: Assessment, diagnosis: Diagnosis, drawn: Mapping[str, Drawing], mistakes_found: Mistakes
) -> str:
    """The report of an evaluation as one HTML page."""
    scores, corpus = assessment.scores, assessment.corpus
    looks = class_looks(corpus.classes, corpus.looks)
    shown = [class_name(name, look) for name, look in zip(corpus.names, looks, strict=True)]
    names = dict(zip(corpus.classes, shown, strict=True))
    rows = [{**row, "class": names.get(row["class"], row["class"])} for row in _shown_rows(assessment, digits=1)]
    tolerances = ", ".join(f"{tolerance:g}" for tolerance in scores.tolerances)
    within = f"Within ± {float(scores.tolerances[-1]) / 2:g} s."
    misses, false_alarms = ([_mistake(asdict(one), names) for one in found[:ROWS_SHOWN]] for found in mistakes_found)
    lonely = "Events that no prediction found, the loneliest first; then the least confidently found."
    sure = "The most confident predictions that no event took, and the nearest event."
    body = [
        tag("p", f"{percent(scores.average_map, 2)} %", kind="score"),
        tag(
            "p",
            f"Average-mAP{_interval(assessment)}. Protocol {assessment.protocol}, tolerances {tolerances} s; a "
            f"prediction may be off by half of one.{_team(assessment)}{_seen(assessment)}",
            kind="quiet",
        ),
        tag("p", missing_games(assessment), kind="badge warning") if assessment.missing else Html(),
        tag("p", assessment.suggested(), kind="badge warning") if assessment.suggested() else Html(),
        section("Classes", table(rows, total=True)),
        pictures((name.replace("_", " "), one.svg) for name, one in drawn.items()) if drawn else Html(),
        section(
            "Confidence and time",
            tag("p", CONFIDENCE_AND_TIME, kind="quiet"),
            table(shown_diagnosis(assessment, diagnosis, shown)),
        ),
        section("Worst misses", tag("p", f"{lonely} {within}", kind="quiet"), table(misses)),
        section("Worst false alarms", tag("p", f"{sure} {within}", kind="quiet"), table(false_alarms)),
    ]
    return page(heading(assessment), body, simulated=corpus.simulated)


def _interval(assessment: Assessment) -> str:
    ends = assessment.interval()
    return "" if ends is None else f", 95 % interval over games {percent(ends[0], 2)} – {percent(ends[1], 2)}"


def _team(assessment: Assessment) -> str:
    team = assessment.team()
    return (
        ""
        if team is None
        else f" Team mAP, the mean over actions with each side by its counts: {percent(team.team_map, 2)} %."
    )


def _seen(assessment: Assessment) -> str:
    scores = assessment.scores
    if not assessment.corpus.knows_visibility or scores.visible is None or scores.unshown is None:
        return ""
    shown, others = percent(scores.visible.average_map, 2), percent(scores.unshown.average_map, 2)
    return f" Events that the broadcast showed: {shown} %; the others: {others} %."


def _mistake(row: Mapping[str, Any], names: Mapping[str, Html]) -> dict[str, Any]:
    """A mistake for people: the game without its folders first, numbers short."""
    *folders, game = row["game"].split("/")
    away = None if row["nearest_seconds"] is None else f"{row['nearest_seconds']:.1f}"
    return {
        "game": f"{game} ({' '.join(folders)})" if len(folders) == 2 else row["game"],
        "time": row["minute"],
        "half": f"{row['half']}, {row['time']}",
        "class": names[row["label"]],
        "confidence": "–" if row["confidence"] is None else f"{row['confidence']:.3f}",
        **(
            {"nearest event": row["nearest_label"] or "–", "seconds off": away or "–"}
            if "nearest_label" in row
            else {"shown": "yes" if row["shown"] else "no", "nearest prediction, s": away or "–"}
        ),
    }
