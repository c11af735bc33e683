"""What is worth a look: the unlabelled games of a folder, ranked by the doubts of several models.

Games to judge by are labelled whole and in any order: one that was chosen because models are unsure of it would judge
them too harshly. So games of the lists valid, test and gate are not chosen; and a game that is chosen is one to train
on for good, see `rmsnet.dataset.roles`.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from rmsnet.annotating.choosing import Moment, Scored, by_match, choose_moments
from rmsnet.annotating.games import Asked, Game, dataset_of, labels_of
from rmsnet.annotating.suggesting import Suggester, labels_of_classes, match_of
from rmsnet.dataset.roles import CHOSEN, TRAIN, roles_of
from rmsnet.documents import read_document
from rmsnet.errors import UserError
from rmsnet.files import write_json
from rmsnet.matches.match import clock
from rmsnet.matches.one_match import read_match
from rmsnet.matches.reading import reader_of
from rmsnet.network.spotting_model import SpottingModel
from rmsnet.reading.names import same_name
from rmsnet.spotting.inference import score_bank

APART_SECONDS = 30.0
"""Between two moments of a match: who looks at one sees what is nearer."""

LOOKS_A_CLIP = 4
"""So many of the clips that begin in one clip's length are asked about."""

ALIKE = ("classes", "features", "width", "clip_frames", "frame_rate", "first_frame_seconds")
"""Entries of their configs in which models that are asked together must not differ."""


@dataclass(frozen=True)
class Look:
    """A moment of a game that is worth a look, as the page shows it.

    Attributes:
        half: number of the period.
        position_ms: from its kick-off.
        label: what the models are unsure about.
        probability: the mean of what they say.
        uncertainty: see `choosing.Moment`.
        disagreement: likewise.
    """

    half: int
    position_ms: int
    label: str
    probability: float
    uncertainty: float
    disagreement: float


@dataclass(frozen=True)
class Looks:
    """What is worth a look in a game.

    Attributes:
        by: the models that were asked, by the start of their weights hashes.
        moments: in order of time.
    """

    by: tuple[str, ...] = ()
    moments: tuple[Look, ...] = ()


def read_looks(game: Game) -> Looks:
    """What was last chosen of a game; nothing where nobody has chosen it.

    Raises:
        UserError: the file is damaged.
    """
    path = game.folder / CHOSEN
    return read_document(path, Looks, advice="remove it") if path.exists() else Looks()


def next_games(
    games: Sequence[Game],
    root: Path,
    suggesters: Sequence[Suggester],
    asked: Asked,
    count: int,
    tell: Callable[[str], object] = print,
) -> list[Game]:
    """The games that are most worth a look, the first first; each keeps which of its moments are.

    Args:
        games: to choose from.
        root: the folder that they were found in.
        suggesters: the models, trained apart; the members of an ensemble count as one each.
        asked: what is said of labels.
        count: how many moments to choose, in all games together.
        tell: is told what is chosen, and what is not and why.

    Raises:
        UserError: models that do not read and answer the same, or no game that could be chosen.
    """
    members = _members(suggesters)
    if len(members) == 1:
        tell("one model: what it is unsure of is chosen; several that were trained apart also say where they disagree")
    open_games = _to_choose_from(games, root, asked, tell)
    scored: list[Scored] = []
    for number, game in enumerate(open_games):
        scored += _score(number, game, suggesters[0], members)
    clip_seconds = members[0].clip_frames / float(members[0].config["frame_rate"])
    chosen = by_match(choose_moments(scored, count, APART_SECONDS, clip_seconds))
    hashes = tuple(dict.fromkeys(suggester.known_by for suggester in suggesters))
    for number, moments in chosen.items():
        game = open_games[number]
        labels = labels_of(game, asked, None)
        names = labels_of_classes(members[0].classes, labels.stated.classes, game.name)
        looks = tuple(_look(moment, game, members[0], names) for moment in moments)
        (game.folder / CHOSEN).parent.mkdir(exist_ok=True)
        write_json(game.folder / CHOSEN, {"by": hashes, "moments": [vars(look) for look in looks]})
        told = ", ".join(f"{look.half}-{clock(look.position_ms)} {look.label}?" for look in looks[:3])
        tell(f"{game.name}: {len(looks)} moments: {told}{', …' if len(looks) > 3 else ''}")
    return [open_games[number] for number in chosen]


