from collections import Counter

import pytest

from rmsnet.dataset.class_lists import class_list
from rmsnet.dataset.game_events import game_events
from rmsnet.dataset.game_files import GameFiles
from rmsnet.dataset.labels import V2_CLASSES, Event, read_events
from rmsnet.simulation.annotations import v1_annotations, v2_annotations
from rmsnet.simulation.draws import Draws
from rmsnet.simulation.timeline import around_v1, density, draw_timeline, unannotated

WHOLE_HALF = 45 * 60


def matches(count: int, half_seconds: int):
    return [draw_timeline(Draws(0, 1, number), number, half_seconds) for number in range(count)]


@pytest.fixture(scope="module")
def whole_matches():
    return matches(300, WHOLE_HALF)


def test_whole_matches_have_the_real_number_of_events_of_every_class(whole_matches, shared):
    """Labels of the 500 real games, v2. Within a quarter; the rare cards within a half."""
    files = GameFiles(shared / "soccernet" / "labels_v2.zip")
    games = files.games("Labels-v2.json")
    real = Counter(event.label for game in games for event in game_events(files, game, class_list("v2")))
    drawn = Counter(event.label for match in whole_matches for event in match.events)
    for label in V2_CLASSES:
        tolerance = 0.5 if label in ("Red card", "Yellow->red card") else 0.25
        assert drawn[label] / 300 == pytest.approx(real[label] / len(games), rel=tolerance), label


def test_events_lie_in_their_half_in_time_order(whole_matches):
    for match in whole_matches[:50]:
        assert all(0 <= event.position_ms < 1000 * WHOLE_HALF for event in match.events)
        times = [(event.half, event.position_ms) for event in match.events]
        assert times == sorted(times)


def test_a_card_follows_a_foul_and_a_kick_off_follows_a_goal(whole_matches):
    def near(match, event, label, after_ms):
        return any(
            other.half == event.half and other.label == label and other.position_ms - event.position_ms in after_ms
            for other in match.events
        )

    for match in whole_matches[:50]:
        for event in match.events:
            if event.label == "Goal":
                assert near(match, event, "Kick-off", range(40_000, 70_001))
            if event.label == "Red card":
                assert near(match, event, "Foul", range(-15_000, 0))


def test_short_matches_keep_the_goals_cards_and_substitutions_of_whole_ones():
    assert density(WHOLE_HALF) == (1, 1)
    assert density(15 * 60) == (2700, 900)
    assert density(5 * 60) == (3, 1)
    short = Counter(event.label for match in matches(200, 15 * 60) for event in match.events)
    whole = Counter(event.label for match in matches(200, WHOLE_HALF) for event in match.events)
    assert short["Goal"] == pytest.approx(whole["Goal"], rel=0.2)
    assert short["Foul"] < whole["Foul"] / 2


def test_a_small_dataset_has_every_class_of_v1_and_red_cards_too():
    drawn = Counter(event.label for match in matches(12, 15 * 60) for event in match.events)
    assert all(drawn[label] for label in ("Goal", "Substitution", "Yellow card", "Red card", "Yellow->red card"))


def test_half_time_substitutions_are_annotated_at_second_zero_and_not_shown(whole_matches):
    halftime = [
        event
        for match in whole_matches
        for event in match.events
        if event.half == 2 and event.position_ms == 0 and event.label == "Substitution"
    ]
    assert len(halftime) / 300 == pytest.approx(0.39, abs=0.1)
    assert not any(event.visible for event in halftime)


def test_both_label_files_tell_the_same_match(whole_matches):
    import json

    for match in whole_matches[:20]:
        v1 = read_events(json.dumps({"annotations": v1_annotations(match)}).encode(), "v1", "test")
        v2 = read_events(json.dumps({"annotations": v2_annotations(match)}).encode(), "v2", "test")
        assert v2 == list(match.events)
        kinds = {"soccer": {"Goal"}, "subs": {"Substitution"}, "card": {"Yellow card", "Red card", "Yellow->red card"}}
        for kind, labels in kinds.items():
            seconds = [(event.half, event.position_ms // 1000 * 1000) for event in v2 if event.label in labels]
            assert [(event.half, event.position_ms) for event in v1 if event.label == kind] == seconds


def test_the_score_counts_the_goals(whole_matches):
    for match in whole_matches[:20]:
        assert sum(match.score()) == sum(event.label == "Goal" for event in match.events)


def test_v1_events_get_the_play_around_them_that_their_labels_leave_out():
    known = [Event(1, 600_000, "soccer"), Event(1, 900_000, "card"), Event(1, 1_500_000, "subs")]
    shown = around_v1(Draws(0, 9), 1, WHOLE_HALF, known)
    counts = Counter(event.label for event in shown)
    assert counts["Goal"] == counts["Yellow card"] == counts["Substitution"] == 1
    assert counts["Kick-off"] == 1
    assert counts["Shots off target"] > 0
    assert counts["Throw-in"] > 5
    near_goal = [event for event in shown if abs(event.position_ms - 600_000) < 14_000]
    assert {event.label for event in near_goal} <= {"Goal"}


def test_what_is_shown_beside_the_annotations_is_no_annotated_class():
    assert {event.label for event in unannotated(Draws(1), 1, WHOLE_HALF)} == {"Warm-up", "Talk", "Highlight"}
