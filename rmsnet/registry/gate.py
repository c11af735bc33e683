"""The gate: may a challenger replace the champion? A list of checks, each with its reason, and one test.

Two scores on the same games differ by luck as well: a challenger that is exactly as good has the higher number half of
the time. How much the difference varies from one set of games to the next is its standard error, which a paired
bootstrap over games tells; the difference in standard errors is compared with Student's t, whose tail is the wider the
fewer games there are. That p-value must be at most the level of this question (`levels.py`). It is true where levels
are small, where a percentile of resamples is not, and where two equal models differ in kind, where swapping the two in
random games is not (docs/registry.md has the rates).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rmsnet.evaluation.bootstrap import resample
from rmsnet.evaluation.cells import Floats
from rmsnet.evaluation.metric import Judged
from rmsnet.features.games import Keys, UsedGames
from rmsnet.params import RegisterParams
from rmsnet.registry.levels import Level
from rmsnet.style.words import chance

RESAMPLES = 1000
"""B, how many corpora are drawn from the games, always the same ones."""

CONFIDENCE = 0.95
"""Of each one-sided bound that people read."""


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
        error: standard error of the difference.
        p_value: the chance of such a difference, or a larger one, between equal models.
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
    error: float
    p_value: float
    low: float
    high: float
    differences: Floats
    class_difference: Floats
    class_low: Floats
    class_high: Floats

    @property
    def difference(self) -> float:
        return self.challenger - self.champion

    @property
    def spread(self) -> float:
        """Standard deviation of the difference per game: what `error` would be on a single one."""
        return float(self.error * np.sqrt(self.games))


def duel(challenger: Judged, champion: Judged) -> Duel:
    """Two models on the same games, with the paired bootstrap over games.

    Args:
        challenger: its predictions, judged.
        champion: its predictions, judged against the same events of the same games.

    Raises:
        ValueError: not the same games and tolerances, or fewer than two games.
    """
    from scipy.special import stdtrit

    if challenger.games != champion.games or not np.array_equal(challenger.tolerances, champion.tolerances):
        raise ValueError("the two were not judged on the same games at the same tolerances")
    games, one, two = challenger.games, challenger.scores(), champion.scores()
    drawn_one, drawn_two = (resample(judged, RESAMPLES) for judged in (challenger, champion))
    differences = drawn_one.average_map - drawn_two.average_map
    difference, error = one.average_map - two.average_map, standard_errors(differences, games)
    class_difference = one.per_class - two.per_class
    class_error = standard_errors(drawn_one.per_class - drawn_two.per_class, games)
    width = stdtrit(games - 1, CONFIDENCE)  # Student's t: `scipy.stats` gives the same, a second later
    return Duel(
        games,
        one.average_map,
        two.average_map,
        float(error),
        float(p_values(np.asarray(difference), error, games)),
        float(difference - width * error),
        float(difference + width * error),
        differences,
        class_difference,
        class_difference - width * class_error,
        class_difference + width * class_error,
    )


def standard_errors(differences: Floats, games: int) -> Floats:
    """(…) of the differences on all games, from those of (B, …) resampled corpora.

    Drawn from `games` games, a resample varies by less than new games would, as a variance that divides by n does.
    """
    return np.asarray(differences.std(axis=0, ddof=1) * np.sqrt(games / (games - 1)))


def p_values(difference: Floats, error: Floats, games: int) -> Floats:
    """(…) the one-sided p-values of differences with these standard errors; 1 where nothing varies."""
    from scipy.special import stdtr

    varies = error > 0
    return np.where(varies, stdtr(games - 1, -difference / np.where(varies, error, 1)), 1.0)


def statistical_checks(duel: Duel, classes: Sequence[str], level: Level, params: RegisterParams) -> list[Condition]:
    """What the numbers must say for the challenger to replace the champion at this level."""
    fallen = [
        f"{name} by {-100 * difference:.1f} (at least {-100 * high:.1f})"
        for name, difference, high in zip(classes, duel.class_difference, duel.class_high, strict=True)
        if high < -params.class_allowance
    ]
    lowest = int(np.argmin(duel.class_difference))
    fall = f"the lowest difference is {100 * duel.class_difference[lowest]:+.1f} ({classes[lowest]})"
    return [
        Condition(
            "better beyond doubt",
            duel.p_value <= level.value,
            f"difference {100 * duel.difference:+.2f}, {100 * CONFIDENCE:g} % lower bound {100 * duel.low:+.2f}; equal "
            f"models show as much in {chance(duel.p_value)} of cases, question {level.questions + 1} may err in "
            f"{chance(level.value)}",
        ),
        Condition(
            "no class falls",
            not fallen,
            f"with significance by more than {100 * params.class_allowance:g}: {'; '.join(fallen) or f'none, {fall}'}",
        ),
    ]


def games_check(games: int, params: RegisterParams) -> Condition:
    return Condition(
        "enough games",
        games >= params.minimum_games,
        f"{games} games decide; {params.minimum_games} are needed for an interval to be trusted",
    )


def used_games_checks(
    games: Sequence[Keys], challenger: UsedGames | None, champion: UsedGames | None, challenged: bool
) -> list[Condition]:
    """Whether neither model knows the games that decide.

    Args:
        games: the keys of each of them.
        challenger: what it has used; None: nobody recorded it.
        champion: likewise; one of an older version, of which nobody recorded it, can only gain by it.
        challenged: whether there is a champion to replace.
    """
    learned, chosen = "never learned from these games", "never chosen by these games"
    if challenger is None:
        unknown = "nobody recorded which games it learned from: train it again, or force it (--force --reason WHY)"
        return [Condition(learned, False, unknown)]

    def check(name: str, uses: Sequence[tuple[str, Keys]]) -> Condition:
        known = [(who, sum(bool(keys & used) for keys in games)) for who, used in uses]
        told = [f"{who} has used {count} of these {len(games)} games" for who, count in known if count]
        advice = "the gate asks on games that have no other role (rmsnet data split)"
        return Condition(name, not told, f"{'; '.join(told)}: {advice}" if told else f"none of {len(games)}")

    uses = [("the challenger", challenger), *([("the champion", champion)] if champion else [])]
    checks = [check(learned, [(who, used.learned) for who, used in uses])]
    return [*checks, check(chosen, [(who, used.chosen) for who, used in uses])] if challenged else checks


def too_few_games(split: str, games: int, minimum_games: int) -> str | None:
    """What to know before a training on data whose deciding split has so few games; None where there are enough."""
    if games >= minimum_games:
        return None
    return (
        f"the {split} split has {games} game{'' if games == 1 else 's'} and a champion is replaced on "
        f"{minimum_games} at least: a first model becomes champion when it is above the floor, none after it will "
        "(register.minimum_games)"
    )


def floor_check(score: float, params: RegisterParams) -> Condition:
    return Condition(
        "above the floor",
        score >= params.floor,
        f"Average-mAP {100 * score:.2f}, at least {100 * params.floor:g} is asked of any champion",
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
