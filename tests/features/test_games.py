"""A game is known by its content, whatever it is called."""

from dataclasses import replace

import pytest

from rmsnet.errors import UserError
from rmsnet.features.games import (
    GAMES_FILE,
    all_keys,
    combine_used_games,
    game_keys,
    read_used_games,
    require_apart,
    write_used_games,
)
from tests.builders import bank, learnable_bank


def renamed(made, prefix: str = "new"):
    return replace(made, halves=tuple(replace(half, game=f"{prefix} {half.game}") for half in made.halves))


def test_a_renamed_game_keeps_its_keys():
    made = learnable_bank(3)
    assert list(game_keys(renamed(made)).values()) == list(game_keys(made).values())
    assert len(all_keys(made)) == 6


def test_a_game_that_was_extracted_by_another_recipe_or_annotated_anew_is_the_same_game():
    made = learnable_bank(1)
    other_features = replace(made, features=made.features + 1)
    other_labels = replace(made, truth=replace(made.truth, position_ms=made.truth.position_ms + 1000))
    for other in (other_features, other_labels):
        assert len(all_keys(made) & all_keys(other)) == 1
    assert not all_keys(other_features) & all_keys(other_labels)


def test_two_games_with_the_same_two_events_are_two_games():
    events = [(0, 3, 0), (1, 5, 1)]
    assert not all_keys(bank([50, 50], events)) & all_keys(bank([50, 50], events, seed=1))


def test_a_game_of_the_gate_with_another_role_is_refused_whatever_it_is_called():
    gate, train = learnable_bank(2), learnable_bank(2, seed=1)
    require_apart(gate, {"train": train})
    with pytest.raises(UserError, match="gate: league/season/game 0 is the game that is new league/season/game 0 in t"):
        require_apart(gate, {"valid": train, "train": renamed(gate)})


def test_a_model_says_what_it_learned_from_and_was_chosen_by(tmp_path):
    learned, chosen = learnable_bank(2), learnable_bank(1, seed=1)
    write_used_games(tmp_path, learned, chosen)
    used = read_used_games(tmp_path)
    assert (used.learned, used.chosen) == (all_keys(learned), all_keys(chosen))


def test_a_model_made_of_others_has_used_all_that_they_have_and_says_nothing_where_one_says_nothing(tmp_path):
    folders = [tmp_path / name for name in ("one", "two", "together")]
    for number, folder in enumerate(folders[:2]):
        write_used_games(folder, learnable_bank(2, seed=number), learnable_bank(1, seed=5))
    combine_used_games(folders[:2], folders[2])
    assert read_used_games(folders[2]).learned == all_keys(learnable_bank(2)) | all_keys(learnable_bank(2, seed=1))
    (folders[0] / GAMES_FILE).unlink()
    (folders[2] / GAMES_FILE).unlink()
    combine_used_games(folders[:2], folders[2])
    assert read_used_games(folders[2]) is None


@pytest.mark.parametrize("content", ["[]", '{"learned": 3, "chosen": []}', '{"learned": [1], "chosen": []}'])
def test_a_damaged_list_of_games_is_one_line(tmp_path, content):
    (tmp_path / GAMES_FILE).write_text(content)
    with pytest.raises(UserError, match="restore the model or train it again"):
        read_used_games(tmp_path)
