"""What a study leaves: tables, figure, learning curves, report.html (one page that needs no network), result.json."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rmsnet.features.bank import FrameBank
from rmsnet.files import write_bytes, write_json, write_text
from rmsnet.study import figures
from rmsnet.study.grids import Study
from rmsnet.study.learning import curve_rows, draw_curves, learning_curves
from rmsnet.study.scores import SPLITS
from rmsnet.study.summary import Estimate, difference
from rmsnet.style.page import page, picture, section, table, tag
from rmsnet.style.plot import files_of
from rmsnet.style.tables import Row, as_csv, as_markdown, markdown_text
from rmsnet.style.words import SIMULATED, marked, percent, with_ends

if TYPE_CHECKING:
    from rmsnet.study.scores import RowScores

LEARNED = (
    "Each row as long as all its trainings ran; one that stops early would bend the mean of the others. The score is "
    "of the validation split, by which the best epoch was chosen."
)


def write_report(folder: Path, study: Study, results: "Sequence[RowScores]", banks: Mapping[str, FrameBank]) -> None:
    """Write all files of a study."""
    bank = banks["test"]
    dataset = marked(str(bank.info["dataset"]), bank.simulated)
    first = results[0] if study.compared == "first" else None
    rows = study_rows(study, {result.row.name: scores_of(result, first, bank.simulated) for result in results})
    drawn, facts = figures.draw(study, results, bank, dataset)
    curves = learning_curves(results)
    pictures = {"figure": drawn, "learning_curves": draw_curves(curves, f"{dataset}, valid")}
    notes = [*facts, *_notes(study, results)]
    title = heading(study, dataset, len(results[0].seeds))
    write_text(folder / "table.md", markdown(title, rows, notes, bank.simulated))
    write_text(folder / "table.csv", as_csv(rows))
    write_text(folder / "learning_curves.csv", as_csv(curve_rows(curves)))
    for name, content in files_of(pictures).items():
        write_bytes(folder / name, content)
    body = [
        table(rows),
        picture(study.title, drawn.svg),
        tag("ul", *(tag("li", note) for note in notes)),
        section("Learning curves", tag("p", LEARNED, kind="quiet"), picture("curves", pictures["learning_curves"].svg)),
    ]
    write_text(folder / "report.html", page(title, body, simulated=bank.simulated))
    write_json(folder / "result.json", _result(study, results, bank))


def heading(study: Study, dataset: str, seeds: int) -> str:
    """What was trained, on what, how often."""
    return f"{study.title}: {dataset}, {seeds} seed{'' if seeds == 1 else 's'}"


def markdown(title: str, rows: Sequence[Row], notes: Sequence[str], simulated: bool) -> str:
    """The table with its heading and notes."""
    said = [*notes, SIMULATED] if simulated else notes
    said = [f"- {markdown_text(note)}" for note in said]
    return "\n".join([f"**{markdown_text(title)}**", "", as_markdown(rows), "", *said, ""])


def scores_of(result: "RowScores", first: "RowScores | None", simulated: bool) -> Row:
    """What a row scored here, in % with 95 % intervals over the seeds, and its gain above the first, seed by seed."""
    here = ours(simulated)
    scores = {f"{split}, {here}": _with_ends(result.estimate(split)) for split in SPLITS}
    scores[f"test tight, {here}"] = _with_ends(result.estimate("test", "tight"))
    if first is not None:
        scores |= {f"{split}, gain": "" if result is first else _gain(result, first, split) for split in SPLITS}
    return scores


def ours(simulated: bool) -> str:
    return "simulated" if simulated else "measured"


def study_rows(study: Study, scored: Mapping[str, Row]) -> list[Row]:
    """The table: what each setting scored here (by its name), the paper's numbers beside it, others' above it."""
    nothing = dict.fromkeys(next(iter(scored.values())), "")
    settings: list[tuple[str, Row, Sequence[float | None]]]
    settings = [(name, nothing, paper) for name, *paper in study.quoted]
    settings += [(row.name, scored[row.name], row.paper) for row in study.rows]
    rows = [
        {
            "setting": name,
            **scores,
            **{f"{split}, paper, SoccerNet": percent(score) for split, score in zip(SPLITS, paper, strict=True)},
        }
        for name, scores, paper in settings
    ]
    empty = {name for name in rows[0] if not any(row[name] for row in rows)}
    return [{name: cell for name, cell in row.items() if name not in empty} for row in rows]


def _gain(result: "RowScores", other: "RowScores", split: str) -> str:
    return _with_ends(difference(result.values(split), other.values(split)), "+")


def _with_ends(value: Estimate, sign: str = "") -> str:
    return with_ends(value.mean, value.ends, sign)


def _notes(study: Study, results: "Sequence[RowScores]") -> list[str]:
    notes = []
    if study.compared == "next":
        for side, split in enumerate(SPLITS):
            for upper, lower in pairwise(results):
                one, other = upper.row.paper[side], lower.row.paper[side]
                theirs = "" if one is None or other is None else f" (paper: {100 * (one - other):+.1f})"
                notes.append(f"{split}: {upper.row.name} - {lower.row.name} = {_gain(upper, lower, split)}{theirs}")
    if study.compared == "first":
        notes.append(f"Gain: above {results[0].row.name}, seed by seed.")
    if study.remark:
        notes.append(f"Paper: {study.remark}")
    if len(results[0].seeds) > 1:
        notes.append(
            "Average-mAP in %, devkit protocol, tolerances 5-60 s (tight: 1-5 s). Intervals: 95 % of the mean over "
            "seeds (Student's t), on the same games; they say nothing about other games."
        )
    return notes


def _result(study: Study, results: "Sequence[RowScores]", bank: FrameBank) -> dict[str, Any]:
    return {
        "study": study.name,
        "dataset": str(bank.info["dataset"]),
        "simulated": bank.simulated,
        "rows": [
            {
                "name": result.row.name,
                "changes": dict(result.row.changes),
                "spot": dict(result.row.spot),
                "members": result.row.members,
                "paper": list(result.row.paper),
                **{split: asdict(result.estimate(split)) for split in SPLITS},
                "test_tight": asdict(result.estimate("test", "tight")),
                "seeds": [
                    {
                        "seed": seed.seed,
                        "run": seed.folder.name,
                        "best_epoch": seed.metrics.get("best_epoch"),
                        **{split: asdict(scores) for split, scores in seed.splits.items()},
                    }
                    for seed in result.seeds
                ],
            }
            for result in results
        ],
    }
