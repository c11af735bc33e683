"""One set of predictions judged on one set of games: everything that tables, plots and pages are made of."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from rmsnet.dataset.ball_actions import TEAM_CLASSES
from rmsnet.dataset.periods import HALVES, Period
from rmsnet.dataset.suggested import Suggested
from rmsnet.errors import UserError
from rmsnet.evaluation.bootstrap import Resampled, interval, resample
from rmsnet.evaluation.cells import Floats
from rmsnet.evaluation.metric import LOOSE, TIGHT, Judged, Protocol, Scores, judge
from rmsnet.evaluation.team import TeamScore, team_score
from rmsnet.spots import Predictions, Truth
from rmsnet.style.palette import name_of

NAMED_TOLERANCES: dict[str, tuple[float, ...]] = {
    "loose": LOOSE,
    "tight": TIGHT,
    **{f"at{seconds}": (seconds,) for seconds in TIGHT},
}


@dataclass(frozen=True)
class Corpus:
    """What predictions are judged against.

    Attributes:
        dataset: its name.
        split: name of the split.
        halves: game and number (1 or 2) of each half that `truth.half` numbers.
        classes: class names.
        truth: the events.
        frame_rate: of the grid on which times are compared, frames per second.
        simulated: whether the games are made up.
        knows_visibility: whether the annotations say which events were shown.
        suggested: the events that a model had suggested.
        periods: of a match; they say how its times are said.
        looks: what the dataset says of how its classes are shown, see `rmsnet.style.palette.Said`.
    """

    dataset: str
    split: str
    halves: tuple[tuple[str, int], ...]
    classes: tuple[str, ...]
    truth: Truth
    frame_rate: float
    simulated: bool
    knows_visibility: bool
    suggested: Suggested = Suggested()  # noqa: RUF009  # immutable
    periods: tuple[Period, ...] = HALVES
    looks: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        """What people read for the classes."""
        return [name_of(label, self.looks) for label in self.classes]

    @property
    def games(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(game for game, _ in self.halves))


@dataclass(frozen=True)
class Assessment:
    """Predictions, judged.

    Attributes:
        name: of the predictions.
        corpus: what they were judged against.
        protocol: how.
        predictions: themselves.
        missing: games without predictions that were taken for empty.
        judged: the matched predictions.
        scores: of all games.
        resampled: scores of resampled games; None where no interval was asked for or there is only one game.
    """

    name: str
    corpus: Corpus
    protocol: Protocol
    predictions: Predictions
    missing: tuple[str, ...]
    judged: Judged
    scores: Scores
    resampled: Resampled | None

    def interval(self) -> Floats | None:
        """(2,) the 95 % interval of Average-mAP."""
        return None if self.resampled is None else interval(self.resampled.average_map)

    def team(self) -> TeamScore | None:
        """Team mAP, where the classes are those of ball actions by team."""
        if self.corpus.classes != TEAM_CLASSES:
            return None
        return team_score(self.scores, self.corpus.truth, self.corpus.frame_rate)

    def metrics(self) -> dict[str, Any]:
        """The content of metrics.json."""
        ends, team = self.interval(), self.team()
        suggested, events = self.corpus.suggested, len(self.corpus.truth.label)
        return {
            "name": self.name,
            "dataset": self.corpus.dataset,
            "simulated": self.corpus.simulated,
            "split": self.corpus.split,
            "protocol": self.protocol,
            "tolerances": self.scores.tolerances.tolist(),
            "average_map": self.scores.average_map,
            "ci95": None if ends is None else ends.tolist(),
            "per_class": dict(zip(self.corpus.classes, self.scores.per_class.tolist(), strict=True)),
            "map_by_tolerance": self.scores.map_by_tolerance.tolist(),
            "visible": self.scores.visible.average_map if self._sees and self.scores.visible else None,
            "unshown": self.scores.unshown.average_map if self._sees and self.scores.unshown else None,
            "games": len(self.corpus.games),
            "missing_games": list(self.missing),
            "frame_rate": self.corpus.frame_rate,
            **({"labels_suggested": {**asdict(suggested), "of": events}} if suggested.events else {}),
            **({} if team is None else {"team_map": team.team_map, "team_map_per_action": team.per_action}),
        }

    def suggested(self) -> str:
        """Which of the labels a model had suggested, in a sentence; "" none."""
        return self.corpus.suggested.told(len(self.corpus.truth.label))

    @property
    def _sees(self) -> bool:
        return self.corpus.knows_visibility


def assess(
    name: str,
    corpus: Corpus,
    predictions: Predictions,
    *,
    tolerances: Sequence[float] = LOOSE,
    protocol: Protocol = "devkit",
    resamples: int = 1000,
    missing: Sequence[str] = (),
) -> Assessment:
    """Judge predictions; `resamples` of the games give the intervals, 0 none."""
    number = {game: index for index, game in enumerate(corpus.games)}
    judged = judge(
        corpus.truth,
        predictions,
        game_of_half=np.array([number[game] for game, _ in corpus.halves], np.int64),
        classes=len(corpus.classes),
        frame_rate=corpus.frame_rate,
        tolerances=tolerances,
        protocol=protocol,
    )
    resampled = resample(judged, resamples) if resamples and judged.games > 1 else None
    return Assessment(name, corpus, protocol, predictions, tuple(missing), judged, judged.scores(), resampled)


def parse_tolerances(text: str) -> tuple[float, ...]:
    """Seconds from "loose", "tight", "at1" … "at5" or a list such as "5,10,15".

    Raises:
        UserError: something else, or a list that does not ascend.
    """
    if text in NAMED_TOLERANCES:
        return NAMED_TOLERANCES[text]
    try:
        tolerances = tuple(float(part) for part in text.split(","))
    except ValueError:
        tolerances = ()
    if not tolerances or list(tolerances) != sorted(set(tolerances)) or not 0 < tolerances[0] <= tolerances[-1] < 7200:
        raise UserError(
            f"tolerances {text!r}: write loose, tight, at1 … at5, or ascending seconds such as 5,10,15 (below 7200)"
        )
    return tolerances
