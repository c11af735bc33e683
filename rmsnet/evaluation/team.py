"""Team mAP: ball actions by who does them, each side's average precision weighed by how often it acts.

Source: util/score.py and util/eval.py of SoccerNet/sn-teamspotting (2025), whose numbers these are.
"""

from dataclasses import dataclass

import numpy as np

from rmsnet.dataset.ball_actions import BALL_CLASSES, SIDES, TEAM_CLASSES
from rmsnet.evaluation.cells import Floats, Grid, events_on
from rmsnet.evaluation.metric import Score
from rmsnet.spots import Truth


@dataclass(frozen=True)
class TeamScore:
    """Average precisions of actions, both sides together, in [0, 1].

    Attributes:
        team_map: mean over the actions that have a weight; 0 where none has. The source gives no number unless all do.
        per_action: of each action; None without a weight.
    """

    team_map: float
    per_action: dict[str, float | None]


def team_score(score: Score, truth: Truth, frame_rate: float) -> TeamScore:
    """Join the sides of each action.

    Args:
        score: of `TEAM_CLASSES`.
        truth: the events, labels in the order of `TEAM_CLASSES`.
        frame_rate: of the grid on which times are compared, frames per second.
    """
    grid = Grid(int(truth.half.max(initial=0)) + 1, len(TEAM_CLASSES), frame_rate)
    weight = _weights(grid, truth).reshape(-1, len(SIDES))
    weighted = (score.per_class.reshape(-1, len(SIDES)) * weight).sum(axis=1)
    total = weight.sum(axis=1)
    counts = total != 0
    ap = np.divide(weighted, total, out=np.zeros(len(total)), where=counts)
    mean = float(ap[counts].mean()) if counts.any() else 0.0
    of_actions = [value if has else None for value, has in zip(ap.tolist(), counts.tolist(), strict=True)]
    return TeamScore(mean, dict(zip(BALL_CLASSES, of_actions, strict=True)))


def _weights(grid: Grid, truth: Truth) -> Floats:
    """(C,) events of each class on the grid; as in the source, one that was not shown counts as -1."""
    cell, visible = events_on(grid, truth)
    return np.asarray(np.bincount(grid.label_of(cell), np.where(visible, 1, -1), minlength=grid.classes), np.float64)
