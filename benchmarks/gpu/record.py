"""The figures of a run as results.json and results.md, written whole after every figure."""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rmsnet.files import write_json, write_text

Value = float | int | str


@dataclass(frozen=True)
class Record:
    """Where a section writes; sections run one after the other, so one of them writes at a time.

    Attributes:
        folder: of results.json and results.md.
        section: whose figures these are.
        title: of results.md.
    """

    folder: Path
    section: str
    title: str = "rmsnet on a GPU"

    def row(self, what: str, value: Value, unit: str = "", note: str = "") -> None:
        """Keep a figure and print it."""
        if isinstance(value, float) and not math.isfinite(value):
            value = str(value)
        print(f"{self.section}: {what}: {shown(value)} {unit}{f' ({note})' if note else ''}", flush=True)
        found = self.everything()
        self._section(found)["rows"].append({"what": what, "value": value, "unit": unit, "note": note})
        self._write(found)

    def check(self, what: str, value: float, limit: float) -> None:
        """Keep a difference that must not be above a limit."""
        good = value <= limit  # NaN is not
        self.row(what, float(value), "", f"{'ok' if good else 'FAILED'}, at most {limit:g}")

    def put(self, **entries: Any) -> None:
        """Keep what is no figure: the section's state, its seconds, what a library said."""
        found = self.everything()
        self._section(found).update(entries)
        self._write(found)

    def value(self, section: str, what: str) -> float | None:
        """A figure of this run that is there already."""
        rows = self.everything().get(section, {}).get("rows", [])
        return next((row["value"] for row in rows if row["what"] == what), None)

    def everything(self) -> dict[str, Any]:
        path = self.folder / "results.json"
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        return found

    def _section(self, found: dict[str, Any]) -> dict[str, Any]:
        section: dict[str, Any] = found.setdefault(self.section, {"state": "not finished", "rows": []})
        return section

    def _write(self, found: dict[str, Any]) -> None:
        write_json(self.folder / "results.json", found)
        write_text(self.folder / "results.md", markdown(found, self.title))


def shown(value: Value) -> str:
    """A figure with three digits, or all of a large one's."""
    if isinstance(value, str):
        return value
    return f"{value:,.0f}" if abs(value) >= 1000 or isinstance(value, int) else f"{value:.3g}"


def failures(found: dict[str, Any]) -> list[str]:
    """What is not as it should be."""
    unfinished = [f"{name}: {section['state']}" for name, section in found.items() if section["state"] != "done"]
    checks = [
        f"{name}: {row['what']}: {shown(row['value'])}, {row['note']}"
        for name, section in found.items()
        for row in section["rows"]
        if row["note"].startswith("FAILED")
    ]
    return unfinished + checks


def markdown(found: dict[str, Any], title: str) -> str:
    """A table of each section."""
    lines = [f"# {title}"]
    for name, section in found.items():
        took = f", {section['seconds']:.0f} s" if "seconds" in section else ""
        lines += ["", f"## {name} ({section['state']}{took})", "", "| what | figure | |", "|---|---|---|"]
        lines += [
            f"| {row['what']} | {shown(row['value'])} {row['unit']} | {row['note']} |".replace("\n", " ")
            for row in section["rows"]
        ]
        for title, text in section.get("texts", {}).items():
            lines += ["", f"{title}:", "", "```", text, "```"]
    return "\n".join(lines) + "\n"
