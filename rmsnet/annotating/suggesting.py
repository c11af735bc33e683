"""What a model says of a match: events to accept or refuse, and the votes behind them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from rmsnet.annotating.games import Game
from rmsnet.dataset.feature_files import open_features
from rmsnet.dataset.game_videos import footage_of
from rmsnet.dataset.kick_offs import rows_of
from rmsnet.dataset.labels import LABELS, V1_CLASSES, event_class
from rmsnet.errors import UserError
from rmsnet.matches.match import Match, MatchHalf
from rmsnet.matches.one_match import score_match
from rmsnet.matches.reading import reader_of
from rmsnet.network.onnx_model import load_spotter
from rmsnet.network.spotting_model import SpottingModel
from rmsnet.spotting.thresholds import by_class, learned_thresholds
from rmsnet.tracking import find_model
from rmsnet.video.files import file_of

LEAST = 0.1
"""What a model is less sure of is no suggestion."""

HASH_CHARACTERS = 12
"""Of a weights hash, enough to know a model by."""


@dataclass(frozen=True)
class Suggester:
    """A model that suggests.

    Attributes:
        folder: of the model.
        spotter: the model.
        least: confidence of each class from which on its events are told.
        device: where it computes.
    """

    folder: Path
    spotter: SpottingModel
    least: Mapping[str, float]
    device: str

    @property
    def known_by(self) -> str:
        """What labels say they were suggested by."""
        return str(self.spotter.config["weights_hash"])[:HASH_CHARACTERS]

    @property
    def features(self) -> str:
        return str(self.spotter.config["features"]["name"])


def open_suggester(model: str, device: str = "auto") -> Suggester:
    """The model behind a folder or an MLflow URI.

    Raises:
        UserError: there is none.
    """
    folder = find_model(model)
    spotter = load_spotter(folder, device)
    learned = learned_thresholds(folder, spotter.classes)
    least = np.full(len(spotter.classes), 0.5) if learned is None else learned
    return Suggester(folder, spotter, by_class(least, spotter.classes), device)


def labels_of_classes(model_classes: Sequence[str], labels: Sequence[str], where: str) -> dict[str, str]:
    """The label that an event of each class of a model gets.

    A model of SoccerNet's three classes suggests the most usual label of each: "card" becomes "y-card".

    Raises:
        UserError: a class that these labels do not have.
    """
    found = {}
    for name in model_classes:
        if name in labels:
            found[name] = name
        elif tuple(model_classes) == V1_CLASSES and set(labels) <= LABELS["v1"]:
            usual = ("y-card", "substitution-in", "soccer-ball")
            found[name] = next(label for label in usual if event_class(label, "v1") == name)
        else:
            listed = ", ".join(labels[:4]) + (", …" if len(labels) > 4 else "")
            raise UserError(
                f"--model: spots {name!r}, which is no class of {where} ({listed}); take a model of these classes, or "
                "labels of its own (--labels, --classes)"
            )
    return found


def suggest(suggester: Suggester, game: Game, labels: Sequence[str], kick_offs: Sequence[float]) -> dict[str, Any]:
    """Spot a match.

    Args:
        suggester: the model.
        game: the match.
        labels: its classes.
        kick_offs: see `edits.State`.

    Returns:
        events (half, position_ms, label, confidence, in order of time), votes and what it takes to draw them.

    Raises:
        UserError: features or a video that cannot be read, or a model of other classes.
    """
    spotter = suggester.spotter
    names = labels_of_classes(spotter.classes, labels, game.name)
    read = reader_of(spotter, suggester.folder, suggester.device, False)
    scored = score_match(match_of(game, suggester.features, kick_offs), game.kept, read, spotter, spotter.spot)
    bank, found = scored.bank, scored.predictions
    events = []
    for row in np.flatnonzero(found.confidence >= LEAST):
        half = bank.halves[int(found.half[row])].half
        position_ms = int(found.position_ms[row])
        if position_ms >= 0:
            name = bank.classes[int(found.label[row])]
            events.append(
                {
                    "half": half,
                    "position_ms": position_ms,
                    "label": names[name],
                    "confidence": round(float(found.confidence[row]), 4),
                }
            )
    votes: dict[str, list[list[int]]] = {label: [] for label in names.values()}
    for number, name in enumerate(bank.classes):
        for rows in bank.halves:
            of_half = scored.votes[number][rows.first_frame : rows.first_frame + rows.frames]
            frames = np.flatnonzero(of_half)
            votes[names[name]].append(np.stack([frames, of_half[frames]], axis=1).flatten().tolist())
    return {
        "by": suggester.known_by,
        "model": str(spotter.config["name"]),
        "least": {names[name]: suggester.least[name] for name in spotter.classes},
        "events": events,
        "votes": votes,
        "halves": [rows.half for rows in bank.halves],
        "most_votes": spotter.clip_frames,
        "frame_rate": bank.frame_rate,
        "first_frame_seconds": bank.first_frame_seconds,
        "warnings": [*scored.warnings, *scored.drifted],
    }


def match_of(game: Game, features: str, kick_offs: Sequence[float]) -> Match:
    """The match as a model reads it, each half from its kick-off on.

    Args:
        game: the match.
        features: the kind that the model reads.
        kick_offs: see `edits.State`.
    """
    return Match(game.name, tuple(_placed(half, game, features, kick_offs) for half in game.halves))


def _placed(half: MatchHalf, game: Game, features: str, kick_offs: Sequence[float]) -> MatchHalf:
    """The half from its kick-off on, in its videos and in its feature file."""
    if not kick_offs:
        return half
    rows, description = half.rows, game.description
    if half.features is not None:
        count, kind = len(open_features(half.features)), description.kind(features)
        rows = rows_of(half.number, kick_offs, count, kind, description, str(half.features))
    videos = tuple(footage_of(file_of(video), half.number, kick_offs, description) for video in half.videos)
    return replace(half, videos=videos, rows=rows)
