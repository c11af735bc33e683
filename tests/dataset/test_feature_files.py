"""Feature files that are there in pieces."""

import numpy as np
import pytest

from rmsnet.dataset.feature_files import open_features
from rmsnet.errors import UserError

ROWS = np.random.default_rng(0).normal(size=(30, 4)).astype(np.float32)


def write(folder, *pieces):
    for number, rows in enumerate(pieces, start=1):
        np.save(folder / f"clip.{number}.npy", rows)
    return folder / "clip.npy"


def test_pieces_are_read_one_after_the_other(tmp_path):
    assert np.array_equal(open_features(write(tmp_path, ROWS[:10], ROWS[10:25], ROWS[25:])), ROWS)


@pytest.mark.parametrize(
    ("pieces", "said"),
    [
        ((ROWS[:20], ROWS[15:]), r"clip\.2\.npy begins with the last 5 rows of the piece before it; cut them off"),
        ((ROWS[:20], ROWS[20:, :3]), r"clip\.2\.npy has 3 features a frame, the pieces before it 4"),
        ((ROWS, ROWS.astype(np.int64)), r"clip\.2\.npy holds int64"),
    ],
)
def test_pieces_that_do_not_follow_each_other_are_refused(tmp_path, pieces, said):
    with pytest.raises(UserError, match=said):
        open_features(write(tmp_path, *pieces))


def test_a_picture_that_stands_still_over_a_cut_is_no_repetition(tmp_path):
    still = np.concatenate([ROWS[:10], np.repeat(ROWS[10:11], 6, axis=0), ROWS[11:]])
    assert len(open_features(write(tmp_path, still[:13], still[13:]))) == 35
