"""What a decision looks like: summary.md (the variants), decision.md and decision.html (a version, the reasons)."""

import base64
import html
import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rmsnet.evaluation.paper import TABLE_III
from rmsnet.formats.words import markdown_cell, plain_text

if TYPE_CHECKING:
    from rmsnet.registry.decision import Decision
    from rmsnet.registry.gate import Duel

SIMULATED = "Simulated features: these numbers show that the machinery works, not how it does on SoccerNet."

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60em; margin: 2em auto; padding: 0 1em; color: #222 }
h1 { font-size: 1.4em } table { border-collapse: collapse; margin: 1em 0 }
td, th { padding: .3em .8em; border-bottom: 1px solid #ddd; text-align: left; vertical-align: top }
.yes { color: #17692f } .no { color: #b3261e } .verdict { font-size: 1.1em; padding: .6em 1em; background: #f4f4f4 }
.number { text-align: right; font-variant-numeric: tabular-nums } img { max-width: 100% } .quiet { color: #666 }
"""


def summary(scores: Mapping[str, Mapping[str, Mapping[str, Any]]], decision: "Decision") -> str:
    """The variants beside the paper's Table III, and the decision, as Markdown."""
    lines = [*variants_table(scores, decision.dataset, decision.simulated), "", f"{markdown_cell(verdict(decision))}."]
    if decision.simulated:
        lines += ["", SIMULATED]
    return "\n".join(lines) + "\n"


def variants_table(scores: Mapping[str, Mapping[str, Mapping[str, Any]]], dataset: str, simulated: bool) -> list[str]:
    """The variants beside the paper's Table III, as lines of Markdown.

    Args:
        scores: variant -> "valid" and "test" -> the content of metrics.json.
        dataset: its name.
        simulated: whether it is made up.
    """
    here = markdown_cell(f"{dataset} (simulated)" if simulated else dataset)
    lines = [
        f"Average-mAP (%, loose, devkit protocol): {here} beside the paper's Table III",
        "",
        f"| {'variant':18} | valid, {'simulated' if simulated else 'measured'} | test [95 %] | "
        "valid, paper, SoccerNet | test, paper, SoccerNet |",
        "|---|---|---|---|---|",
    ]
    for name, of_split in scores.items():
        paper = [f"{100 * value:.1f}" for value in TABLE_III[name]] if name in TABLE_III else ["-", "-"]
        ends = of_split["test"].get("ci95")
        interval = "" if ends is None else f" [{100 * ends[0]:.1f}, {100 * ends[1]:.1f}]"
        valid, test = (100 * of_split[split]["average_map"] for split in ("valid", "test"))
        lines.append(f"| {markdown_cell(name):18} | {valid:.1f} | {test:.1f}{interval} | {paper[0]} | {paper[1]} |")
    return lines


def verdict(decision: "Decision") -> str:
    """The decision in a sentence, without its full stop."""
    what = "is now @champion" if decision.promoted else "does not replace @champion"
    if not decision.promoted and decision.champion_version is None:
        what = "does not become @champion"
    if decision.champion_version == decision.version:
        what = "stays @champion"
    return f"{decision.model_name} version {decision.version} ({decision.variant}) {what}: {decision.reason}"


def _rows(decision: "Decision") -> list[tuple[str, str]]:
    """The facts of a decision, name and value."""
    rows = [
        ("decided", decision.when),
        (
            "data",
            f"{decision.dataset}{' (simulated)' if decision.simulated else ''}, {decision.games} validation games",
        ),
        ("data hash", decision.data_hash),
        ("protocol", decision.protocol),
        ("challenger", f"version {decision.version}: Average-mAP {100 * decision.challenger_average_map:.2f}"),
    ]
    if decision.champion_average_map is not None:
        rows.append(
            ("champion", f"version {decision.champion_version}: Average-mAP {100 * decision.champion_average_map:.2f}")
        )
    if decision.difference is not None:
        value, low, high = (100 * number for number in decision.difference)
        rows.append(("difference", f"{value:+.2f}, one-sided bounds {low:+.2f} and {high:+.2f}"))
        point = "promote" if decision.point_comparison else "refuse"
        rows.append(
            ("a comparison of the two numbers alone", f"would {point}; it errs half of the time between equals")
        )
    return rows


def decision_markdown(decision: "Decision") -> str:
    lines = [f"# {markdown_cell(verdict(decision))}", ""]
    lines += ["| | |", "|---|---|", *(f"| {name} | {markdown_cell(value)} |" for name, value in _rows(decision)), ""]
    lines += ["| condition | | |", "|---|---|---|"]
    lines += [
        f"| {check.name} | {'yes' if check.passed else '**no**'} | {markdown_cell(check.detail)} |"
        for check in decision.checks
    ]
    if decision.per_class is not None:
        lines += ["", "| class | difference | low | high |", "|---|---|---|---|"]
        for name, row in decision.per_class.items():
            value, low, high = (100 * number for number in row)
            lines.append(f"| {markdown_cell(name)} | {value:+.2f} | {low:+.2f} | {high:+.2f} |")
        lines += ["", "![difference of the two models on resampled games](difference.png)"]
    if decision.simulated:
        lines += ["", SIMULATED]
    return "\n".join(lines) + "\n"


def decision_page(decision: "Decision", picture: bytes | None) -> str:
    """The decision as one page that needs no network."""

    def table(rows: list[list[str]], head: list[str] | None = None) -> str:
        top = f"<tr>{''.join(f'<th>{html.escape(cell)}</th>' for cell in head)}</tr>" if head else ""
        body = "".join(f"<tr>{''.join(row)}</tr>" for row in rows)
        return f"<table>{top}{body}</table>"

    def cell(text: str, kind: str = "") -> str:
        return f'<td class="{kind}">{html.escape(text)}</td>'

    facts = table([[cell(name), cell(value)] for name, value in _rows(decision)])
    checks = table(
        [
            [
                cell(check.name),
                cell("yes" if check.passed else "no", "yes" if check.passed else "no"),
                cell(check.detail),
            ]
            for check in decision.checks
        ],
        ["condition", "", ""],
    )
    classes = ""
    if decision.per_class is not None:
        classes = "<h2>Classes</h2>" + table(
            [
                [cell(name), *(cell(f"{100 * number:+.2f}", "number") for number in row)]
                for name, row in decision.per_class.items()
            ],
            ["class", "difference", "low", "high"],
        )
    image = ""
    if picture is not None:
        encoded = base64.b64encode(picture).decode()
        image = f'<img alt="difference of the two models on resampled games" src="data:image/png;base64,{encoded}">'
    note = f'<p class="quiet">{html.escape(SIMULATED)}</p>' if decision.simulated else ""
    title = f"{decision.model_name} version {decision.version}: {'promoted' if decision.promoted else 'not promoted'}"
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f"<style>{_STYLE}</style></head>\n<body><h1>{html.escape(title)}</h1>"
        f'<p class="verdict">{html.escape(verdict(decision))}.</p>{note}\n{facts}\n<h2>Conditions</h2>{checks}\n'
        f"{image}\n{classes}\n</body></html>\n"
    )


def plot_duel(made: "Duel", decision: "Decision") -> bytes:
    """The resampled differences and those of the classes, as PNG."""
    from matplotlib.figure import Figure

    assert decision.per_class is not None
    figure = Figure(figsize=(10, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.hist(100 * made.differences, bins=40, color="#88a", edgecolor="white", linewidth=0.3)
    left.axvline(0, color="black", linewidth=1)
    left.axvline(100 * made.low, color="C3", linestyle="--", label="lower bound")
    left.axvline(100 * made.difference, color="C0", label="all games")
    left.set(title="challenger − champion on resampled games", xlabel="Average-mAP (%)", yticks=[])
    left.legend()
    names = list(decision.per_class)
    values = [[100 * number for number in row] for row in decision.per_class.values()]
    places = range(len(names))
    right.hlines(places, [row[1] for row in values], [row[2] for row in values], color="C0", linewidth=2)
    right.plot([row[0] for row in values], places, "o", color="C0")
    right.axvline(0, color="black", linewidth=1)
    right.set(title="by class", xlabel="mean average precision (%)", yticks=list(places), yticklabels=names)
    right.invert_yaxis()
    if decision.simulated:
        figure.suptitle("simulated data", fontsize=9, color="#666")
    file = io.BytesIO()
    with plain_text(figure):
        figure.savefig(file, dpi=110)
    return file.getvalue()
