import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmsnet.errors import UserError
from rmsnet.features.bank import bank_index, read_bank
from rmsnet.files import write_json
from tests.builders import bank


def written(folder, made=None):
    made = made or bank([50, 60], [(0, 3, 0), (1, 7, 2)])
    np.save(folder / "train.npy", made.features)
    write_json(folder / "train.json", bank_index(made))
    return made


def test_a_bank_is_read_as_it_was_written(tmp_path):
    made = written(tmp_path)
    read = read_bank(tmp_path, "train")
    assert np.array_equal(read.features, made.features)
    assert (read.halves, read.classes, read.info) == (made.halves, made.classes, made.info)
    for column in ("half", "position_ms", "label", "visible"):
        assert np.array_equal(getattr(read.truth, column), getattr(made.truth, column))


def test_a_bank_without_events_is_read(tmp_path):
    written(tmp_path, bank([50]))
    assert len(read_bank(tmp_path, "train").truth.half) == 0


def test_index_and_matrix_that_do_not_belong_together_are_refused(tmp_path):
    with pytest.raises(UserError, match="no such frame bank"):
        read_bank(tmp_path, "train")
    written(tmp_path)
    np.save(tmp_path / "train.npy", np.zeros((3, 8), np.float32))
    with pytest.raises(UserError, match=r"does not belong to train\.json"):
        read_bank(tmp_path, "train")
    content = (tmp_path / "train.npy").read_bytes()
    (tmp_path / "train.npy").write_bytes(content[:-10])
    with pytest.raises(UserError, match="cannot be read"):
        read_bank(tmp_path, "train")
    write_json(tmp_path / "train.json", {"schema": 0})
    with pytest.raises(UserError, match="not an index of this version"):
        read_bank(tmp_path, "train")


@given(st.integers(0, 100_000))
def test_the_frame_of_a_frames_time_is_that_frame(frame):
    made = bank([1])
    seconds = made.seconds_of(np.array([float(frame)]))
    assert made.frame_of(np.rint(1000 * seconds).astype(np.int64)).tolist() == [frame]


def test_an_event_is_shown_by_the_first_frame_not_before_it():
    """SoccerNet's frame k shows time (k + 1) / 2 s."""
    assert bank([1]).frame_of(np.array([0, 500, 501, 10_000, 10_001])).tolist() == [0, 0, 1, 19, 20]