def _members(suggesters: Sequence[Suggester]) -> list[SpottingModel]:
    """The models that answer for themselves.

    Raises:
        UserError: they do not read and answer the same.
    """
    first = suggesters[0].spotter.config
    for suggester in suggesters[1:]:
        config = suggester.spotter.config
        for key in ALIKE:
            if config[key] != first[key]:
                raise UserError(
                    f"--model {suggester.folder}: {key}: {_said(config[key])}, and {_said(first[key])} of "
                    f"{suggesters[0].folder}; models that are asked together read and answer the same"
                )
    return [member for suggester in suggesters for member in _apart(suggester.spotter)]


def _apart(spotter: SpottingModel) -> list[SpottingModel]:
    """The members of an ensemble; where they are exported as one graph they answer as one."""
    members = getattr(spotter.network, "members", None)
    return [spotter] if members is None else [replace(spotter, network=member) for member in members]


def _said(value: Any) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value)


def _to_choose_from(games: Sequence[Game], root: Path, asked: Asked, tell: Callable[[str], object]) -> list[Game]:
    """Games without labels that are not there to judge by.

    Raises:
        UserError: there is none.
    """
    dataset = dataset_of(root) or root  # it may lie above
    roles = roles_of(dataset)
    judging, labelled, left = [], [], []
    for game in games:
        if roles.get(_name_in(dataset, game), TRAIN) != TRAIN:
            judging.append(game)
        elif _has_events(game, asked):
            labelled.append(game)
        else:
            left.append(game)
    unseen = sum(not _has_events(game, asked) for game in judging)
    if unseen:
        tell(f"{unseen} games of valid, test or gate have no labels yet: those are labelled whole, whatever models say")
    if not left:
        raise UserError(
            f"{root}: no game to choose: {len(labelled)} have labels, {len(judging)} are there to judge by (valid, "
            "test, gate); put matches that nobody has labelled there"
        )
    return left


def _name_in(dataset: Path, game: Game) -> str:
    """What the lists of a dataset call a game."""
    return same_name(Path(os.path.relpath(game.folder.resolve(), dataset.resolve())).as_posix())


def _has_events(game: Game, asked: Asked) -> bool:
    labels = labels_of(game, asked, None)
    return labels.path.exists() and bool(labels.read().marks)


def _score(number: int, game: Game, suggester: Suggester, members: Sequence[SpottingModel]) -> list[Scored]:
    """What the models say of each half."""
    spotter = members[0]
    match = match_of(game, suggester.features, game.kick_offs())
    read = reader_of(spotter, suggester.folder, suggester.device, True)
    bank, _, _ = read_match(match, game.kept, read, spotter)
    answers = [score_bank(member, bank, 1) for member in members]
    step = max(1, spotter.clip_frames // LOOKS_A_CLIP)
    scored = []
    for place, half in enumerate(bank.halves):
        rows = np.flatnonzero(answers[0].half == place)[::step]
        # Where the models say that the event would be: the middle of what they say.
        seconds = bank.seconds_of(np.mean([answer.frame[rows] for answer in answers], axis=0))
        probability = np.stack([answer.probability[rows, :-1] for answer in answers])
        scored.append(Scored(number, half.half, seconds, probability))
    return scored


def _look(moment: Moment, game: Game, spotter: SpottingModel, names: dict[str, str]) -> Look:
    return Look(
        moment.half,
        max(0, round(1000 * moment.seconds)),
        names[spotter.classes[moment.label]],
        round(moment.probability, 4),
        round(moment.uncertainty, 4),
        round(moment.disagreement, 4),
    )
