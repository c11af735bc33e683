"""What happens together in a match: a goal and its kick-off, a foul and its card, a substitution."""

from dataclasses import dataclass

from rmsnet.dataset.labels import Event
from rmsnet.simulation.draws import Draws

# The rare classes are dealt out evenly, so that a small dataset has them too.
RED_CARD_EVERY = 9


SECOND_YELLOW_EVERY = 10


TEAMS = ("home", "away")


@dataclass(frozen=True)
class Play:
    """A stretch of play: events at milliseconds from its start, and the pause that it takes."""

    events: tuple[Event, ...]
    duration_ms: int


def _at(milliseconds: int, label: str, team: str) -> Event:
    return Event(0, milliseconds, label, team)


def _other(team: str) -> str:
    return "away" if team == "home" else "home"


def goal(draws: Draws) -> Play:
    """A shot, half a second later the goal, about a minute later the kick-off of the other team."""
    team = draws.one_of(TEAMS)
    shot, goal = 15_000, 15_000 + draws.integer(300, 1000)
    kick_off = goal + draws.integer(40_000, 70_000)
    events = (_at(shot, "Shots on target", team), _at(goal, "Goal", team), _at(kick_off, "Kick-off", _other(team)))
    return Play(events, kick_off + 2000)


def penalty(draws: Draws) -> Play:
    """A foul, a minute later the penalty; three of four are goals."""
    team = draws.one_of(TEAMS)
    penalty = 5000 + draws.integer(45_000, 75_000)
    events = [_at(5000, "Foul", _other(team)), _at(penalty, "Penalty", team)]
    end = penalty + 12_000
    if draws.chance(75):
        goal = penalty + draws.integer(500, 1200)
        kick_off = goal + draws.integer(40_000, 70_000)
        events += [_at(goal, "Goal", team), _at(kick_off, "Kick-off", _other(team))]
        end = kick_off + 2000
    else:
        events.append(_at(penalty + 500, "Shots on target", team))
    return Play(tuple(events), end)


def card(draws: Draws, label: str) -> Play:
    """A foul, 4 to 15 seconds later the card (at times one for each side), then the free kick."""
    team = draws.one_of(TEAMS)
    foul = 4000
    card = foul + draws.integer(4000, 15_000)
    events = [_at(foul, "Foul", team), _at(card, label, team)]
    if draws.chance(8):
        card += draws.integer(1000, 15_000)
        events.append(_at(card, "Yellow card", draws.one_of(TEAMS)))
    free_kick = card + draws.integer(12_000, 30_000)
    events.append(_at(free_kick, _free_kick(draws), _other(team)))
    return Play(tuple(events), free_kick + 3000)


def _free_kick(draws: Draws) -> str:
    return "Direct free-kick" if draws.chance(20) else "Indirect free-kick"


def substitution(draws: Draws) -> Play:
    """The ball goes out, a player (at times two) is exchanged, the throw-in follows."""
    team = draws.one_of(TEAMS)
    exchange = 4000 + draws.integer(6000, 20_000)
    events = [_at(4000, "Ball out of play", "not applicable"), _at(exchange, "Substitution", team)]
    if draws.chance(10):
        exchange += draws.integer(2000, 20_000)
        events.append(_at(exchange, "Substitution", team))
    throw_in = exchange + draws.integer(12_000, 25_000)
    events.append(_at(throw_in, "Throw-in", draws.one_of(TEAMS)))
    return Play(tuple(events), throw_in + 2000)


def minor(draws: Draws, label: str) -> Play:
    team = draws.one_of(TEAMS)
    out = "not applicable"
    restart = 3000 + draws.integer(8000, 30_000)
    if label == "Foul":
        events = [_at(3000, "Foul", team), _at(restart, _free_kick(draws), _other(team))]
    elif label == "Offside":
        events = [_at(3000, "Offside", team), _at(restart, "Indirect free-kick", _other(team))]
    elif label == "Shots on target":
        events = [_at(8000, label, team)]
        if draws.chance(35):
            ball_out = 8000 + draws.integer(800, 2500)
            restart = ball_out + draws.integer(12_000, 30_000)
            events += [_at(ball_out, "Ball out of play", out), _at(restart, "Corner", team)]
        else:
            restart = 16_000
    elif label == "Shots off target":
        ball_out = 8000 + draws.integer(800, 2500)
        restart = ball_out + draws.integer(12_000, 30_000)
        events = [_at(8000, label, team), _at(ball_out, "Ball out of play", out)]
        events.append(_at(restart, "Clearance", _other(team)))
    else:
        restart = 1000 + draws.integer(4000, 24_000)
        events = [_at(1000, "Ball out of play", out), _at(restart, label, team)]
    return Play(tuple(events), restart + 2000)
