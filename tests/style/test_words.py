from rmsnet.style.words import counted


def test_one_is_one_and_all_else_are_many():
    assert [counted(number, "game") for number in (0, 1, 2, 1000)] == ["0 games", "1 game", "2 games", "1,000 games"]
