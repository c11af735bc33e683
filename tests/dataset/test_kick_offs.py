"""Where the periods of a match lie in its files."""

from dataclasses import replace

import pytest

from rmsnet.dataset.description import SOCCERNET, FeatureKind
from rmsnet.dataset.game_files import GameFiles
from rmsnet.dataset.kick_offs import rows_of, stretch_of
from rmsnet.dataset.periods import Period
from rmsnet.dataset.soccernet import open_dataset
from rmsnet.errors import UserError
from rmsnet.files import write_json
from tests.builders import write_lists

MATCH = replace(SOCCERNET, files="match", periods=(Period("", 30, 0), Period("", 30, 30)))
ROWS = FeatureKind("clip", 0, 2.0, 0.5)


def test_a_period_lasts_to_the_next_one_or_as_long_as_a_recording_of_it_may():
    assert stretch_of(1, [60, 2000], MATCH) == (60, 2000)
    assert stretch_of(1, [60, 9000], MATCH) == (60, pytest.approx(60 + 3000))
    assert stretch_of(2, [60, 2000], MATCH) == (2000, pytest.approx(5000))


def test_the_rows_of_a_period_begin_at_the_row_nearest_to_its_kick_off():
    assert rows_of(1, [60.2, 2000], 10_000, ROWS, MATCH, "clip.npy") == slice(120, 3999)
    assert rows_of(2, [60.2, 2000], 4_500, ROWS, MATCH, "clip.npy") == slice(4000, 4500)
    with pytest.raises(UserError, match=r"clip\.npy: is 2000 s long, period 2 begins at 2000 s by kick_offs\.json"):
        rows_of(2, [60.2, 2000], 4000, ROWS, MATCH, "clip.npy")


def test_what_a_game_says_is_read_once(tmp_path, monkeypatch):
    (tmp_path / "a").mkdir()
    write_json(tmp_path / "a/kick_offs.json", [1, 2])
    dataset = open_dataset(write_lists(tmp_path, train=["a"]), ("train",))
    read, reading = [], GameFiles.read
    monkeypatch.setattr(GameFiles, "read", lambda self, *names: (read.append(names), reading(self, *names))[1])
    assert [dataset.kick_offs("a") for _ in range(4)] == [(1, 2)] * 4
    assert read == [("a", "kick_offs.json")]
