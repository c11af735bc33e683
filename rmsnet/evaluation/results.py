"""Predictions written as SoccerNet's results_spotting.json."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rmsnet.documents import read_document, structured
from rmsnet.files import write_json
from rmsnet.spots import Predictions

RESULTS = "results_spotting.json"
METRICS = "metrics.json"


def write_predictions(
    folder: Path, halves: Sequence[tuple[str, int]], predictions: Predictions, classes: Sequence[str]
) -> None:
    """Write predictions as SoccerNet's results_spotting.json, a file per game, also for games without any.

    Args:
        folder: gets <game>/results_spotting.json.
        halves: game and number (1 or 2) of each half that `predictions.half` numbers.
        predictions: what to write.
        classes: names that `predictions.label` numbers.
    """
    for game, document in results_of(halves, predictions, classes).items():
        write_json(folder / game / RESULTS, document)


@dataclass(frozen=True)
class _Metrics:
    """What is read of every metrics.json of an evaluation."""

    average_map: float
    ci95: tuple[float, float] | None = None
    tolerances: list[float] | None = None
    games: int | None = None
    simulated: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.average_map <= 1:
            raise ValueError(f"average_map: {self.average_map} does not lie in [0, 1]")


def read_metrics(folder: Path) -> dict[str, Any]:
    """The metrics.json of an evaluation.

    Raises:
        UserError: there is none, or it is none.
    """
    again = "run rmsnet evaluate again"
    metrics = read_document(folder / METRICS, dict[str, Any], advice=again)
    structured(metrics, _Metrics, str(folder / METRICS), again)
    return metrics


def results_of(
    halves: Sequence[tuple[str, int]], predictions: Predictions, classes: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """What results_spotting.json holds for each game; arguments as of `write_predictions`."""
    rows: dict[str, list[dict[str, str]]] = {game: [] for game, _ in halves}
    columns = (predictions.half, predictions.position_ms, predictions.label, predictions.confidence)
    for half_number, position_ms, label, confidence in zip(*(column.tolist() for column in columns), strict=True):
        game, half = halves[half_number]
        seconds = position_ms // 1000
        rows[game].append(
            {
                "gameTime": f"{half} - {seconds // 60:02d}:{seconds % 60:02d}",
                "label": classes[label],
                "position": str(position_ms),
                "half": str(half),
                "confidence": repr(confidence),
            }
        )
    return {game: {"UrlLocal": game, "predictions": listed} for game, listed in rows.items()}
