"""A league of one's own: games with features, labels and lists, small enough to be made for every test."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rmsnet.dataset.soccernet import split_file
from tests.matches.builders import FEATURES, SECONDS, WIDTH

LABELS = (("1 - 00:10", "soccer-ball"), ("1 - 00:40", "y-card"), ("2 - 00:25", "substitution-in"))
SET_FEATURES = ("--set", f"extract.features={FEATURES}")


def game(number: int, home: str = "Home", away: str = "Guests") -> str:
    return f"own_league/2024-2025/2024-08-{10 + number} - 19-00 {home} 1 - 0 {away}"


GAMES = {"train": [game(0), game(1)], "valid": [game(2)], "test": [game(3)]}


def write_league(root: Path, games: Mapping[str, Sequence[str]] | None = None) -> Path:
    """A dataset of games with features and labels that passes every check."""
    for split, names in (GAMES if games is None else games).items():
        for name in names:
            write_game(root / name, name, seed=sum(name.encode()))
        write_json(root / split_file(split), names)
    write_json(root / "dataset.json", {"name": "Own league", "simulated": True})
    return root


def write_game(folder: Path, name: str, labels: Sequence[tuple[str, str]] = LABELS, seed: int = 0) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for half in (1, 2):
        rows = np.random.default_rng([seed, half]).normal(size=(2 * SECONDS, WIDTH)).astype(np.float32)
        np.save(folder / f"{half}_{FEATURES}.npy", rows)
    write_labels(folder, name, labels)


def write_labels(folder: Path, name: str, labels: Sequence[tuple[str, str]] = LABELS) -> None:
    rows = [{"gameTime": time, "label": label, "team": "home"} for time, label in labels]
    write_json(folder / "Labels.json", {"UrlLocal": f"{name}/", "annotations": rows})


def predictions(name: str, times_ms: Sequence[int] = (10_000, 40_000)) -> dict[str, Any]:
    rows = [
        {
            "gameTime": f"1 - 00:{time // 1000}",
            "label": "soccer",
            "position": str(time),
            "half": "1",
            "confidence": "0.9",
        }
        for time in times_ms
    ]
    return {"UrlLocal": name, "predictions": rows}


def write_predictions(folder: Path, games: Sequence[str]) -> Path:
    for name in games:
        write_json(folder / name / "results_spotting.json", predictions(name))
    return folder


def write_json(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")


def spoil(path: Path, row: int, value: float, kind: str = "f4") -> None:
    """Put a value into a row of a feature file."""
    rows = np.load(path).astype(kind)
    rows[row, 3] = value
    np.save(path, rows)


def everything(folder: Path) -> dict[str, bytes]:
    """What lies in a folder, to say that nothing was written."""
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
