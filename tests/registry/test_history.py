"""Aliases follow the records: races, deaths in the middle, and hands in the registry."""

import shutil
import threading
from contextlib import suppress

import pytest

from rmsnet import tracking
from rmsnet.errors import CheckFailed, UserError
from rmsnet.registry import history as module
from rmsnet.registry.history import CHALLENGER, CHAMPION, PREVIOUS, change_aliases, history, rolled_back, settle
from rmsnet.registry.stage import rollback
from rmsnet.tracking.store import client_of, our_client
from tests.builders import EXAMPLE, write_model
from tests.registry.deaths import Died, mortal

NAME = "rmsnet"
VERSIONS = 3


@pytest.fixture(scope="module")
def store_with_versions(tmp_path_factory):
    """A store with three versions and nothing decided about them."""
    root = tmp_path_factory.mktemp("versions")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{root}/mlflow.db")
        register_versions(root)
    return root / "mlflow.db"


def register_versions(root) -> None:
    for number in range(VERSIONS):
        with tracking.tracked_run(f"seed {number}", (), {}) as run:
            model_id = run.log_model(write_model(root / f"model{number}", number), EXAMPLE, {})
        tracking.create_version(NAME, model_id, run.run_id, {})


@pytest.fixture
def store(store_with_versions, tmp_path, monkeypatch):
    shutil.copytree(store_with_versions.parent, tmp_path, dirs_exist_ok=True)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")


def promote(version: int, state=None, why: str = "better"):
    before = settle(NAME)[1] if state is None else state
    targets = {PREVIOUS: before.get(CHAMPION), CHAMPION: version, CHALLENGER: None}
    return change_aliases(NAME, "promote", targets, before, why, f"runs:/x/decisions/{version}")


def test_a_change_is_a_record_that_says_who_when_from_to_and_why(store):
    promote(1)
    promote(2, why="much better")
    changes, state = history(NAME)
    assert state == tracking.aliases(NAME) == {CHAMPION: 2, PREVIOUS: 1}
    last = changes[-1]
    assert (last.number, last.kind, last.why, last.decision) == (2, "promote", "much better", "runs:/x/decisions/2")
    assert last.moves == {CHAMPION: (1, 2), PREVIOUS: (None, 1)}
    assert "@" in last.who
    assert last.when.endswith("+00:00")
    assert last.holds
    assert last.applied


def test_a_record_of_the_history_still_loads_the_model_of_its_time(store):
    promote(1)
    promote(2)
    for number in (1, 2):
        of_the_time = tracking.model_folder(f"models:/{NAME}-history/{number}") / "model.safetensors"
        assert (
            of_the_time.read_bytes()
            == (tracking.model_folder(f"models:/{NAME}/{number}") / "model.safetensors").read_bytes()
        )


def test_of_two_promotions_from_the_same_state_the_first_wins_and_the_second_is_told(store):
    promote(1)
    seen = settle(NAME)[1]
    promote(2, seen)
    with pytest.raises(CheckFailed, match=r"somebody else was first: @previous is 1, @champion is 2 now"):
        promote(3, seen)
    assert tracking.aliases(NAME) == {CHAMPION: 2, PREVIOUS: 1}
    assert [change.holds for change in history(NAME)[0]] == [True, True, False]


