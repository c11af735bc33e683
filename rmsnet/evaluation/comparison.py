"""Several sets of predictions on the same games: each against the first."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import quote

from rmsnet.evaluation import plots
from rmsnet.evaluation.assessment import Assessment
from rmsnet.evaluation.bootstrap import Comparison, paired
from rmsnet.evaluation.diagnosis import Diagnosis, diagnose
from rmsnet.evaluation.diagnosis_tables import CONFIDENCE_AND_TIME, shown_diagnosis
from rmsnet.evaluation.pairs import at_tolerances, by_game, draw_differences
from rmsnet.files import write_bytes, write_json, write_text
from rmsnet.style.page import Html, page, pictures, section, table, tag
from rmsnet.style.plot import Drawing, files_of
from rmsnet.style.tables import as_csv, as_text
from rmsnet.style.words import marked, percent

PICTURES = ("map_by_tolerance", "differences", "precision_recall", "reliability", "timing_errors")

COMPARISON_FILES = (
    "comparison.json",
    "comparison.csv",
    "differences.csv",
    "games.csv",
    "report.html",
    *(f"{name}.{kind}" for name in PICTURES for kind in Drawing._fields),
)

GAMES_SHOWN = 15
"""Games that the page shows for each pair; games.csv has all."""


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


def _shown(row: dict[str, Any], first: Assessment) -> dict[str, str]:
    """A row in %, for people: differences are the others minus the first."""
    return {
        "predictions": row["predictions"],
        "class": row["class"],
        "AP (%)": percent(row["ap"], 2),
        f"minus {first.name}": percent(row["difference"], 2, "+"),
        "95 %": "" if row["low"] is None else f"{percent(row['low'], 2, '+')} … {percent(row['high'], 2, '+')}",
        "P(better)": "" if row["probability_positive"] is None else f"{row['probability_positive']:.3f}",
    }


def comparison_table(assessments: Sequence[Assessment]) -> str:
    """The differences of Average-mAP, for a terminal."""
    rows = [_shown(row, assessments[0]) for row in comparison_rows(assessments) if row["class"] == "all"]
    return as_text([{key: value for key, value in row.items() if key != "class"} for row in rows])


def difference_rows(assessments: Sequence[Assessment]) -> list[dict[str, Any]]:
    """A row per set but the first, class and tolerance: how far its average precision is above the first's."""
    first = assessments[0]
    rows = []
    for one in assessments[1:]:
        found = at_tolerances(one, first)
        for label, name in enumerate(one.corpus.classes):
            for place, tolerance in enumerate(one.scores.tolerances.tolist()):
                low, high = (None, None) if found.ends is None else found.ends[:, place, label].tolist()
                value = float(found.value[place, label])
                row = {"tolerance": tolerance, "difference": value, "low": low, "high": high}
                rows.append({"predictions": one.name, "class": name, **row})
    return rows


def game_rows(assessments: Sequence[Assessment]) -> list[dict[str, Any]]:
    """A row per set but the first and game, those on which the two differ most first."""
    first = assessments[0]
    return [
        {
            "predictions": one.name,
            "game": found.game,
            "events": found.events,
            "against": found.scores[0],
            "average_map": found.scores[1],
            "difference": found.difference,
        }
        for one in assessments[1:]
        for found in by_game(first, one)
    ]


def write_comparison(folder: Path, assessments: Sequence[Assessment], links: bool = True) -> None:
    """Write the files of a comparison into a folder that exists.

    Args:
        folder: gets them.
        assessments: of the same games.
        links: to the report of each, in a folder of its name beside.
    """
    diagnoses = [diagnose(assessment) for assessment in assessments]
    made = (
        plots.map_against_tolerance(assessments),
        draw_differences(assessments),
        plots.precision_recall(assessments, diagnoses),
        plots.reliability(assessments, diagnoses),
        plots.timing_errors(assessments, diagnoses),
    )
    drawn = dict(zip(PICTURES, made, strict=True))
    write_json(folder / "comparison.json", comparison(assessments))
    write_text(folder / "comparison.csv", as_csv(comparison_rows(assessments)))
    write_text(folder / "differences.csv", as_csv(difference_rows(assessments)))
    write_text(folder / "games.csv", as_csv(game_rows(assessments)))
    for name, content in files_of(drawn).items():
        write_bytes(folder / name, content)
    write_text(folder / "report.html", _page(assessments, diagnoses, drawn, links))


def _page(
    assessments: Sequence[Assessment], diagnoses: Sequence[Diagnosis], drawn: Mapping[str, Drawing], links: bool
) -> str:
    first = assessments[0]
    corpus, rows = first.corpus, comparison_rows(assessments)
    dataset = marked(corpus.dataset, corpus.simulated)
    if len(assessments) == 2:
        title = f"{assessments[1].name} against {first.name} on {dataset}, {corpus.split} split"
    else:
        title = f"{len(assessments)} sets of predictions on {dataset}, {corpus.split} split"
    explained = (
        f"{len(corpus.games)} games, protocol {first.protocol}. Differences from {first.name}: both are scored on the "
        "same resamples of the games; P(better) is the share of resamples in which a difference is positive."
    )
    reports = (tag("li", tag("a", one.name, href=f"{quote(one.name)}/report.html")) for one in assessments)
    names = list(corpus.names)
    body = [
        tag("p", explained, kind="quiet"),
        tag("ul", *reports) if links else Html(),
        table([_shown(row, first) for row in rows if row["class"] == "all"]),
        pictures((name.replace("_", " "), one.svg) for name, one in drawn.items()),
        section("Classes", table([_shown(row, first) for row in rows if row["class"] != "all"])),
        section(
            "Confidence and time",
            tag("p", CONFIDENCE_AND_TIME, kind="quiet"),
            table(
                [
                    {"predictions": one.name, **row}
                    for one, diagnosis in zip(assessments, diagnoses, strict=True)
                    for row in shown_diagnosis(one, diagnosis, names)
                ]
            ),
        ),
        *(_games(first, one) for one in assessments[1:]),
    ]
    return page(title, body, simulated=corpus.simulated)


def _games(first: Assessment, one: Assessment) -> Html:
    """The games on which a set differs most from the first."""
    rows = [
        {
            "game": found.game,
            "events": found.events,
            f"{first.name} (%)": percent(found.scores[0]),
            f"{one.name} (%)": percent(found.scores[1]),
            "difference": percent(found.difference, sign="+"),
        }
        for found in by_game(first, one)[:GAMES_SHOWN]
    ]
    explained = (
        "Each game judged alone, over the classes that occur in it; a game has few events, so these numbers say where "
        "to look, not which is better."
    )
    return section(f"Games on which {one.name} differs most", tag("p", explained, kind="quiet"), table(rows))
