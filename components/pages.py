"""Pages for Kubeflow's UI that no stage writes itself: self-contained, no network."""

import base64
import html
from pathlib import Path
from tempfile import TemporaryDirectory


def training_page(model: Path, name: str) -> str:
    """Losses and validation Average-mAP per epoch of a model folder, as one HTML page."""
    from rmsnet.training_stage import plot_history

    with TemporaryDirectory() as folder:
        picture = Path(folder) / "history.png"
        plot_history(model / "history.csv", picture)
        data = base64.b64encode(picture.read_bytes()).decode()
    title = html.escape(f"Training of {name}")
    return (
        f'<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>{title}</title><h1>{title}</h1>'
        f'<img alt="losses and validation Average-mAP per epoch" src="data:image/png;base64,{data}"></html>\n'
    )
