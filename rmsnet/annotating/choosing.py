"""Which moments are worth a look: where models are unsure and disagree, every class in its turn.

Several models that were trained apart are asked the same. Where their mean is near one half nobody is sure (its
entropy); where each is sure of something else, more labels would settle it (the part of that entropy that is not the
members' own: Houlsby et al., Bayesian Active Learning for Classification, 2011). Both count, in bits. Ranked by that
alone the moments would be those of the most usual class, so that the classes choose in turn.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Scored:
    """What models say of a period of a match.

    Attributes:
        match: its place among the matches.
        half: number of the period.
        seconds: (N,) of the moments that were scored, from the start of the period.
        probability: (M, N, C) of each class by each of M models; what is left to 1 is background.
    """

    match: int
    half: int
    seconds: Floats
    probability: Floats


@dataclass(frozen=True)
class Moment:
    """A moment that is worth a look.

    Attributes:
        match: its place among the matches.
        half: number of the period.
        seconds: from its start.
        label: the class that chose it.
        probability: of that class, the mean over the models.
        uncertainty: entropy of that mean, in bits.
        disagreement: the part of it that the models are not unsure of by themselves, in bits; 0 of a single model.
    """

    match: int
    half: int
    seconds: float
    label: int
    probability: float
    uncertainty: float
    disagreement: float

    @property
    def worth(self) -> float:
        return self.uncertainty + self.disagreement


def doubt(probability: Floats) -> tuple[Floats, Floats]:
    """How unsure models are of each class, and how much of that is that they disagree.

    Args:
        probability: (M, N, C).

    Returns:
        (N, C) uncertainty and (N, C) disagreement, in bits; the second is part of the first.
    """
    uncertainty = _entropy(probability.mean(axis=0))
    return uncertainty, np.maximum(uncertainty - _entropy(probability).mean(axis=0), 0.0)


def _entropy(probability: Floats) -> Floats:
    """Of yes or no, in bits."""
    p = np.clip(probability, 1e-12, 1 - 1e-12)
    return np.asarray(-(p * np.log2(p) + (1 - p) * np.log2(1 - p)))


def peaks(part: Scored, clip_seconds: float) -> npt.NDArray[np.bool_]:
    """(N, C) where a class is likelier than in all clips that show the same.

    A clip that an event is just leaving is always unsure of it, however sure the clip before it was.
    """
    mean, at = part.probability.mean(axis=0), part.seconds
    highest = mean.copy()
    for shift in range(1, len(at)):
        near = np.abs(at[shift:] - at[:-shift]) < clip_seconds
        if not near.any():
            break
        earlier = np.where(near[:, None], mean[:-shift], 0.0)
        later = np.where(near[:, None], mean[shift:], 0.0)
        np.maximum(highest[shift:], earlier, out=highest[shift:])
        np.maximum(highest[:-shift], later, out=highest[:-shift])
    return np.asarray(mean >= highest)


def choose_moments(
    scored: Sequence[Scored], count: int, apart_seconds: float, clip_seconds: float = 0.0
) -> list[Moment]:
    """The moments that are most worth a look, the classes in turn, the most doubtful of each first.

    What is unsure only because a surer clip lies beside it comes after all else.

    Args:
        scored: periods, all by the same models and of the same classes.
        count: how many at most.
        apart_seconds: between two of a period, at least: who looks at one sees what is nearer.
        clip_seconds: nearer than this two clips may show the same event.

    Returns:
        In the order in which they were chosen.
    """
    if not scored:
        return []
    probability = np.concatenate([part.probability for part in scored], axis=1)  # (M, N, C)
    part_of = np.repeat(np.arange(len(scored)), [len(part.seconds) for part in scored])
    seconds = np.concatenate([part.seconds for part in scored])
    uncertainty, disagreement = doubt(probability)
    worth = (uncertainty + disagreement) * np.concatenate([peaks(part, clip_seconds) for part in scored])
    queues = [iter(order) for order in np.argsort(-worth, axis=0, kind="stable").T.tolist()]
    free = np.ones(len(seconds), bool)
    chosen: list[Moment] = []
    while len(chosen) < count and free.any():
        for label, queue in enumerate(queues):
            place = next((place for place in queue if free[place]), None)
            if place is None or len(chosen) == count:
                break
            part = scored[part_of[place]]
            free &= (part_of != part_of[place]) | (np.abs(seconds - seconds[place]) >= apart_seconds)
            chosen.append(
                Moment(
                    part.match,
                    part.half,
                    float(seconds[place]),
                    label,
                    float(probability[:, place, label].mean()),
                    float(uncertainty[place, label]),
                    float(disagreement[place, label]),
                )
            )
    return chosen


def by_match(moments: Sequence[Moment]) -> dict[int, list[Moment]]:
    """The moments of each match in order of time, the match with the most doubt first."""
    matches: dict[int, list[Moment]] = {}
    for moment in moments:
        matches.setdefault(moment.match, []).append(moment)
    order = sorted(matches, key=lambda match: (-sum(moment.worth for moment in matches[match]), match))
    return {match: sorted(matches[match], key=lambda moment: (moment.half, moment.seconds)) for match in order}
