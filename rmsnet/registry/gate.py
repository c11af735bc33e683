"""The gate: may a challenger replace the champion? A list of checks, each with its reason, and one paired bootstrap.

Two scores on the same games differ by luck as well: a challenger that is exactly as good has the higher number half of
the time. So games are drawn again with replacement, both models are scored on every draw, and the difference has to
stay above the margin in all but one minus `confidence` of the draws. With few games the percentile bootstrap is too
sure of itself; the quantile is widened as Student's t is against the normal distribution (Hesterberg, What Teachers
Should Know about the Bootstrap, 2015, "expanded percentile").
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from rmsnet.evaluation.bootstrap import resample
from rmsnet.evaluation.metric import Judged
from rmsnet.params import RegisterParams

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Condition:
    """One condition of a promotion.

    Attributes:
        name: what is asked.
        passed: the answer.
        detail: the numbers behind it, in a phrase.
    """

    name: str
    passed: bool
    detail: str


@dataclass(frozen=True)
class Duel:
    """Two models on the same games: challenger minus champion, scores in [0, 1].

    Attributes:
        games: how many.
        challenger: Average-mAP.
        champion: Average-mAP.
        low: lower confidence bound of the difference, one-sided.
        high: upper confidence bound, one-sided.
        differences: (B,) of the resampled corpora.
        class_difference: (C,) of each class's mean average precision.
        class_low: (C,) its lower bound.
        class_high: (C,) its upper bound.
    """

    games: int
    challenger: float
    champion: float
    low: float
    high: float
    differences: Floats
    class_difference: Floats
    class_low: Floats
    class_high: Floats

    @property
    def difference(self) -> float:
        return self.challenger - self.champion


def duel(challenger: Judged, champion: Judged, confidence: float = 0.95, resamples: int = 1000, seed: int = 0) -> Duel:
    """The paired bootstrap over games.

    Args:
        challenger: its predictions, judged.
        champion: its predictions, judged against the same events of the same games.
        confidence: of each one-sided bound.
        resamples: B, how many corpora are drawn.
        seed: of the draws.

    Raises:
        ValueError: not the same games and tolerances, or fewer than two games.
    """
    if challenger.games != champion.games or not np.array_equal(challenger.tolerances, champion.tolerances):
        raise ValueError("the two were not judged on the same games at the same tolerances")
    one, two = challenger.scores(), champion.scores()
    drawn_one, drawn_two = (resample(judged, resamples, seed) for judged in (challenger, champion))
    tail = tail_share(challenger.games, confidence)
    differences = drawn_one.average_map - drawn_two.average_map
    low, high = np.quantile(differences, [tail, 1 - tail])
    class_low, class_high = np.quantile(drawn_one.per_class - drawn_two.per_class, [tail, 1 - tail], axis=0)
    return Duel(
        challenger.games,
        one.average_map,
        two.average_map,
        float(low),
        float(high),
        differences,
        one.per_class - two.per_class,
        class_low,
        class_high,
    )


def tail_share(games: int, confidence: float) -> float:
    """The share of resamples that lies beyond a bound of this confidence; 1 - confidence for many games."""
    from scipy.stats import norm, t

    return float(norm.cdf(-math.sqrt(games / (games - 1)) * t.ppf(confidence, games - 1)))


def statistical_checks(duel: Duel, classes: Sequence[str], params: RegisterParams) -> list[Condition]:
    """What the numbers must say for the challenger to replace the champion."""
    percent = 100 * params.confidence
    fallen = [
        f"{name} by {-100 * difference:.1f} (at least {-100 * high:.1f})"
        for name, difference, high in zip(classes, duel.class_difference, duel.class_high, strict=True)
        if high < -params.class_allowance
    ]
    lowest = int(np.argmin(duel.class_difference))
    fall = f"the lowest difference is {100 * duel.class_difference[lowest]:+.1f} ({classes[lowest]})"
    return [
        Condition(
            "enough games",
            duel.games >= params.minimum_games,
            f"both scored on the same {duel.games} games; {params.minimum_games} are needed for an interval to be "
            "trusted",
        ),
        Condition(
            "better beyond doubt",
            duel.low > params.margin,
            f"difference {100 * duel.difference:+.2f}, {percent:g} % lower bound {100 * duel.low:+.2f}, "
            f"must be above {100 * params.margin:+.2f}",
        ),
        Condition(
            "no class falls",
            not fallen,
            f"with significance by more than {100 * params.class_allowance:g}: {'; '.join(fallen) or f'none, {fall}'}",
        ),
    ]


def too_few_games(games: int, minimum_games: int) -> str | None:
    """What to know before a training on data with so few validation games; None where there are enough."""
    if games >= minimum_games:
        return None
    return (
        f"the validation split has {games} game{'' if games == 1 else 's'} and a champion is replaced on "
        f"{minimum_games} at least: a first model becomes champion when it is above the floor, none after it will "
        "(register.minimum_games)"
    )


def floor_check(score: float, params: RegisterParams) -> Condition:
    return Condition(
        "above the floor",
        score >= params.floor,
        f"valid Average-mAP {100 * score:.2f}, at least {100 * params.floor:g} is asked of any champion",
    )


def validation_check(
    report: Mapping[str, Any] | None, dataset: str, dvc_md5: str | None, content: Mapping[str, str | None]
) -> Condition:
    """Whether the data passed their validation, and the report is one of these data: of their content, not their name.

    Args:
        report: the content of validation.json; None: there is none.
        dataset: name of the dataset the challenger learned from.
        dvc_md5: DVC's hash of it, None where it was not known.
        content: hash of what it learned from ("train") and is judged on ("valid"); None where it was not known.
    """
    name = "data validated"
    if report is None:
        return Condition(
            name, False, "no validation report was given (rmsnet validate … --out DIR, then --validation DIR)"
        )
    verdict = str(report.get("verdict"))
    if report.get("dataset") != dataset:
        return Condition(
            name, False, f"the report is about {report.get('dataset')!r}, the model has learned from {dataset!r}"
        )
    hashes = (report.get("dvc_md5"), dvc_md5)
    if None not in hashes and hashes[0] != hashes[1]:
        return Condition(
            name, False, f"the report is about another state of the data (DVC {hashes[0]}, not {hashes[1]})"
        )
    checked = report.get("content") or {}
    for split, digest in content.items():
        if None not in (digest, checked.get(split)) and digest != checked[split]:
            return Condition(
                name, False, f"the report is about other games, labels or features than the {split} split here"
            )
    if verdict.startswith("passed") and None in (content.get("train"), checked.get("train")) and None in hashes:
        return Condition(
            name,
            False,
            "neither contents nor DVC hashes say that the report is about these data; run rmsnet validate again, and "
            "extract and train again where the frame banks are of an older version",
        )
    return Condition(name, verdict.startswith("passed"), str(report.get("summary", verdict)))
