"""What each game is for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmsnet.dataset import roles
from rmsnet.dataset.roles import SHARES, deal, split
from rmsnet.dataset.soccernet import every_second, list_dataset, open_dataset
from rmsnet.errors import UserError
from rmsnet.files import write_json
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


NAMES = st.sets(st.text(alphabet="abcdef", min_size=1), max_size=20)


@given(st.sets(st.text(alphabet="uvwxyz", min_size=1), min_size=4, max_size=20), st.lists(NAMES, max_size=6))
def test_whatever_is_added_no_game_ever_changes_its_role(first, added):
    """So none moves from what is judged by to what is trained on, or back; and the shares stay what they are."""
    listed = deal(dict.fromkeys(SHARES, ()), first)
    for more in added:
        known = {game for games in listed.values() for game in games}
        after = deal(listed, more - known)
        for role in SHARES:
            assert after[role][: len(listed[role])] == listed[role]
        every = [game for games in after.values() for game in games]
        assert sorted(every) == sorted(known | more)
        assert all(abs(len(after[role]) - share * len(every)) <= 2 for role, share in SHARES.items())
        listed = after


@pytest.mark.parametrize("written", range(4))
def test_a_game_of_the_gate_is_not_trained_on_after_a_death_between_two_lists(written, tmp_path, monkeypatch):
    """Of lists without the gate's, which takes games out of valid, and with new games to deal."""
    names = [f"game {number}" for number in range(8)]
    listed = [f"league/season/{name}" for name in names]
    games(tmp_path, *names, *(f"new {number}" for number in range(8)))
    write_lists(tmp_path, train=listed[:2], valid=listed[2:7], test=listed[7:])
    left = iter(range(written))

    def dying(path, document):
        if next(left, None) is None:
            raise KeyboardInterrupt
        write_json(path, document)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(roles, "write_json", dying)
        split(tmp_path)
    made = split(tmp_path)
    assert not set(made["train"]) & set(listed[2:])
    assert set(listed[2:7]) <= {*made["valid"], *made["gate"]}
    every = [game for of in made.values() for game in of]
    assert len(every) == len(set(every)) == 16


def test_a_game_that_is_trained_on_and_judged_by_is_refused(tmp_path):
    names = [f"game {number}" for number in range(6)]
    listed = [f"league/season/{name}" for name in names]
    write_lists(games(tmp_path, *names), train=listed[:3], valid=listed[2:4], test=listed[4:])
    (tmp_path / "SoccerNetGamesGate.json").write_text("[]")
    with pytest.raises(UserError, match=r"game 2 is in SoccerNetGamesValid\.json too"):
        split(tmp_path)


@given(st.lists(st.integers()))
def test_valid_and_the_gate_share_the_list_evenly(listed):
    stay, for_gate = every_second(listed)
    assert len(stay) - len(for_gate) in (0, 1)
    assert sorted([*stay, *for_gate]) == sorted(listed)
