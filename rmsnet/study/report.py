"""What a study leaves: table.md, table.csv, figure.png, report.html (one page that needs no network), result.json."""

import base64
import csv
import html
import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rmsnet.features.bank import FrameBank
from rmsnet.files import atomic_file, write_json, write_text
from rmsnet.formats.words import markdown_cell, text_cell
from rmsnet.study import figures
from rmsnet.study.grids import Study
from rmsnet.study.summary import Estimate, difference

if TYPE_CHECKING:
    from rmsnet.study.scores import RowScores

SIMULATED = "Simulated data: these numbers show which way the settings point, not how well they do on SoccerNet."


def write_report(folder: Path, study: Study, results: "Sequence[RowScores]", banks: Mapping[str, FrameBank]) -> None:
    """Write all files of a study."""
    bank = banks["test"]
    dataset = f"{bank.info['dataset']} (simulated)" if bank.simulated else str(bank.info["dataset"])
    rows = table_rows(study, results, bank.simulated)
    notes = _notes(study, results, bank)
    picture, facts = figures.draw(study, results, bank, dataset)
    notes = [*facts, *notes]
    seeds = len(results[0].seeds)
    heading = f"{study.title}: {dataset}, {seeds} seed{'' if seeds == 1 else 's'}"
    write_text(
        folder / "table.md", "\n".join([f"**{markdown_cell(heading)}**", "", markdown(rows), "", *_paragraphs(notes)])
    )
    write_text(folder / "table.csv", _csv(rows))
    with atomic_file(folder / "figure.png") as partial:
        partial.write_bytes(picture)
    write_text(folder / "report.html", _page(heading, rows, notes, picture))
    write_json(folder / "result.json", _result(study, results, bank))


def table_rows(study: Study, results: "Sequence[RowScores]", simulated: bool) -> list[dict[str, str]]:
    """The table, Average-mAP in %: ours with 95 % intervals over the seeds, the paper's beside it."""
    ours = "simulated" if simulated else "measured"

    def row(name: str, cells: Sequence[str], gains: Sequence[str], paper: Sequence[float | None]) -> dict[str, str]:
        return {
            "setting": name,
            **dict(zip((f"valid, {ours}", f"test, {ours}", f"test tight, {ours}"), cells, strict=True)),
            **({"valid, gain": gains[0], "test, gain": gains[1]} if study.compared == "first" else {}),
            "valid, paper, SoccerNet": percent(paper[0]),
            "test, paper, SoccerNet": percent(paper[1]),
        }

    rows = [row(name, ("", "", ""), ("", ""), (valid, test)) for name, valid, test in study.quoted]
    for result in results:
        scores = [result.estimate("valid"), result.estimate("test"), result.estimate("test", "tight")]
        gains = [
            "" if result is results[0] else with_interval(_gain(result, results[0], split), "+")
            for split in ("valid", "test")
        ]
        rows.append(row(result.row.name, [with_interval(score) for score in scores], gains, result.row.paper))
    empty = {name for name in rows[0] if not any(of_row[name] for of_row in rows)}
    return [{name: cell for name, cell in of_row.items() if name not in empty} for of_row in rows]


def _gain(result: "RowScores", other: "RowScores", split: str) -> Estimate:
    return difference(result.values(split), other.values(split))


def with_interval(value: Estimate, sign: str = "") -> str:
    """E.g. "65.5 [64.1, 66.9]", of a value in [0, 1]."""
    mean = f"{100 * value.mean:{sign}.1f}"
    if value.low is None or value.high is None:
        return mean
    return f"{mean} [{100 * value.low:{sign}.1f}, {100 * value.high:{sign}.1f}]"


def percent(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.1f}"


def _notes(study: Study, results: "Sequence[RowScores]", bank: FrameBank) -> list[str]:
    notes = []
    if study.compared == "next":
        for side, split in enumerate(("valid", "test")):
            for upper, lower in pairwise(results):
                one, other = upper.row.paper[side], lower.row.paper[side]
                theirs = "" if one is None or other is None else f" (paper: {100 * (one - other):+.1f})"
                gap = with_interval(_gain(upper, lower, split), "+")
                notes.append(f"{split}: {upper.row.name} - {lower.row.name} = {gap}{theirs}")
    if study.compared == "first":
        notes.append(f"Gain: above {results[0].row.name}, seed by seed.")
    if study.remark:
        notes.append(f"Paper: {study.remark}")
    if len(results[0].seeds) > 1:
        notes.append(
            "Average-mAP in %, devkit protocol, tolerances 5-60 s (tight: 1-5 s). Intervals: 95 % of the mean over "
            "seeds (Student's t), on the same games; they say nothing about other games."
        )
    if bank.simulated:
        notes.append(SIMULATED)
    return notes


def _paragraphs(notes: Sequence[str]) -> list[str]:
    return [f"- {markdown_cell(note)}" for note in notes] + [""]


def markdown(rows: Sequence[Mapping[str, str]]) -> str:
    """A table that can be read as text too."""
    head = list(rows[0])
    cells = [[markdown_cell(row[name]) for name in head] for row in rows]
    widths = [max(map(len, column)) for column in zip(head, *cells, strict=True)]
    lines = [head, ["-" * width for width in widths], *cells]
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |" for line in lines
    )


def _csv(rows: Sequence[Mapping[str, str]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: text_cell(value) for name, value in row.items()} for row in rows)
    return text.getvalue()


_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:60em;margin:2em auto;padding:0 1em;color:#222}"
    "h1{font-size:1.3em}table{border-collapse:collapse;margin:1em 0}th,td{padding:.3em .8em;text-align:left;"
    "border-bottom:1px solid #ddd}img{max-width:100%}"
)


def _page(heading: str, rows: Sequence[Mapping[str, str]], notes: Sequence[str], picture: bytes) -> str:
    def line(cells: Sequence[str], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells) + "</tr>"

    return "\n".join(
        [
            "<!doctype html><html lang='en'><head><meta charset='utf-8'>",
            f"<title>{html.escape(heading)}</title><style>{_STYLE}</style></head><body>",
            f"<h1>{html.escape(heading)}</h1><table>",
            line(list(rows[0]), "th"),
            *(line(list(row.values()), "td") for row in rows),
            "</table>",
            f"<img alt='{html.escape(heading)}' src='data:image/png;base64,{base64.b64encode(picture).decode()}'>",
            "<ul>",
            *(f"<li>{html.escape(note)}</li>" for note in notes),
            "</ul></body></html>",
            "",
        ]
    )


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
                **{split: asdict(result.estimate(split)) for split in ("valid", "test")},
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
