"""What happens in a simulated match: its annotations, with the rates, orders and pauses of the real ones.

The numbers come from the labels of the 500 SoccerNet games (counts per game, medians of pauses).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from rmsnet.dataset.labels import Event
from rmsnet.simulation.draws import Draws
from rmsnet.simulation.sequences import (
    RED_CARD_EVERY,
    SECOND_YELLOW_EVERY,
    TEAMS,
    Play,
    card,
    goal,
    minor,
    penalty,
    substitution,
)

HALF_MINUTES = 45
"""Minutes of a real half."""

MAX_DENSITY = 3
"""Goals, cards and substitutions come at most so many times as often as in real matches (see `density`)."""

# Per real match, in thousandths: goals from play, penalties, sequences of play that end in a card or a substitution.
_GOALS = 3030
_PENALTIES = 346
_CARDS = 4000
_SUBSTITUTIONS = 4650
_MINOR: Mapping[str, int] = {
    "Foul": 19300,
    "Offside": 4200,
    "Shots on target": 8200,
    "Shots off target": 10500,
    "Throw-in": 36500,
    "Corner": 6500,
    "Clearance": 8500,
}
"""The other sequences of play per real match, in thousandths, by the annotation that names them."""

_FIRST_HALF_PERCENT = {"Goal": 42, "Penalty": 42, "Card": 35, "Substitution": 5}

_HALFTIME_SUBSTITUTION_PERCENT = 39
"""Per match; 197 in 500 matches are annotated at "2 - 00:00"."""


_NOT_SHOWN_PERCENT: Mapping[str, int] = {
    "Ball out of play": 4,
    "Throw-in": 29,
    "Foul": 2,
    "Indirect free-kick": 45,
    "Clearance": 54,
    "Corner": 13,
    "Substitution": 17,
    "Kick-off": 73,
    "Direct free-kick": 11,
    "Offside": 5,
    "Yellow card": 9,
}
"""How often the broadcast misses an annotated event, by class."""

_UNANNOTATED: Mapping[str, int] = {"Warm-up": 14000, "Talk": 10000, "Highlight": 8000}
"""What is shown but never annotated, per match, in thousandths: stoppages with players warming up, the referee
talking to a player, replays out of nothing."""


@dataclass(frozen=True)
class Timeline:
    """What was annotated in a match.

    Attributes:
        events: v2 events in time order, both halves.
        own_goals: positions in `events` of the goals that v1 calls own goals.
        missed_penalties: positions in `events` of the penalties that v1 calls missed.
        quiet_minutes: (half, minute) pairs that v1 marks as "no-events".
    """

    events: tuple[Event, ...]
    own_goals: frozenset[int]
    missed_penalties: frozenset[int]
    quiet_minutes: tuple[tuple[int, int], ...]

    def score(self) -> tuple[int, int]:
        """Goals of the home and of the away team."""
        goals = [event.team for event in self.events if event.label == "Goal"]
        return goals.count("home"), goals.count("away")


def density(half_seconds: int) -> tuple[int, int]:
    """How many times as often as in reality goals, cards and substitutions come, as a fraction.

    A short match keeps the goals, cards and substitutions of a whole one down to a third of its length; at real
    rates a small dataset would hold too few to learn from. All other events keep their real rates.
    """
    real = 60 * HALF_MINUTES
    if half_seconds >= real:
        return 1, 1
    return (real, half_seconds) if MAX_DENSITY * half_seconds >= real else (MAX_DENSITY, 1)


def draw_timeline(draws: Draws, number: int, half_seconds: int) -> Timeline:
    """Draw what happens in a match.

    Args:
        draws: the match's own stream.
        number: of the match in the dataset; decides which matches get the rare red cards.
        half_seconds: length of each half.
    """
    events: list[Event] = []
    major = _major_sequences(draws, number, half_seconds)
    for half in (1, 2):
        start = [Event(half, draws.integer(0, 2500), "Kick-off", draws.one_of(TEAMS))]
        if half == 2:
            start += _halftime_substitutions(draws, half_seconds)
        sequences = major[half] + minor_sequences(draws, half_seconds)
        events += start + _spread(draws, half, sequences, 6_000, 1000 * half_seconds - 30_000)
    events = [
        _with_visibility(draws, event) for event in sorted(events, key=lambda event: (event.half, event.position_ms))
    ]
    goals = [number for number, event in enumerate(events) if event.label == "Goal"]
    missed = [
        number
        for number, event in enumerate(events)
        if event.label == "Penalty"
        and not any(0 < events[goal].position_ms - event.position_ms < 5000 for goal in goals)
    ]
    own_goals = [goal for goal in goals if draws.integer(1, 1000) <= 24]
    return Timeline(
        tuple(events), frozenset(own_goals), frozenset(missed), tuple(_quiet_minutes(draws, events, half_seconds))
    )


def _major_sequences(draws: Draws, number: int, half_seconds: int) -> dict[int, list[Play]]:
    """The sequences with a goal, card or substitution, by half."""
    times, per = density(half_seconds)

    def count(thousandths: int) -> int:
        return draws.count(thousandths * 2 * half_seconds * times // (per * 2 * 60 * HALF_MINUTES))

    result: dict[int, list[Play]] = {1: [], 2: []}

    def add(kind: str, sequence: Play) -> None:
        result[1 if draws.chance(_FIRST_HALF_PERCENT[kind]) else 2].append(sequence)

    for _ in range(count(_GOALS)):
        add("Goal", goal(draws))
    for _ in range(count(_PENALTIES)):
        add("Penalty", penalty(draws))
    for _ in range(count(_CARDS)):
        add("Card", card(draws, "Yellow card"))
    if number % RED_CARD_EVERY == RED_CARD_EVERY // 2:
        add("Card", card(draws, "Red card"))
    if number % SECOND_YELLOW_EVERY == SECOND_YELLOW_EVERY // 2:
        add("Card", card(draws, "Yellow->red card"))
    for _ in range(count(_SUBSTITUTIONS)):
        add("Substitution", substitution(draws))
    return result


def minor_sequences(draws: Draws, half_seconds: int) -> list[Play]:
    """The sequences of a half without goal, card or substitution: real rates at any length of the half."""
    result = []
    for label, thousandths in _MINOR.items():
        for _ in range(draws.count(thousandths * half_seconds // (2 * 60 * HALF_MINUTES))):
            result.append(minor(draws, label))
    return result


def unannotated(draws: Draws, half: int, half_seconds: int) -> list[Event]:
    """What is shown in a half beside its annotated events, at any time."""
    return [
        Event(half, draws.integer(0, 1000 * half_seconds), label)
        for label, thousandths in _UNANNOTATED.items()
        for _ in range(draws.count(thousandths * half_seconds // (2 * 60 * HALF_MINUTES)))
    ]


def around_v1(draws: Draws, half: int, half_seconds: int, events: Sequence[Event]) -> list[Event]:
    """The events of a half of which only goals, cards and substitutions are known, and what v1 leaves out.

    Args:
        draws: the half's own stream.
        half: 1 or 2.
        half_seconds: its length.
        events: v1 events of the half; labels "soccer", "card", "subs".

    Returns:
        The events with v2 labels; a foul before each card, a kick-off after each goal, and the other sequences of
        play wherever no v1 event is near.
    """
    known = [replace(event, label=_V1_TO_V2[event.label]) for event in events]
    drawn = []
    for event in known:
        if event.label == "Yellow card":
            foul = max(0, event.position_ms - draws.integer(4000, 15_000))
            drawn.append(replace(event, label="Foul", position_ms=foul))
        if event.label == "Goal":
            drawn.append(
                replace(event, label="Kick-off", position_ms=event.position_ms + draws.integer(40_000, 70_000))
            )
    for sequence in minor_sequences(draws, half_seconds):
        begin = draws.integer(0, max(0, 1000 * half_seconds - sequence.duration_ms))
        near = range(begin - 30_000, begin + sequence.duration_ms + 15_000)
        if not any(event.position_ms in near for event in known):
            drawn += [replace(event, half=half, position_ms=begin + event.position_ms) for event in sequence.events]
    return known + drawn


_V1_TO_V2 = {"soccer": "Goal", "card": "Yellow card", "subs": "Substitution"}


def _spread(draws: Draws, half: int, sequences: Sequence[Play], start_ms: int, end_ms: int) -> list[Event]:
    """The sequences in random order, one after the other, with random pauses; those that do not fit are left out."""
    order = draws.shuffled(sequences)
    while sum(sequence.duration_ms for sequence in order) > end_ms - start_ms:
        order.remove(min(order, key=lambda sequence: any(event.label in _MAJOR for event in sequence.events)))
    spare = end_ms - start_ms - sum(sequence.duration_ms for sequence in order)
    pauses = sorted(draws.integer(0, spare) for _ in order)
    events = []
    used = start_ms
    for pause, sequence in zip(pauses, order, strict=True):
        begin = used + pause
        events += [replace(event, half=half, position_ms=begin + event.position_ms) for event in sequence.events]
        used += sequence.duration_ms
    return events


_MAJOR = frozenset({"Goal", "Penalty", "Yellow card", "Red card", "Yellow->red card", "Substitution"})


def _halftime_substitutions(draws: Draws, half_seconds: int) -> list[Event]:
    times, per = density(half_seconds)
    percent = _HALFTIME_SUBSTITUTION_PERCENT * half_seconds * times // (per * 60 * HALF_MINUTES)
    return [Event(2, 0, "Substitution", draws.one_of(TEAMS))] if draws.chance(percent) else []


def _with_visibility(draws: Draws, event: Event) -> Event:
    halftime = event.label == "Substitution" and event.position_ms == 0
    hidden = draws.chance(_NOT_SHOWN_PERCENT.get(event.label, 0)) or halftime
    return replace(event, visible=not hidden)


def _quiet_minutes(draws: Draws, events: Sequence[Event], half_seconds: int) -> list[tuple[int, int]]:
    """Two or three whole minutes without a goal, card or substitution within a minute of them."""
    busy = {
        (event.half, event.position_ms // 60_000 + step)
        for event in events
        if event.label in _MAJOR
        for step in (-1, 0, 1)
    }
    quiet = [(half, minute) for half in (1, 2) for minute in range(1, half_seconds // 60) if (half, minute) not in busy]
    return sorted(draws.shuffled(quiet)[: draws.integer(2, 3)])
