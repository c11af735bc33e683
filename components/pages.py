"""Pages for Kubeflow's UI that no stage writes itself."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rmsnet.style.page import Html, class_name, page, picture, table, tag
from rmsnet.style.palette import class_looks, name_of

SURE = 0.5
"""Events of which the model is surer than not are shown."""


def text_page(title: str, sentence: str) -> str:
    """A sentence."""
    return page(title, [tag("p", sentence)])


def training_page(model: Path, name: str) -> str:
    """Losses and validation Average-mAP per epoch of a model folder."""
    from rmsnet.training.stage import plot_history

    history = plot_history(model / "history.csv")
    return page(f"Training of {name}", [picture("losses and validation Average-mAP per epoch", history)])


def matches_page(reports: Mapping[str, Path]) -> str:
    """The pages of several matches in one, each to be opened.

    Args:
        reports: file of each match's page, by its name.
    """
    return _matches(
        {
            name: tag("iframe", loading="lazy", srcdoc=report.read_text(encoding="utf-8"))
            for name, report in reports.items()
        },
        opened=len(reports) == 1,
    )


def events_page(events: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """The events of each match of which the model is surer than not.

    Args:
        events: rows of events.csv by match.
    """
    parts = {}
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
        parts[f"{name}: {len(rows)} events, {len(of_match) - len(rows)} less sure"] = table(rows)
    return _matches(parts, opened=True)


def _matches(parts: Mapping[str, Html], opened: bool) -> str:
    """A page with a part for each match, under its heading."""
    attributes = {"open": ""} if opened else {}
    body = [tag("details", tag("summary", heading), part, **attributes) for heading, part in parts.items()]
    return page(f"{len(parts)} match{'' if len(parts) == 1 else 'es'}", body)
