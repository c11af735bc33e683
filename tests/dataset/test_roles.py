"""What each game is for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmsnet.dataset import roles
from rmsnet.dataset.roles import SHARES, split
from rmsnet.dataset.soccernet import every_second, list_dataset, open_dataset
from rmsnet.errors import UserError
from tests.builders import write_labels, write_lists


def games(root, *names: str):
    for name in names:
        (root / "league" / "season" / name).mkdir(parents=True)
        write_labels(root / "league" / "season" / name, [])
    return root


def test_every_game_of_ones_own_gets_a_role(tmp_path):
    games(tmp_path, *(f"game {number}" for number in range(40)))
    made = split(tmp_path)
    assert {role: len(of) for role, of in made.items()} == {"train": 20, "valid": 4, "test": 6, "gate": 10}
    assert open_dataset(tmp_path).splits == {name: made[name] for name in ("train", "valid", "test", "gate")}


def test_a_game_keeps_its_role_when_others_are_added(tmp_path):
    before = split(games(tmp_path, *(f"game {number}" for number in range(20))))
    after = split(games(tmp_path, *(f"later {number}" for number in range(20))))
    assert all(set(before[role]) <= set(after[role]) for role in SHARES)
    assert {role: len(of) for role, of in after.items()} == {"train": 20, "valid": 4, "test": 6, "gate": 10}
    assert split(tmp_path) == after


def test_lists_without_the_gates_give_it_every_second_game_of_valid(tmp_path):
    names = [f"game {number}" for number in range(8)]
    listed = [f"league/season/{name}" for name in names]
    games(tmp_path, *names)
    write_lists(tmp_path, train=listed[:3], valid=listed[3:7], test=listed[7:])
    made = split(tmp_path)
    assert (made["valid"], made["gate"]) == ((listed[3], listed[5]), (listed[4], listed[6]))
    assert made["train"] == tuple(listed[:3])


def test_of_soccernets_hundred_valid_games_fifty_are_the_gates(tmp_path):
    pytest.importorskip("SoccerNet")
    listed = list_dataset(tmp_path).splits
    assert {name: len(of) for name, of in listed.items()} == {"train": 300, "valid": 50, "test": 100, "gate": 50}
    assert not set(listed["valid"]) & set(listed["gate"])
    assert len({game.split("/")[0] for game in listed["gate"]}) == 6
    assert len(list_dataset(tmp_path, ("valid",)).splits["valid"]) == 100


def test_a_dataset_with_lists_of_its_own_has_no_gate_until_it_lists_one(tmp_path):
    write_lists(tmp_path, "own", train=["a/b/c"], valid=["a/b/d", "a/b/e"])
    assert "gate" not in list_dataset(tmp_path).splits


def test_too_few_games_for_four_roles_are_refused(tmp_path):
    with pytest.raises(UserError, match="3 games with labels; at least 4 are needed"):
        split(games(tmp_path, "one", "two", "three"))


@given(st.sets(st.text(alphabet="abcdef", min_size=1), min_size=4, max_size=60))
def test_each_game_has_one_role_and_no_role_is_empty(names):
    counts = dict.fromkeys(SHARES, 0)
    for _ in names:
        counts[roles._most_wanting(counts)] += 1
    assert min(counts.values()) >= 1
    assert sum(counts.values()) == len(names)
    assert all(abs(count - SHARES[role] * len(names)) <= 2 for role, count in counts.items())


@given(st.lists(st.integers()))
def test_valid_and_the_gate_share_the_list_evenly(listed):
    stay, for_gate = every_second(listed)
    assert len(stay) - len(for_gate) in (0, 1)
    assert sorted([*stay, *for_gate]) == sorted(listed)
