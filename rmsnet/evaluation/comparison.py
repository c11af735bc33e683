"""Several sets of predictions on the same games: each against the first."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import quote

from rmsnet.evaluation import plots
from rmsnet.evaluation.assessment import Assessment
from rmsnet.evaluation.bootstrap import Comparison, paired
from rmsnet.files import write_bytes, write_json, write_text
from rmsnet.style.page import page, picture, section, table, tag
from rmsnet.style.tables import as_csv, as_text
from rmsnet.style.words import marked, percent

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
    return {
        "predictions": row["predictions"],
        "class": row["class"],
        "AP (%)": percent(row["ap"], 2),
        "difference": percent(row["difference"], 2, "+"),
        "95 %": "" if row["low"] is None else f"{percent(row['low'], 2, '+')} … {percent(row['high'], 2, '+')}",
        "P(better)": "" if row["probability_positive"] is None else f"{row['probability_positive']:.3f}",
    }


def comparison_table(assessments: Sequence[Assessment]) -> str:
    """The differences of Average-mAP, for a terminal."""
    rows = [_shown(row) for row in comparison_rows(assessments) if row["class"] == "all"]
    return as_text([{key: value for key, value in row.items() if key != "class"} for row in rows])


def write_comparison(folder: Path, assessments: Sequence[Assessment]) -> None:
    """Write the files of a comparison into a folder that exists."""
    rows = comparison_rows(assessments)
    png = plots.map_against_tolerance(assessments)
    write_json(folder / "comparison.json", comparison(assessments))
    write_text(folder / "comparison.csv", as_csv(rows))
    write_bytes(folder / "map_by_tolerance.png", png)
    first = assessments[0]
    corpus = first.corpus
    dataset = marked(corpus.dataset, corpus.simulated)
    title = f"{len(assessments)} sets of predictions on {dataset}, {corpus.split} split"
    explained = (
        f"{len(corpus.games)} games, protocol {first.protocol}. Differences from {first.name}: both are scored on the "
        "same resamples of the games; P(better) is the share of resamples in which a difference is positive."
    )
    links = (tag("li", tag("a", one.name, href=f"{quote(one.name)}/report.html")) for one in assessments)
    body = [
        tag("p", explained, kind="quiet"),
        tag("ul", *links),
        table([_shown(row) for row in rows if row["class"] == "all"]),
        picture("mAP of all over the tolerance", png),
        section("Classes", table([_shown(row) for row in rows if row["class"] != "all"])),
    ]
    write_text(folder / "report.html", page(title, body, simulated=corpus.simulated))
