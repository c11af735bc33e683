"""One page a task for Kubeflow's UI, made of the pages that its stage has left: narrow, self-contained."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rmsnet.files import write_text
from rmsnet.style.page import Html, class_name, page, picture, section, table, tag
from rmsnet.style.palette import class_looks, name_of

SURE = 0.5
"""Events of which the model is surer than not are shown."""

_MAIN = re.compile(r"<main>(.*)</main>", re.DOTALL)


def write_page(path: str, title: str, parts: Iterable[Html], *, simulated: bool = False) -> None:
    """The page of a task."""
    write_text(Path(path), page(title, parts, simulated=simulated))


def part_of(report: Path, title: str) -> Html:
    """The content of a page that a stage has left, as a part of a task's."""
    found = _MAIN.search(report.read_text(encoding="utf-8"))
    return section(title, Html(found[1] if found else ""))


def text_part(markdown: str) -> Html:
    """Markdown as our stages write it: headings, tables, lists and paragraphs."""
    blocks = re.split(r"\n\s*\n", markdown.strip())
    return Html("".join(_block(block.strip().splitlines()) for block in blocks))


def _block(lines: Sequence[str]) -> Html:
    if lines[0].startswith("|"):
        head, _, *rows = ([cell.strip() for cell in line.strip().split("|")[1:-1]] for line in lines)
        return table([dict(zip(_distinct(head), map(_plain, row), strict=False)) for row in rows])
    if lines[0].startswith("#"):
        heading = tag("h3", _plain(lines[0].lstrip("# ")))
        return Html(heading + _block(lines[1:])) if lines[1:] else heading
    if lines[0].startswith("- "):
        return tag("ul", *(tag("li", _plain(line.removeprefix("- "))) for line in lines))
    return tag("p", _plain(" ".join(lines)))


def _distinct(names: Sequence[str]) -> list[str]:
    """Names of columns, those without one told apart."""
    return [name or " " * (number + 1) for number, name in enumerate(names)]


def _plain(text: str) -> str:
    return text.replace("**", "").replace("`", "")


def folded(title: str, content: Html, *, opened: bool = False) -> Html:
    """A part that is opened by a click, or is open."""
    return tag("details", tag("summary", title), content, **({"open": ""} if opened else {}))


def addresses(places: Mapping[str, str]) -> Html:
    """Where more is, as text: Kubeflow's frame opens no window."""
    return section("Where more is", table([{"": name, " ": tag("code", place)} for name, place in places.items()]))


def training_part(model: Path) -> Html:
    """Losses and validation Average-mAP per epoch of a model folder."""
    from rmsnet.training.stage import plot_history

    shown = "losses and validation Average-mAP per epoch"
    return section("Training", picture(shown, plot_history(model / "history.csv")))


def events_parts(events: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[Html]:
    """The events of each match of which the model is surer than not.

    Args:
        events: rows of events.csv by match.
    """
    parts = []
    for name, of_match in events.items():
        sure = [event for event in of_match if float(event["confidence"]) >= SURE]
        looks = class_looks([event["label"] for event in sure])
        rows = [
            {
                "minute": event["minute"],
                "event": class_name(name_of(event["label"]), look),
                "confidence": f"{100 * float(event['confidence']):.0f} %",
            }
            for event, look in zip(sure, looks, strict=True)
        ]
        title = f"{name}: {len(rows)} events, {len(of_match) - len(rows)} less sure"
        parts.append(folded(title, table(rows), opened=True))
    return parts


def match_parts(reports: Mapping[str, Path]) -> list[Html]:
    """The pages of several matches, each to be opened.

    Args:
        reports: file of each match's page, by its name.
    """
    return [
        folded(
            name,
            tag("iframe", loading="lazy", srcdoc=report.read_text(encoding="utf-8")),
            opened=len(reports) == 1,
        )
        for name, report in reports.items()
    ]
