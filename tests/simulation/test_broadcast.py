from collections.abc import Mapping

import numpy as np
import pytest

from rmsnet.dataset.labels import V2_CLASSES, Event
from rmsnet.simulation.broadcast import CONTEXTS, CUES, SCRIPTS, SHOT_TYPES, Broadcast, direct, first_frame_showing
from rmsnet.simulation.draws import Draws
from rmsnet.simulation.timeline import draw_timeline

EVENT_FRAME = 200
EVENT_MS = 500 * EVENT_FRAME + 500


def shown(label: str, seed: int, visible: bool = True) -> Broadcast:
    return direct(Draws(seed), [Event(1, EVENT_MS, label, visible=visible)], 400)


def strongest(broadcast: Broadcast, frames: range, cue: str) -> int:
    number = CUES.index(cue)
    return max(broadcast.shots[broadcast.shot_of_frame[frame]].cues.get(number, 0) for frame in frames)


def test_every_annotated_class_has_a_script_and_every_script_names_known_things():
    assert set(V2_CLASSES) <= set(SCRIPTS)
    for script in SCRIPTS.values():
        for step in (*script.before, *script.after):
            assert step.shot in (*SHOT_TYPES, "any")
            assert set(step.cues) <= set(CUES)
            assert step.context is None or step.context in CONTEXTS


def test_the_first_frame_that_shows_a_time():
    assert [first_frame_showing(ms) for ms in (0, 500, 501, 1000, 1001)] == [0, 0, 1, 1, 2]


@pytest.mark.parametrize(
    ("label", "cue"), [("Goal", "celebration"), ("Yellow card", "card"), ("Substitution", "board")]
)
def test_the_cue_of_an_event_comes_after_it_and_never_before(label, cue):
    for seed in range(30):
        broadcast = shown(label, seed)
        assert strongest(broadcast, range(EVENT_FRAME - 60, EVENT_FRAME), cue) == 0
        assert strongest(broadcast, range(EVENT_FRAME, EVENT_FRAME + 60), cue) > 0


def test_before_a_goal_and_before_a_shot_the_same_is_shown():
    """Context before an event is no evidence of it: chances that end in nothing are shown alike."""

    def contexts_before(label: str) -> set[int | None]:
        return {
            broadcast.shots[broadcast.shot_of_frame[EVENT_FRAME - 3]].context
            for broadcast in (shown(label, seed) for seed in range(40))
        }

    attack = CONTEXTS.index("attack")
    for label in ("Goal", "Shots on target", "Shots off target"):
        assert attack in contexts_before(label)


def test_near_misses_share_cues_with_events_but_lack_the_one_that_tells():
    def all_cues(label: str) -> Mapping[str, int]:
        steps = SCRIPTS[label].after
        return {cue: max(step.cues.get(cue, 0) for step in steps) for step in steps for cue in step.cues}

    for near_miss, event, telling in (
        ("Shots on target", "Goal", "celebration"),
        ("Foul", "Yellow card", "card"),
        ("Warm-up", "Substitution", "board"),
    ):
        assert set(all_cues(near_miss)) & set(all_cues(event))
        assert telling in all_cues(event)
        assert telling not in all_cues(near_miss)


def test_an_event_that_is_not_shown_leaves_weaker_cues():
    def mean_strength(visible: bool) -> float:
        frames = range(EVENT_FRAME, EVENT_FRAME + 40)
        return float(np.mean([strongest(shown("Goal", seed, visible), frames, "celebration") for seed in range(40)]))

    assert mean_strength(False) < 0.5 * mean_strength(True)


def test_what_matters_is_shown_over_what_does_not():
    goal, foul = Event(1, EVENT_MS, "Goal"), Event(1, EVENT_MS + 2000, "Foul")
    for seed in range(20):
        broadcast = direct(Draws(seed), [foul, goal], 400)
        assert strongest(broadcast, range(EVENT_FRAME, EVENT_FRAME + 20), "celebration") > 0


def test_every_frame_belongs_to_a_shot_and_shots_are_cut_as_often_as_on_television():
    match = draw_timeline(Draws(0, 1, 0), 0, 45 * 60)
    events = [event for event in match.events if event.half == 1]
    broadcast = direct(Draws(0, 3, 0, 1), events, 5400)
    assert broadcast.shot_of_frame.shape == (5400,)
    assert broadcast.shot_of_frame.max() < len(broadcast.shots)
    seconds_a_shot = 2700 / (1 + np.count_nonzero(np.diff(broadcast.shot_of_frame)))
    assert 4 < seconds_a_shot < 15


def test_the_shots_before_an_event_are_of_any_type_so_that_they_do_not_tell_its_class():
    before = [shown("Goal", seed) for seed in range(60)]
    kinds = {broadcast.shots[broadcast.shot_of_frame[EVENT_FRAME - 1]].kind for broadcast in before}
    assert len(kinds) >= 4
