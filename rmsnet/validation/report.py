"""The report of a validation: validation.json, report.md and report.html, one page that needs no network."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rmsnet.dataset.soccernet import Dataset
from rmsnet.files import write_json, write_text
from rmsnet.formats.words import markdown_cell
from rmsnet.params import ExtractParams
from rmsnet.provenance import dvc_md5
from rmsnet.validation.page import figures, html_page, table, text
from rmsnet.validation.plots import plots
from rmsnet.validation.statistics import statistics
from rmsnet.validation.tables import Tables

if TYPE_CHECKING:
    from rmsnet.validation.verdict import Validation

REPORT_SCHEMA = 1

ROWS_SHOWN = 50
"""Rows of a failed check that the page shows; validation.json has more."""

ROWS_LISTED = 5
"""Rows of a failed check in the Markdown."""

_BROKEN = "The check could not be run on the table of {table}; that says nothing about the data:"


def write_report(
    folder: Path,
    dataset: Dataset,
    validation: "Validation",
    tables: Tables,
    params: ExtractParams,
    classes: str,
    drift_limit: float | None,
) -> None:
    """Write the three forms of the report into a folder that exists."""
    document = {
        "schema": REPORT_SCHEMA,
        "verdict": validation.verdict,
        "summary": validation.summary,
        "dataset": dataset.name,
        "simulated": dataset.simulated,
        "dvc_md5": dvc_md5(dataset.root),
        **({"features": params.features} if params.source == "features" else {"videos": params.videos}),
        "classes": classes,
        "drift_limit": drift_limit,
        "checks": [asdict(check) for check in validation.checks],
        "statistics": statistics(tables),
    }
    write_json(folder / "validation.json", document)
    write_text(folder / "report.md", markdown(document))
    write_text(folder / "report.html", page(document, list(plots(tables, drift_limit))))


def _order(checks: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """What went wrong, the worst first."""
    rank = {("failed", "critical"): 0, ("broken", "critical"): 1, ("broken", "warning"): 2, ("failed", "warning"): 3}
    wrong = [check for check in checks if check["status"] != "passed"]
    return sorted(wrong, key=lambda check: rank[check["status"], check["severity"]])


def _kind(check: Mapping[str, Any]) -> str:
    return "check broken" if check["status"] == "broken" else str(check["severity"])


def _heading(document: Mapping[str, Any]) -> str:
    made_up = " (simulated)" if document["simulated"] else ""
    return f"Validation of {document['dataset']}{made_up}"


def _facts(document: Mapping[str, Any]) -> str:
    facts = [f"{key} {document[key]}" for key in ("features", "videos") if key in document]
    facts.append(f"labels {document['classes']}")
    if document["dvc_md5"]:
        facts.append(f"DVC MD5 {document['dvc_md5']}")
    return ", ".join(facts)


def _row_text(row: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} {value}" for key, value in row.items())


def markdown(document: Mapping[str, Any]) -> str:
    """The report as Markdown: the verdict, what failed with a few rows each, what is in the dataset."""
    lines = [f"# {markdown_cell(_heading(document))}", "", f"**{document['summary']}**", ""]
    lines += [markdown_cell(_facts(document)), ""]
    for check in _order(document["checks"]):
        lines.append(f"## {_kind(check)}: {check['expectation']}")
        lines.append("")
        if check["status"] == "broken":
            lines += [_BROKEN.format(table=check["table"]), "", f"    {check['error']}", ""]
            continue
        lines += [f"{check['rows_failed']:,} of {check['rows_checked']:,} {check['table']}", ""]
        # Indented text: nothing in a file's name can be read as Markdown.
        lines += [f"    {_row_text(row)}" for row in check["rows"][:ROWS_LISTED]]
        if check["rows_failed"] > ROWS_LISTED:
            lines.append(f"    … {check['rows_failed'] - ROWS_LISTED:,} more")
        lines.append("")
    splits = document["statistics"]["splits"]
    lines += [
        "## In the dataset",
        "",
        "| | " + " | ".join(map(markdown_cell, splits)) + " |",
        "|---" * (len(splits) + 1) + "|",
    ]
    for name in ("games", "halves_with_features", "hours", "frames"):
        lines.append(f"| {name.replace('_', ' ')} | " + " | ".join(f"{of[name]:,}" for of in splits.values()) + " |")
    for label in next(iter(splits.values()))["events"]:
        lines.append(f"| {label} | " + " | ".join(f"{of['events'][label]:,}" for of in splits.values()) + " |")
    return "\n".join(lines) + "\n"


def page(document: Mapping[str, Any], pictures: Sequence[tuple[str, bytes]]) -> str:
    """The report as one HTML page: verdict, what failed with its rows, statistics with plots, all checks."""
    verdict = document["verdict"]
    style = {"failed": "failed", "undecided": "undecided", "passed with warnings": "warnings"}.get(verdict, "")
    body = [
        f'<p class="verdict {style}">{text(document["summary"])}</p>',
        f'<p class="quiet">{text(_facts(document))}</p>',
        *_failures(document["checks"]),
        "<h2>In the dataset</h2>",
        split_table(document["statistics"]["splits"]),
        *figures(pictures),
        "<h2>All checks</h2>",
        _check_table(document["checks"]),
    ]
    return html_page(_heading(document), body)


def _failures(checks: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for check in _order(checks):
        kind = _kind(check)
        tag = f'<span class="tag {kind.removeprefix("check ")}">{kind}</span>'
        yield f"<h2>{tag} {text(check['expectation'])}</h2>"
        if check["status"] == "broken":
            yield f"<p>{_BROKEN.format(table=check['table'])} <code>{text(check['error'])}</code></p>"
            continue
        yield f"<p>{check['rows_failed']:,} of {check['rows_checked']:,} {check['table']}</p>"
        shown = check["rows"][:ROWS_SHOWN]
        yield table(list(shown[0]), [list(row.values()) for row in shown])
        if check["rows_failed"] > len(shown):
            yield f'<p class="quiet">{check["rows_failed"] - len(shown):,} more, see validation.json</p>'


def split_table(splits: Mapping[str, Any]) -> str:
    rows = [
        [name.replace("_", " "), *(of[name] for of in splits.values())]
        for name in ("games", "halves_with_features", "hours", "frames")
    ]
    labels = next(iter(splits.values()))["events"]
    rows += [[label, *(of["events"][label] for of in splits.values())] for label in labels]
    return table(["", *splits], rows)


def _check_table(checks: Sequence[Mapping[str, Any]]) -> str:
    return table(
        ["table", "expectation", "severity", "status", "failed", "checked"],
        [
            [
                check["table"],
                check["expectation"],
                check["severity"],
                # An expectation of what a dataset has nothing of is met; that is no praise.
                "nothing to check" if check["status"] == "passed" and not check["rows_checked"] else check["status"],
                check["rows_failed"],
                check["rows_checked"],
            ]
            for check in checks
        ],
    )