@pytest.mark.parametrize("_", range(3))
def test_promotions_at_the_same_moment_have_one_winner(store, _):
    promote(1)
    seen = settle(NAME)[1]
    start = threading.Barrier(2)
    answers = {}

    def run(version: int) -> None:
        start.wait()
        try:
            answers[version] = promote(version, seen)
        except CheckFailed as error:
            answers[version] = error

    threads = [threading.Thread(target=run, args=(version,)) for version in (2, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    losers = [version for version, answer in answers.items() if isinstance(answer, CheckFailed)]
    assert len(losers) == 1
    assert tracking.aliases(NAME) == {CHAMPION: ({2, 3} - set(losers)).pop(), PREVIOUS: 1}
    assert settle(NAME)[1] == tracking.aliases(NAME)


@pytest.mark.parametrize("calls_before_death", range(5))
def test_a_death_in_the_middle_leaves_the_old_champion_or_the_new_one_and_is_finished_later(
    store, monkeypatch, calls_before_death
):
    """The process dies before its n-th write to the registry: the record, an alias, the mark."""
    promote(1)
    change_aliases(NAME, "register", {CHALLENGER: 2}, settle(NAME)[1], "new", None)
    before, after = {CHAMPION: 1, CHALLENGER: 2}, {CHAMPION: 2, PREVIOUS: 1}
    writes = 0
    with monkeypatch.context() as patch:
        for function in ("append_record", "set_alias", "mark_applied"):
            write = getattr(tracking, function)

            def mortal(*arguments, write=write):
                nonlocal writes
                if writes == calls_before_death:
                    raise Died
                writes += 1
                return write(*arguments)

            patch.setattr(module.tracking, function, mortal)
        with pytest.raises(Died):
            promote(2)
    assert tracking.aliases(NAME)[CHAMPION] == (1 if calls_before_death < 3 else 2)
    settle(NAME)
    assert tracking.aliases(NAME) == (before if calls_before_death == 0 else after)
    assert all(change.applied for change in history(NAME)[0])


@pytest.mark.parametrize("lives", range(5))
def test_a_rollback_that_died_anywhere_goes_back_one_version_and_not_two(store, monkeypatch, lives):
    for version in (1, 2, 3):
        promote(version)
    with monkeypatch.context() as patch:
        mortal(patch, lives)
        with suppress(Died):
            rollback(NAME, "bad")
    assert rollback(NAME, "bad").moves[CHAMPION] == (3, 2)
    assert rollback(NAME, "bad").moves[CHAMPION] == (3, 2)
    assert tracking.aliases(NAME) == {CHAMPION: 2, PREVIOUS: 1}
    assert [change.kind for change in history(NAME)[0]] == ["promote"] * 3 + ["rollback"]


def test_an_interrupted_rollback_is_finished_whatever_is_said_the_second_time(store, monkeypatch):
    for version in (1, 2, 3):
        promote(version)
    with monkeypatch.context() as patch, suppress(Died):
        mortal(patch, 1)
        rollback(NAME, "bad")
    assert rollback(NAME, "misses cards").moves[CHAMPION] == (3, 2)
    assert rollback(NAME, "misses cards in the next one too").moves[CHAMPION] == (2, 1)
    assert rollback(NAME, "once more", to=1).moves[CHAMPION] == (2, 1)


def test_aliases_that_were_moved_by_hand_become_a_record(store):
    promote(1)
    our_client().set_registered_model_alias(NAME, CHAMPION, "3")
    changes, state = settle(NAME)
    assert state == {CHAMPION: 3}
    assert (changes[-1].kind, changes[-1].moves) == ("outside", {CHAMPION: (1, 3)})
    assert len(settle(NAME)[0]) == len(changes)


def test_a_champion_that_was_deleted_is_no_champion(store):
    promote(1)
    our_client().delete_model_version(NAME, "1")
    changes, state = settle(NAME)
    assert state == {}
    assert changes[-1].moves == {CHAMPION: (1, None)}
    assert promote(2).moves[CHAMPION] == (None, 2)


def test_a_registry_that_was_emptied_starts_again_with_its_history(store):
    promote(1)
    our_client().delete_registered_model(NAME)
    assert settle(NAME)[1] == {}
    assert [change.kind for change in history(NAME)[0]] == ["promote", "outside"]


def test_a_history_that_was_emptied_starts_again_with_what_is_there(store):
    promote(1)
    our_client().delete_registered_model(f"{NAME}-history")
    changes, state = settle(NAME)
    assert state == {CHAMPION: 1}
    assert [change.kind for change in changes] == ["outside"]


def test_a_version_in_the_history_that_is_no_record_is_named(store):
    promote(1)
    our_client().create_model_version(f"{NAME}-history", f"models:/{NAME}/2", await_creation_for=0)
    with pytest.raises(UserError, match=r"rmsnet-history version 2: is no record"):
        settle(NAME)


def test_other_peoples_aliases_are_left_alone(store):
    our_client().set_registered_model_alias(NAME, "canary", "3")
    promote(1)
    promote(2)
    assert tracking.aliases(NAME)["canary"] == 3
    assert len(history(NAME)[0]) == 2


def test_a_version_counts_as_rolled_back_until_it_is_promoted_again(store):
    models = {version.version: version.model_id for version in tracking.versions(NAME)}
    promote(1)
    promote(2)
    change_aliases(NAME, "rollback", {CHAMPION: 1, PREVIOUS: None}, settle(NAME)[1], "bad", None)
    assert rolled_back(history(NAME)[0]) == {models[2]}
    promote(2)
    assert rolled_back(history(NAME)[0]) == set()


def test_the_same_on_a_real_server(mlflow_address, tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_address)
    register_versions(tmp_path)
    promote(1)
    seen = settle(NAME)[1]
    promote(2, seen)
    with pytest.raises(CheckFailed, match="somebody else was first"):
        promote(3, seen)
    assert tracking.aliases(NAME) == {CHAMPION: 2, PREVIOUS: 1}
    folder = tracking.model_folder(f"models:/{NAME}@champion")
    assert (folder / "model.safetensors").read_bytes() == (tmp_path / "model1" / "model.safetensors").read_bytes()
    client_of(mlflow_address).delete_registered_model(NAME)
    assert settle(NAME)[1] == {}
