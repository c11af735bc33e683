"""Two sets of predictions on the same games, looked at closely: at each tolerance and class, and game by game."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rmsnet.evaluation.assessment import Assessment
from rmsnet.evaluation.bootstrap import interval
from rmsnet.evaluation.cells import Floats
from rmsnet.evaluation.metric import over_tolerances
from rmsnet.evaluation.plots import name_sets, note_of
from rmsnet.style.palette import QUIET, apart
from rmsnet.style.plot import Drawing, draw_line, drawing, small_multiples


@dataclass(frozen=True)
class AtTolerances:
    """Average precision of one set minus that of another, in [-1, 1].

    Attributes:
        value: (D, C) of all games.
        ends: (2, D, C) the 95 % interval of the paired bootstrap over games; None where nothing was resampled.
    """

    value: Floats
    ends: Floats | None


@dataclass(frozen=True)
class OfGame:
    """A game judged alone.

    Attributes:
        game: its name.
        events: in it.
        scores: of each set, Average-mAP over the classes that occur in the game.
    """

    game: str
    events: int
    scores: tuple[float, float]

    @property
    def difference(self) -> float:
        """The second minus the first."""
        return self.scores[1] - self.scores[0]


def at_tolerances(one: Assessment, first: Assessment) -> AtTolerances:
    """One minus first at each tolerance and class."""
    difference = one.scores.ap - first.scores.ap
    if one.resampled is None or first.resampled is None:
        return AtTolerances(difference, None)
    return AtTolerances(difference, interval(one.resampled.ap - first.resampled.ap))


def by_game(first: Assessment, one: Assessment) -> list[OfGame]:
    """Games with an event, those first on which the two differ most; of equals in the order of the corpus."""
    events = first.judged.everything.events
    scores = [_game_scores(assessment) for assessment in (first, one)]
    games = [
        OfGame(game, int(events[place].sum()), (float(scores[0][place]), float(scores[1][place])))
        for place, game in enumerate(first.corpus.games)
        if events[place].any()
    ]
    return sorted(games, key=lambda game: -abs(game.difference))


def _game_scores(assessment: Assessment) -> Floats:
    """(G,) Average-mAP of each game alone, over the classes that occur in it; 0 where none does."""
    evidence = assessment.judged.everything
    occurs = evidence.events > 0
    ap = np.concatenate([evidence.average_precision(one[None]) for one in np.eye(len(occurs))])  # (G, D, C)
    means = (ap * occurs[:, None]).sum(axis=2) / np.maximum(occurs.sum(axis=1), 1)[:, None]
    return over_tolerances(means.T)


def draw_differences(assessments: Sequence[Assessment]) -> Drawing:
    """The difference from the first set at each tolerance, a panel for each class, with its interval."""
    first = assessments[0]
    looks = [apart(place) for place in range(len(assessments))]
    made, panels = small_multiples(
        "Difference in average precision, 95 % bands",
        note_of(first),
        first.corpus.names,
        None,
        "tolerance δ (s)",
        "difference (points)",
    )
    for one, of in zip(assessments[1:], looks[1:], strict=True):
        found = at_tolerances(one, first)
        for label, axes in enumerate(panels):
            band = None if found.ends is None else (100 * found.ends[0, :, label], 100 * found.ends[1, :, label])
            draw_line(axes, first.scores.tolerances, 100 * found.value[:, label], one.name, of, band)
    for axes in panels:
        axes.axhline(0, color=QUIET.on_light, linewidth=1)
    name_sets(made, assessments)
    return drawing(made)
