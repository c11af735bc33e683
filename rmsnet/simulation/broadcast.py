"""What the director of a simulated broadcast shows: a row of shots, most of what they tell coming after an event.

Routine play is a row of shots of random type and length. Every event, annotated or not, paints its script over it:
shots before the event (misleading context: of any type, alike before a near miss, and in every match different) and,
with some delay, shots after it (the cues: a celebration, the referee with a card, the fourth official's board).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rmsnet.dataset.labels import Event
from rmsnet.simulation.draws import Draws

FRAME_RATE, FIRST_FRAME_SECONDS = 2.0, 0.5
"""Frames a second of a broadcast, and the time of the first."""

SHOT_TYPES = ("wide", "medium", "close-up", "crowd", "replay", "bench")

CUES = (
    "emotion",  # players and crowd after any chance
    "celebration",  # embraces, the scorer running
    "score",  # the new score on screen, the scorer's name
    "referee",  # the referee in close-up
    "card",  # a card in his hand
    "booking",  # the booked player walking away, his name on screen
    "exchange",  # players beside the line, bench, warming up
    "board",  # the board of the fourth official
    "handshake",  # one player leaves, another runs onto the field
    "restart",  # ball at rest: kick-off, free kick, throw-in, corner
    "flag",  # the assistant's flag
    "penalty",  # ball on the spot, players on the edge of the area
)
"""What can be seen of an event, each with an appearance that all matches share."""

CONTEXTS = ("attack", "foul", "stoppage")
"""What can be seen before an event; each match has its own habit of showing it."""


@dataclass(frozen=True)
class Step:
    """One shot of a script.

    Attributes:
        shot: its type; "any": as in routine play.
        frames: shortest and longest length.
        cues: how clearly each cue shows, in percent.
        context: which context the shot shows, if any.
        chance: in how many of a hundred cases the shot is there.
    """

    shot: str
    frames: tuple[int, int]
    cues: Mapping[str, int]
    context: str | None = None
    chance: int = 100


@dataclass(frozen=True)
class Script:
    """How an event is shown.

    Attributes:
        before: shots up to the event.
        delay: fewest and most frames from the event to the first shot of `after`; until then the last shot goes on.
        after: shots from then on.
    """

    before: tuple[Step, ...] = ()
    delay: tuple[int, int] = (0, 0)
    after: tuple[Step, ...] = ()


_CARD = Script(
    before=(Step("any", (6, 14), {}, "foul"), Step("any", (6, 14), {}, "foul")),
    delay=(0, 5),
    after=(
        Step("close-up", (4, 10), {"referee": 80, "card": 35}),
        Step("replay", (8, 16), {}, "foul"),
        Step("close-up", (5, 12), {"booking": 100}),
    ),
)

SCRIPTS: Mapping[str, Script] = {
    "Goal": Script(
        before=(Step("any", (14, 32), {}, "attack"),),
        delay=(1, 6),
        after=(
            Step("close-up", (8, 14), {"emotion": 100, "celebration": 35}),
            Step("crowd", (4, 8), {"emotion": 100}),
            Step("close-up", (6, 14), {"emotion": 60, "celebration": 100}),
            Step("replay", (12, 24), {}, "attack"),
            Step("medium", (6, 14), {"score": 100}),
        ),
    ),
    "Yellow card": _CARD,
    "Red card": _CARD,
    "Yellow->red card": _CARD,
    "Substitution": Script(
        before=(Step("any", (6, 14), {}, "stoppage"), Step("any", (6, 14), {}, "stoppage")),
        delay=(0, 6),
        after=(
            Step("medium", (5, 12), {"exchange": 100, "board": 35}),
            Step("bench", (6, 12), {"exchange": 80}),
            Step("medium", (6, 14), {"handshake": 100}),
        ),
    ),
    "Shots on target": Script(
        before=(Step("any", (10, 26), {}, "attack", chance=40),),
        delay=(1, 6),
        after=(
            Step("close-up", (4, 12), {"emotion": 80}),
            Step("crowd", (3, 6), {"emotion": 70}, chance=40),
            Step("replay", (8, 18), {}, "attack", chance=60),
        ),
    ),
    "Shots off target": Script(
        before=(Step("any", (10, 26), {}, "attack", chance=40),),
        delay=(1, 6),
        after=(
            Step("close-up", (4, 10), {"emotion": 70}),
            Step("replay", (8, 18), {}, "attack", chance=40),
        ),
    ),
    "Foul": Script(
        delay=(1, 6),
        after=(
            Step("medium", (6, 16), {}, "foul", chance=40),
            Step("close-up", (4, 8), {"referee": 80}, chance=45),
            Step("replay", (8, 14), {}, "foul", chance=30),
        ),
    ),
    "Offside": Script(
        delay=(1, 4),
        after=(Step("medium", (4, 8), {"flag": 100}), Step("replay", (6, 12), {}, "attack", chance=50)),
    ),
    "Ball out of play": Script(
        delay=(1, 4),
        after=(
            Step("medium", (4, 12), {}, "stoppage", chance=25),
            Step("bench", (4, 8), {"exchange": 80}, chance=20),
        ),
    ),
    "Throw-in": Script(after=(Step("medium", (2, 6), {"restart": 70}),)),
    "Corner": Script(after=(Step("wide", (4, 8), {"restart": 60}, "attack"),)),
    "Clearance": Script(after=(Step("wide", (4, 8), {"restart": 50}),)),
    "Kick-off": Script(after=(Step("wide", (6, 12), {"restart": 80}),)),
    "Direct free-kick": Script(
        before=(Step("medium", (4, 10), {"restart": 60}),), after=(Step("wide", (4, 8), {}, "attack"),)
    ),
    "Indirect free-kick": Script(after=(Step("wide", (4, 8), {"restart": 60}),)),
    "Penalty": Script(
        before=(Step("medium", (12, 30), {"penalty": 100}),), after=(Step("wide", (2, 4), {"penalty": 50}),)
    ),
    # What no annotation names.
    "Warm-up": Script(
        before=(Step("any", (6, 14), {}, "stoppage", chance=40),),
        after=(Step("bench", (4, 12), {"exchange": 90}), Step("medium", (4, 10), {"exchange": 50}, chance=50)),
    ),
    "Talk": Script(
        before=(Step("any", (6, 14), {}, "foul", chance=40),),
        after=(Step("close-up", (4, 10), {"referee": 90}),),
    ),
    "Highlight": Script(after=(Step("replay", (10, 20), {}, "attack"), Step("crowd", (3, 8), {"emotion": 60}))),
}

UNSEEN_PERCENT = 30
"""How much of its usual strength is left of the cues of an event that is annotated as not shown."""

_ROUTINE_WEIGHTS = (60, 15, 12, 4, 5, 4)
_ROUTINE_FRAMES = ((12, 50), (6, 16), (4, 12), (4, 8), (8, 18), (4, 10))
_IMPORTANT = frozenset({"Goal", "Yellow card", "Red card", "Yellow->red card", "Substitution", "Penalty"})


@dataclass(frozen=True)
class Shot:
    """One shot: an unbroken stretch of one camera.

    Attributes:
        kind: its type, an index of `SHOT_TYPES`.
        cues: how clearly each of `CUES` shows, in percent.
        context: the context it shows, an index of `CONTEXTS`; None: none.
    """

    kind: int
    cues: Mapping[int, int]
    context: int | None = None


@dataclass(frozen=True)
class Broadcast:
    """A half as it is shown.

    Attributes:
        shots: what is shown.
        shot_of_frame: (T,) which of the shots each frame belongs to.
    """

    shots: tuple[Shot, ...]
    shot_of_frame: npt.NDArray[np.int32]


def direct(draws: Draws, events: Sequence[Event], frames: int) -> Broadcast:
    """Turn what happens in a half into shots.

    Args:
        draws: the half's own stream.
        events: what happens, annotated or not; labels are keys of `SCRIPTS`.
        frames: T.
    """
    shots: list[Shot] = []
    shot_of_frame = np.zeros(frames, np.int32)

    def paint(start: int, end: int, shot: Shot) -> None:
        shot_of_frame[max(start, 0) : max(end, 0)] = len(shots)
        shots.append(shot)

    frame = 0
    while frame < frames:
        kind = draws.weighted(_ROUTINE_WEIGHTS)
        length = draws.integer(*_ROUTINE_FRAMES[kind])
        paint(frame, frame + length, Shot(kind, {}))
        frame += length
    # What matters is shown: it paints over the rest.
    for event in sorted(events, key=lambda event: (event.label in _IMPORTANT, event.position_ms)):
        script = SCRIPTS[event.label]
        strength = draws.integer(50, 150) * (100 if event.visible else UNSEEN_PERCENT) // 100
        event_frame = first_frame_showing(event.position_ms)
        start = event_frame
        last = None
        for step in reversed(script.before):
            if draws.chance(step.chance):
                length = draws.integer(*step.frames)
                last = last or len(shots)
                paint(start - length, start, _shot(draws, step, strength))
                start -= length
        delay = draws.integer(*script.delay)
        if last is not None:
            shot_of_frame[event_frame : event_frame + delay] = last
        start = event_frame + delay
        for step in script.after:
            if draws.chance(step.chance):
                length = draws.integer(*step.frames)
                paint(start, start + length, _shot(draws, step, strength))
                start += length
    return Broadcast(tuple(shots), shot_of_frame)


def first_frame_showing(position_ms: int) -> int:
    """The first frame that is not before a time."""
    first_ms, step_ms = int(1000 * FIRST_FRAME_SECONDS), int(1000 / FRAME_RATE)
    return max(0, -((first_ms - position_ms) // step_ms))


def _shot(draws: Draws, step: Step, strength: int) -> Shot:
    kind = draws.weighted(_ROUTINE_WEIGHTS) if step.shot == "any" else SHOT_TYPES.index(step.shot)
    cues = {CUES.index(cue): percent * strength // 100 for cue, percent in step.cues.items()}
    return Shot(kind, cues, None if step.context is None else CONTEXTS.index(step.context))
