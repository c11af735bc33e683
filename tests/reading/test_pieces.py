"""Recordings that lie in several files."""

import pytest

from rmsnet.errors import UserError
from rmsnet.reading.pieces import marks_of, pieces_of, size_of, wholes


def test_pieces_are_one_recording_in_the_order_of_their_numbers(tmp_path):
    for number in range(1, 12):
        (tmp_path / f"1_224p.{number}.mp4").write_bytes(bytes(number))
    whole = tmp_path / "1_224p.mp4"
    assert [piece.name for piece in pieces_of(whole)] == [f"1_224p.{number}.mp4" for number in range(1, 12)]
    assert wholes(tmp_path.iterdir()) == [whole]
    assert size_of(whole) == sum(range(1, 12)) == sum(size for _, size, _ in marks_of(whole))
    whole.write_bytes(b"joined by hand")
    assert pieces_of(whole) == (whole,)


def test_a_name_that_ends_in_a_number_is_no_piece_without_a_first_one(tmp_path):
    date = tmp_path / "match 12.05.mp4"
    date.touch()
    assert wholes([date]) == [date]
    assert pieces_of(tmp_path / "match 12.mp4") == ()


@pytest.mark.parametrize(
    ("numbers", "said"),
    [(("1", "3"), "there are 1, 3; number them 1, 2"), (("0", "1"), "there are 0, 1"), (("1", "01"), "has the number")],
)
def test_pieces_that_are_not_numbered_in_order_are_refused(tmp_path, numbers, said):
    for number in numbers:
        (tmp_path / f"match.{number}.mp4").touch()
    with pytest.raises(UserError, match=said):
        pieces_of(tmp_path / "match.mp4")
