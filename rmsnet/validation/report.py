"""The report of a validation: validation.json, report.md and report.html, one page that needs no network."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rmsnet.dataset.content import game_contents, joined_content
from rmsnet.dataset.soccernet import Dataset
from rmsnet.files import write_json, write_text
from rmsnet.params import ExtractParams
from rmsnet.provenance import dvc_md5
from rmsnet.style.page import Html, page, pictures, section, table, tag
from rmsnet.style.tables import Row, as_markdown, markdown_text
from rmsnet.style.words import marked
from rmsnet.validation.plots import plots as dataset_plots
from rmsnet.validation.statistics import split_rows, statistics
from rmsnet.validation.tables import Tables

if TYPE_CHECKING:
    from rmsnet.validation.verdict import Validation

REPORT_SCHEMA = 1

ROWS_SHOWN = 50
"""Rows of a failed check that the page shows; validation.json has more."""

ROWS_LISTED = 5
"""Rows of a failed check in the Markdown."""

_BADGES = {"critical": "badge bad", "warning": "badge warning", "check broken": "badge"}

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
    drift = tables.features.drift.tolist()
    document = {
        "schema": REPORT_SCHEMA,
        "verdict": validation.verdict,
        "summary": validation.summary,
        "dataset": dataset.name,
        "simulated": dataset.simulated,
        "dvc_md5": dvc_md5(dataset.root),
        "content": _content(dataset, params, classes),
        **({"features": params.features} if params.source == "features" else {"videos": params.videos}),
        "classes": classes,
        "drift_limit": drift_limit,
        "checks": [asdict(check) for check in validation.checks],
        "statistics": statistics(tables.rows, drift),
    }
    write_json(folder / "validation.json", document)
    write_text(folder / "report.md", markdown(document))
    pictures = dataset_plots(tables.rows, named(document), drift=drift, drift_limit=drift_limit)
    write_text(folder / "report.html", report_page(document, pictures))


def _content(dataset: Dataset, params: ExtractParams, classes: str) -> dict[str, str | None]:
    """What was checked, by split: the gate asks whether a model has learned from it."""
    contents = game_contents(dataset, (game for games in dataset.splits.values() for game in games), params, classes)
    return {split: joined_content(contents, games) for split, games in dataset.splits.items()}


def _order(checks: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """What went wrong, the worst first."""
    rank = {("failed", "critical"): 0, ("broken", "critical"): 1, ("broken", "warning"): 2, ("failed", "warning"): 3}
    wrong = [check for check in checks if check["status"] != "passed"]
    return sorted(wrong, key=lambda check: rank[check["status"], check["severity"]])


def _kind(check: Mapping[str, Any]) -> str:
    return "check broken" if check["status"] == "broken" else str(check["severity"])


def named(document: Mapping[str, Any]) -> str:
    """The dataset."""
    return marked(document["dataset"], document["simulated"])


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
    lines = [f"# Validation of {markdown_text(named(document))}", "", f"**{document['summary']}**", ""]
    lines += [markdown_text(_facts(document)), ""]
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
    return "\n".join([*lines, "## In the dataset", "", as_markdown(split_rows(document["statistics"]["splits"])), ""])


def report_page(document: Mapping[str, Any], plots: Iterable[tuple[str, bytes]]) -> str:
    """The report as one HTML page: verdict, what failed with its rows, statistics with plots, all checks."""
    verdict = {"passed": "good", "passed with warnings": "warning", "failed": "bad"}.get(document["verdict"], "")
    body = [
        tag("p", document["summary"], kind=f"verdict {verdict}"),
        tag("p", _facts(document), kind="quiet"),
        *map(_failure, _order(document["checks"])),
        section("In the dataset", table(split_rows(document["statistics"]["splits"]))),
        pictures(plots),
        section("All checks", table([_check_row(check) for check in document["checks"]])),
    ]
    return page(f"Validation of {named(document)}", body, simulated=document["simulated"])


def _failure(check: Mapping[str, Any]) -> Html:
    kind = _kind(check)
    mark = tag("span", kind, kind=_BADGES[kind])
    heading = tag("span", mark, f" {check['expectation']}")
    if check["status"] == "broken":
        return section(heading, tag("p", _BROKEN.format(table=check["table"]), " ", tag("code", check["error"])))
    rows, failed = check["rows"][:ROWS_SHOWN], check["rows_failed"]
    left = tag("p", f"{failed - len(rows):,} more, see validation.json", kind="quiet") if failed > len(rows) else ""
    return section(heading, tag("p", f"{failed:,} of {check['rows_checked']:,} {check['table']}"), table(rows), left)


def _check_row(check: Mapping[str, Any]) -> Row:
    # An expectation of what a dataset has nothing of is met; that is no praise.
    nothing = check["status"] == "passed" and not check["rows_checked"]
    return {
        **{name: check[name] for name in ("table", "expectation", "severity")},
        "status": "nothing to check" if nothing else check["status"],
        "failed": check["rows_failed"],
        "checked": check["rows_checked"],
    }
