"""Pages for Kubeflow's UI that no stage writes itself: self-contained, no network."""

import base64
import html
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

SURE = 0.5
"""Events of which the model is surer than not are shown."""

_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;margin:1.5em;color:#222}td,th{padding:.2em 1em .2em 0;text-align:left}"
    "iframe{width:100%;height:80vh;border:1px solid #ccc}summary{cursor:pointer;padding:.4em 0}"
)


def _page(title: str, body: str) -> str:
    title = html.escape(title)
    return (
        f'<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style>'
        f"<h1>{title}</h1>{body}</html>\n"
    )


def text_page(title: str, text: str) -> str:
    """A sentence."""
    return _page(title, f"<p>{html.escape(text)}</p>")


def training_page(model: Path, name: str) -> str:
    """Losses and validation Average-mAP per epoch of a model folder."""
    from rmsnet.training.stage import plot_history

    with TemporaryDirectory() as folder:
        picture = Path(folder) / "history.png"
        plot_history(model / "history.csv", picture)
        data = base64.b64encode(picture.read_bytes()).decode()
    image = f'<img alt="losses and validation Average-mAP per epoch" src="data:image/png;base64,{data}">'
    return _page(f"Training of {name}", image)


def matches_page(reports: Mapping[str, Path]) -> str:
    """The pages of several matches in one, each to be opened.

    Args:
        reports: file of each match's page, by its name.
    """
    parts = [
        f"<details{' open' if len(reports) == 1 else ''}><summary>{html.escape(name)}</summary>"
        f'<iframe loading="lazy" srcdoc="{html.escape(report.read_text(encoding="utf-8"))}"></iframe></details>'
        for name, report in reports.items()
    ]
    return _page(f"{len(reports)} match{'' if len(reports) == 1 else 'es'}", "\n".join(parts))


def events_page(events: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """The events of each match of which the model is surer than not.

    Args:
        events: rows of events.csv by match.
    """
    parts = []
    for name, of_match in events.items():
        sure = [event for event in of_match if float(event["confidence"]) >= SURE]
        rows = "".join(
            f"<tr><td>{html.escape(event['minute'])}</td><td>{html.escape(event['label'])}</td>"
            f"<td>{100 * float(event['confidence']):.0f} %</td></tr>"
            for event in sure
        )
        heading = f"{html.escape(name)}: {len(sure)} events, {len(of_match) - len(sure)} less sure"
        parts.append(f"<details open><summary>{heading}</summary><table>{rows}</table></details>")
    return _page(f"{len(events)} match{'' if len(events) == 1 else 'es'}", "\n".join(parts))
