"""A SQLite store: whole or not there, of our version, and with its artifacts beside it wherever it lies."""

import multiprocessing
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from rmsnet import tracking
from rmsnet.errors import UserError
from rmsnet.tracking import sqlite
from rmsnet.tracking.store import EXPERIMENT, our_client
from tests.builders import EXAMPLE, write_model


@pytest.fixture(autouse=True)
def at_home(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


def tables(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0])


def say(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def _die_while_it_is_made(folder: Path) -> None:
    os.chdir(folder)

    def make(path: Path) -> None:
        say(path, "CREATE TABLE experiments (name TEXT)")
        os._exit(9)

    sqlite._make = make
    tracking.versions("rmsnet")


def test_a_death_while_the_store_is_made_leaves_none_and_the_next_command_makes_it(tmp_path):
    process = multiprocessing.get_context("spawn").Process(target=_die_while_it_is_made, args=(tmp_path,))
    process.start()
    process.join()
    assert process.exitcode == 9
    assert not (tmp_path / "mlflow.db").exists()
    assert tracking.versions("rmsnet") == []
    assert tables(tmp_path / "mlflow.db") > 30
    assert not list(tmp_path.glob(".mlflow.db*"))


@pytest.mark.parametrize(
    "left",
    [
        (),
        ("CREATE TABLE experiments (experiment_id INTEGER, name TEXT)", "CREATE TABLE runs (run_uuid TEXT)"),
        ("CREATE TABLE alembic_version (version_num TEXT)", "INSERT INTO alembic_version VALUES ('451aebb31d03')"),
    ],
    ids=["nothing", "some tables", "a step of the way"],
)
def test_what_a_death_has_left_of_an_older_making_is_recognised_and_made_again(tmp_path, left, capsys):
    path = tmp_path / "mlflow.db"
    path.touch()
    say(path, *left)
    assert tracking.versions("rmsnet") == []
    assert tables(path) > 30
    assert ("its making was interrupted" in capsys.readouterr().err) == bool(left)


def test_a_store_that_was_emptied_or_gave_its_inode_to_another_file_is_made_again(tmp_path):
    path = tmp_path / "mlflow.db"
    assert tracking.versions("rmsnet") == []
    path.write_bytes(b"")
    assert tracking.versions("rmsnet") == []
    assert tables(path) > 30


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            "UPDATE alembic_version SET version_num = '451aebb31d03'",
            r"schema 451aebb31d03, ours is .*mlflow db upgrade",
        ),
        ("UPDATE alembic_version SET version_num = 'of tomorrow'", r"another version of MLflow \(schema of tomorrow"),
        ("DROP TABLE alembic_version", r"schema none"),
    ],
)
def test_a_store_of_another_version_is_not_changed_without_a_word(tmp_path, monkeypatch, change, says):
    with tracking.tracked_run("seed 0", (), {}):
        pass
    shutil.copy(tmp_path / "mlflow.db", tmp_path / "old.db")
    say(tmp_path / "old.db", change)
    before = (tmp_path / "old.db").read_bytes()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/old.db")
    with pytest.raises(UserError, match=says):
        tracking.versions("rmsnet")
    assert (tmp_path / "old.db").read_bytes() == before


def test_a_database_of_something_else_is_refused(tmp_path):
    say(tmp_path / "mlflow.db", "CREATE TABLE matches (name TEXT)")
    with pytest.raises(UserError, match="its tables are not MLflow's"):
        tracking.versions("rmsnet")


def registered(folder: Path) -> None:
    """A champion in the store of the working directory."""
    with tracking.tracked_run("seed 0", (), {}) as run:
        model_id = run.log_model(write_model(folder / "model"), EXAMPLE, {})
    version = tracking.create_version("rmsnet", model_id, run.run_id, {})
    tracking.set_alias("rmsnet", "champion", version.version)


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def project(tmp_path, monkeypatch):
    """The folder `one` with a champion in its store."""
    (tmp_path / "one").mkdir()
    monkeypatch.chdir(tmp_path / "one")
    registered(tmp_path)
    return tmp_path / "one"


def test_a_project_that_was_renamed_finds_its_champion_and_writes_where_it_is(project, monkeypatch):
    two = project.rename(project.with_name("two"))
    monkeypatch.chdir(two)
    assert two in tracking.model_folder("models:/rmsnet@champion").parents
    with tracking.tracked_run("seed 1", (), {}) as run:
        run.log_folder(two.parent / "model", "training")
    assert not project.exists()
    assert our_client().get_run(run.run_id).info.artifact_uri.startswith(str(two))
    import mlflow

    assert len(mlflow.pyfunc.load_model("models:/rmsnet@champion").predict(EXAMPLE))


def test_a_copy_of_a_project_never_writes_into_the_original(project, monkeypatch):
    (found,) = our_client().search_runs([our_client().get_experiment_by_name(EXPERIMENT).experiment_id])
    two = Path(shutil.copytree(project, project.with_name("two")))
    before = files(project)
    monkeypatch.chdir(two)
    assert two in tracking.model_folder("models:/rmsnet@champion").parents
    tracking.log_to_run(found.info.run_id, project.parent / "model", "more")
    assert files(project) == before
    assert (two / "mlruns" / found.info.run_id / "artifacts" / "more" / "config.json").exists()
    monkeypatch.chdir(project)
    assert project in tracking.model_folder("models:/rmsnet@champion").parents


def test_a_database_that_was_copied_without_its_artifacts_says_how_to_bring_them(project, monkeypatch, capsys):
    project.with_name("two").mkdir()
    shutil.copy(project / "mlflow.db", project.with_name("two"))
    monkeypatch.chdir(project.with_name("two"))
    tracking.versions("rmsnet")
    assert f"bring them: cp -a '{project}/mlruns' '{project.parent}/two/mlruns'" in capsys.readouterr().err


def test_another_name_of_the_same_folder_changes_nothing(project, monkeypatch):
    """A bind mount, a link: who writes at the other end must find its own names."""
    project.with_name("link").symlink_to(project)
    before = (project / "mlflow.db").read_bytes()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{project.parent}/link/mlflow.db")
    tracking.model_folder("models:/rmsnet@champion")
    assert (project / "mlflow.db").read_bytes() == before


def test_artifacts_that_somebody_keeps_elsewhere_stay_there(tmp_path):
    client = our_client()
    client.create_experiment(EXPERIMENT, str(tmp_path / "big disk"))
    with tracking.tracked_run("seed 0", (), {}) as run:
        pass
    assert our_client().get_run(run.run_id).info.artifact_uri.startswith(f"{tmp_path}/big disk/")


def test_experiments_in_a_folder_of_their_own_use_the_projects_store(tmp_path, monkeypatch):
    """DVC runs them below .dvc/tmp and removes that folder afterwards."""
    inside = tmp_path / ".dvc" / "tmp" / "exps" / "tmp1"
    inside.mkdir(parents=True)
    monkeypatch.chdir(inside)
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    monkeypatch.setenv("DVC_EXP_NAME", "loose-cannon")
    with tracking.tracked_run("seed 0", (), {}) as run:
        pass
    assert not list(inside.iterdir())
    monkeypatch.chdir(tmp_path)
    assert our_client().get_run(run.run_id).info.artifact_uri.startswith(f"{tmp_path}/mlruns/")
