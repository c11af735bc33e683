"""Several sets of predictions on the same games: each against the first."""

import html
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rmsnet.evaluation import plots
from rmsnet.evaluation.assessment import Assessment
from rmsnet.evaluation.bootstrap import Comparison, paired
from rmsnet.evaluation.report import as_csv, html_page, html_picture, html_table, text_table
from rmsnet.files import write_json, write_text

COMPARISON_FILES = ("comparison.json", "comparison.csv", "map_by_tolerance.png", "report.html")


def against_first(assessments: Sequence[Assessment]) -> list[Comparison | None]:
    """Each but the first minus the first; None where nothing was resampled."""
    first = assessments[0]
    return [
        None
        if one.resampled is None or first.resampled is None
        else paired((one.scores, first.scores), (one.resampled, first.resampled), len(one.corpus.games))
        for one in assessments[1:]
    ]


def comparison(assessments: Sequence[Assessment]) -> dict[str, Any]:
    """The content of comparison.json."""
    differences = {}
    for one, compared in zip(assessments[1:], against_first(assessments), strict=True):
        if compared is not None:
            per_class = dict(zip(one.corpus.classes, map(asdict, compared.per_class), strict=True))
            differences[one.name] = {"average_map": asdict(compared.average_map), "per_class": per_class}
    return {
        "against": assessments[0].name,
        "results": {one.name: one.metrics() for one in assessments},
        "differences": differences,
    }


def comparison_rows(assessments: Sequence[Assessment]) -> list[dict[str, Any]]:
    """A row per set of predictions and class (first all classes): its score and how it differs from the first's."""
    first = assessments[0]
    rows = []
    for one, compared in zip(assessments, [None, *against_first(assessments)], strict=True):
        names = ("all", *one.corpus.classes)
        scores = (one.scores.average_map, *one.scores.per_class.tolist())
        base = (first.scores.average_map, *first.scores.per_class.tolist())
        found = [None] * len(names) if compared is None else [compared.average_map, *compared.per_class]
        for name, score, of_first, difference in zip(names, scores, base, found, strict=True):
            rows.append(
                {
                    "predictions": one.name,
                    "class": name,
                    "ap": score,
                    "difference": None if one is first else score - of_first,
                    "low": None if difference is None else difference.low,
                    "high": None if difference is None else difference.high,
                    "probability_positive": None if difference is None else difference.probability_positive,
                }
            )
    return rows


def _shown(row: dict[str, Any]) -> dict[str, str]:
    """A row in %, for people."""
    interval = "" if row["low"] is None else f"{100 * row['low']:+.2f} … {100 * row['high']:+.2f}"
    return {
        "predictions": row["predictions"],
        "class": row["class"],
        "AP (%)": f"{100 * row['ap']:.2f}",
        "difference": "" if row["difference"] is None else f"{100 * row['difference']:+.2f}",
        "95 %": interval,
        "P(better)": "" if row["probability_positive"] is None else f"{row['probability_positive']:.3f}",
    }


def comparison_table(assessments: Sequence[Assessment]) -> str:
    """The differences of Average-mAP, for a terminal."""
    rows = [_shown(row) for row in comparison_rows(assessments) if row["class"] == "all"]
    return text_table([{key: value for key, value in row.items() if key != "class"} for row in rows])


def write_comparison(folder: Path, assessments: Sequence[Assessment]) -> None:
    """Write the files of a comparison into a folder that exists."""
    rows = comparison_rows(assessments)
    picture = plots.map_against_tolerance(assessments)
    write_json(folder / "comparison.json", comparison(assessments))
    write_text(folder / "comparison.csv", as_csv(rows))
    (folder / "map_by_tolerance.png").write_bytes(picture)
    first = assessments[0]
    corpus = first.corpus
    made_up = " (simulated)" if corpus.simulated else ""
    title = f"{len(assessments)} sets of predictions on {corpus.dataset}{made_up}, {corpus.split} split"
    links = " · ".join(
        f"<a href='{html.escape(one.name, quote=True)}/report.html'>{html.escape(one.name)}</a>" for one in assessments
    )
    body = [
        f"<p class='muted'>{len(corpus.games)} games, protocol {first.protocol}. Differences from "
        f"{html.escape(first.name)}: both are scored on the same resamples of the games; P(better) is the share of "
        "resamples in which a difference is positive.</p>",
        f"<p>{links}</p>",
        html_table([_shown(row) for row in rows if row["class"] == "all"], ("predictions", "class")),
        html_picture("map_by_tolerance", picture),
        "<h2>Classes</h2>",
        html_table([_shown(row) for row in rows if row["class"] != "all"], ("predictions", "class")),
    ]
    write_text(folder / "report.html", html_page(title, body, corpus.simulated))
