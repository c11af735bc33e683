"""The page of `make bench`: this machine's figures beside ours, a picture of both, and all that was printed."""

import json
import re
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from benchmarks.gpu.record import shown
from rmsnet.files import write_text
from rmsnet.style.page import Html, page, pictures, section, table, tag
from rmsnet.style.palette import QUIET, look
from rmsnet.style.plot import drawing, figure, name_axes
from rmsnet.style.tables import Row

HERE, OURS = "this machine", "ours"
_NUMBER = re.compile(r"[+-]?\d[\d,]*(?:\.\d+)?")

Results = Mapping[str, Mapping[str, Any]]


def write_page(folder: Path, ours: Path) -> None:
    """Write report.html beside the results.json in a folder; `ours` is another results.json."""
    mine, theirs = (json.loads(path.read_text(encoding="utf-8")) for path in (folder / "results.json", ours))
    write_text(folder / "report.html", report(mine, theirs))


def report(mine: Results, ours: Results) -> str:
    """The page."""
    compared = figures(mine, ours)
    measured = [name for name in mine if name != "machine"]
    body = [
        tag("p", "Short runs: good for a look at a machine, not for a claim. What else runs on it adds to every time."),
        section("Machines", table(_machines(mine, ours))),
        section("Figures", table(compared), *([_drawn(compared)] if compared else [])),
        section("What ran", table([_row(name, mine[name]) for name in measured])),
        *(_section(name, mine[name], ours.get(name, {})) for name in measured if _output(mine[name])),
    ]
    return page("Benchmarks", body)


def figures(mine: Results, ours: Results) -> list[dict[str, Any]]:
    """A row for each figure of this machine, with ours and how many times as good this machine's is."""
    rows = []
    for name, found in mine.items():
        theirs = {row["what"]: row["value"] for row in ours.get(name, {}).get("rows", [])}
        for row in found["rows"] if name != "machine" else ():
            value, of_ours, better = row["value"], theirs.get(row["what"]), row["note"] == "more is better"
            ratio = None if not value or not of_ours else value / of_ours if better else of_ours / value
            rows.append(
                {
                    "benchmark": name,
                    "figure": f"{row['what']} ({row['unit']})",
                    HERE: shown(value),
                    OURS: "–" if of_ours is None else shown(of_ours),
                    "times as good": "–" if ratio is None else f"{ratio:.2f}",
                }
            )
    return rows


def _machines(mine: Results, ours: Results) -> list[Row]:
    theirs = {row["what"]: row["value"] for row in ours.get("machine", {}).get("rows", [])}
    return [
        {"": row["what"], HERE: row["value"], OURS: theirs.get(row["what"], "–")} for row in mine["machine"]["rows"]
    ]


def _row(name: str, found: Mapping[str, Any]) -> Row:
    wall, cpu = (f"{found[what]:.0f}" if what in found else "–" for what in ("seconds", "cpu"))
    return {"benchmark": name, "state": found["state"], "seconds": wall, "of CPU": cpu, "what": found.get("says", "")}


def _drawn(compared: Sequence[Mapping[str, Any]]) -> Html:
    """How many times as good each figure is as ours."""
    known = [row for row in compared if row["times as good"] != "–"]
    if not known:
        return Html()
    made, (axes,) = figure("short runs", height=1.2 + 0.24 * len(known))
    ratios = [float(row["times as good"]) for row in known]
    axes.barh(range(len(known)), [max(ratio, 0.01) - 1 for ratio in ratios], left=1, color=look(0).colour.on_light)
    axes.axvline(1, color=QUIET.on_light, linewidth=1)
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_xlim(min(0.45, *ratios), max(2.2, *ratios))
    axes.set_yticks(range(len(known)), [f"{row['benchmark']}: {row['figure']}" for row in known], fontsize=8)
    axes.invert_yaxis()
    name_axes(axes, "This machine beside ours", "times as good")
    return pictures([("times as good as ours", drawing(made).svg)])


def _output(found: Mapping[str, Any]) -> str:
    return str(found.get("texts", {}).get("output", ""))


def _section(name: str, found: Mapping[str, Any], ours: Mapping[str, Any]) -> Html:
    parts: list[Html] = []
    pairs = _pairs(_output(found), _output(ours))
    for is_table, block in groupby(pairs, lambda pair: pair[0].startswith("|")):
        lines = list(block)
        parts.append(table(_beside(lines) if is_table else [{HERE: line, OURS: other} for line, other in lines]))
    return section(name, tag("p", f"{found['says']}: {found['command']}", kind="quiet"), *parts)


def _pairs(output: str, ours: str) -> list[tuple[str, str]]:
    """The lines that say something, each with ours of the same words, or "–"."""
    others: dict[str, list[str]] = {}
    for line in ours.splitlines():
        others.setdefault(_words(line), []).append(line)
    return [
        (line, waiting.pop(0) if (waiting := others.get(_words(line))) else "–")
        for line in output.splitlines()
        if line.strip()
    ]


def _words(line: str) -> str:
    """A line without its numbers; of a table's line the first cell as it is."""
    first, rest = ("|".join(line.split("|")[:2]), "") if line.startswith("|") else ("", _NUMBER.sub("#", line))
    return first + " ".join(rest.split())


def _beside(pairs: Sequence[tuple[str, str]]) -> list[Row]:
    """Lines of a table of Markdown, and ours, as rows: a column of ours behind each that has numbers."""
    (head, _), *lines = [pair for pair in pairs if set(pair[0]) - set("|-: ")]
    names = _cells(head)
    rows = [(_cells(line), _cells(other) if other != "–" else ["–"] * len(names)) for line, other in lines]
    counted = [
        number and any(_NUMBER.search(cells[number]) for cells, _ in rows if number < len(cells))
        for number in range(len(names))
    ]
    return [
        {
            key: value
            for name, cell, of_ours, has_numbers in zip(names, cells, others, counted, strict=False)
            for key, value in ((name, cell), *([(f"{name}, {OURS}", of_ours)] if has_numbers else []))
        }
        for cells, others in rows
    ]


def _cells(line: str) -> list[str]:
    return [cell.strip().strip("*") for cell in line.strip().strip("|").split("|")]
