import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from rmsnet.dataset.class_lists import class_list
from rmsnet.dataset.game_events import game_events
from rmsnet.dataset.game_files import GameFiles
from rmsnet.dataset.labels import V1_CLASSES, truth_of
from rmsnet.dataset.soccernet import read_split
from rmsnet.errors import UserError
from rmsnet.features.bank import BankHalf, FrameBank
from rmsnet.spotting.scoring import sliding_clips
from rmsnet.training.clips import training_clips
from tests.builders import bank

ONE_OF_EACH = [(0, 100, 0), (0, 200, 1), (0, 300, 2)]


def test_every_window_that_holds_an_event_is_a_foreground_clip():
    foreground, _ = training_clips(bank([400], ONE_OF_EACH), 41)
    of_first = foreground.label == 0
    assert foreground.first_frame[of_first].tolist() == list(range(60, 101))
    assert foreground.event_index[of_first].tolist() == list(range(40, -1, -1))
    assert len(foreground) == 3 * 41


def test_background_slices_what_no_foreground_clip_reaches_with_stride_T():
    _, background = training_clips(bank([400], ONE_OF_EACH), 41)
    # foreground clips of the event at frame 100 reach frames 60..140
    assert background.first_frame.tolist() == [0, 341]
    assert set(background.event_index) == {-1}
    assert set(background.label) == {3}


def test_windows_stay_inside_their_half():
    table, _ = training_clips(bank([200, 200], [(0, 0, 0), (0, 199, 1), (1, 3, 2)]), 41)
    assert table.first_frame[table.label == 0].tolist() == [0]
    assert table.first_frame[table.label == 1].tolist() == [159]
    assert table.first_frame[table.label == 2].tolist() == [200, 201, 202, 203]


def test_without_uniform_offsets_the_event_is_in_the_middle():
    table, _ = training_clips(bank([400], ONE_OF_EACH), 41, uniform_offsets=False)
    assert table.event_index.tolist() == [20, 20, 20]
    assert table.first_frame.tolist() == [80, 180, 280]


def test_an_event_annotated_twice_counts_once():
    once, _ = training_clips(bank([400], ONE_OF_EACH), 41)
    twice, _ = training_clips(bank([400], [*ONE_OF_EACH, (0, 100, 0)]), 41)
    assert len(once) == len(twice)


def test_an_event_past_the_last_frame_has_no_clip():
    table, _ = training_clips(bank([400], [*ONE_OF_EACH, (0, 400, 0)]), 41)
    assert len(table) == 3 * 41


def test_halftime_substitutions_are_dropped_and_only_they():
    events = [*ONE_OF_EACH, (1, 0, 1), (1, 0, 0)]
    at_halftime = bank([400, 400], events)
    at_halftime.truth.position_ms[3:] = 0
    dropped, _ = training_clips(at_halftime, 41)
    kept, _ = training_clips(at_halftime, 41, drop_halftime_substitutions=False)
    assert np.bincount(dropped.label).tolist() == [42, 41, 41]
    assert np.bincount(kept.label).tolist() == [42, 42, 41]


@pytest.mark.parametrize(
    ("frames", "events", "message"),
    [
        ([40], [(0, 10, 0), (0, 20, 1), (0, 30, 2)], "longest half"),
        ([400], [(0, 10, 0), (0, 20, 1)], "no clip of class soccer"),
        ([60], [(0, 10, 0), (0, 20, 1), (0, 30, 2)], "no background"),
    ],
)
def test_data_that_cannot_be_sampled_are_refused(frames, events, message):
    with pytest.raises(UserError, match=message):
        training_clips(bank(frames, events), 41)


@given(
    frames=st.lists(st.integers(150, 300), min_size=1, max_size=3),
    places=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 299), st.integers(0, 2)), max_size=6),
    clip_frames=st.integers(2, 30),
)
def test_foreground_holds_its_event_and_background_holds_none(frames, places, clip_frames):
    events = [(0, 60, 0), (0, 60, 1), (0, 60, 2)]
    events += [(half % len(frames), frame % frames[half % len(frames)], label) for half, frame, label in places]
    made = bank(frames, events)
    try:
        foreground, background = training_clips(made, clip_frames, drop_halftime_substitutions=False)
    except UserError:
        assume(False)
    starts = np.array([half.first_frame for half in made.halves])
    where = {(int(starts[half] + frame), label) for half, frame, label in events}
    found = set(zip((foreground.first_frame + foreground.event_index).tolist(), foreground.label.tolist(), strict=True))
    assert found == where
    event_rows = np.array(sorted(row for row, _ in where))
    reached = (event_rows >= background.first_frame[:, None]) & (
        event_rows < background.first_frame[:, None] + clip_frames
    )
    assert not reached.any()
    for table in (foreground, background):
        half = np.searchsorted(starts, table.first_frame, side="right") - 1
        assert (table.first_frame + clip_frames <= starts[half] + np.array(frames)[half]).all()


def test_the_real_training_games_give_the_papers_counts(shared):
    """Paper, IV-B: around 150,000 foreground and 72,000 background chunks from the 300 training games."""
    labels = GameFiles(shared / "soccernet" / "labels_v1.zip")
    frames = 5500  # mean length of the real valid and test halves, 45:50
    halves, events = [], []
    for game in read_split(shared / "soccernet", "train"):
        of_game = game_events(labels, game, class_list("v1"))
        for half in (1, 2):
            halves.append(BankHalf(game, half, len(halves) * frames, frames))
            events.append([event for event in of_game if event.half == half])
    features = np.broadcast_to(np.float32(0), (len(halves) * frames, 512))
    made = FrameBank(features, tuple(halves), truth_of(events, V1_CLASSES), V1_CLASSES, 2.0, 0.5, {})
    foreground, background = training_clips(made, 41)
    assert abs(len(foreground) - 150_000) < 3_000
    assert abs(len(background) - 72_000) < 1_500


def test_sliding_clips_cover_a_half_from_its_start():
    assert sliding_clips(82, 41, 41).tolist() == [0, 41]
    assert sliding_clips(83, 41, 41).tolist() == [0, 41, 82]
    assert sliding_clips(44, 41, 1).tolist() == [0, 1, 2, 3]
    assert sliding_clips(10, 41, 41).tolist() == [0]
