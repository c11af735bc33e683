"""A SQLite store: made whole or not at all, its artifacts beside its file wherever that lies, one owner at a time.

mlflow.db    what MLflow's tables hold; made beside and renamed, so that a death leaves no store or a whole one
mlruns/      artifacts; where folder and file were moved or copied together, the file learns the new place
"""

import fcntl
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from rmsnet.errors import UserError
from rmsnet.files import atomic_file
from rmsnet.logs import log
from rmsnet.waiting import wait_until

ARTIFACTS = "mlruns"

LOCK_SECONDS = 300.0
"""For who makes the tables, on the slowest of machines: the lock of a dead process is free."""

_MAGIC = b"SQLite format 3\0"

_PLACES = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "storage_location"),
    ("model_versions", "source"),
)
"""Columns of MLflow's tables that say where artifacts lie."""


def uri_of(path: Path) -> str:
    return f"sqlite:///{path}"


def require_place(path: Path) -> None:
    """Refuse a place that MLflow reads as another: options begin at '?', and escapes count in plain paths, too.

    Raises:
        UserError: it says what in the name it is.
    """
    found = re.search(r"\?|%[0-9A-Fa-f]{2}", str(path))
    if found:
        raise UserError(
            f"{path}: a store cannot lie where a name holds '{found[0]}', which MLflow takes for something else; "
            "rename the folder, or name another place: MLFLOW_TRACKING_URI (of the spool: RMSNET_SPOOL)"
        )


def prepare(path: Path, experiment: str) -> None:
    """Make the store if there is none yet, and see to it that what it says of its artifacts is true.

    Args:
        path: of the database, absolute.
        experiment: whose artifacts lie beside it.

    Raises:
        UserError: no store of MLflow, one of another version, or no place for one.
        OSError: it cannot be written or read.
    """
    require_place(path)
    if not _is_prepared(path, experiment):
        path.parent.mkdir(parents=True, exist_ok=True)
        with locked(path):
            if not _holds_tables(path):
                with atomic_file(path) as partial:
                    _make(partial)
                    for left in ("-journal", "-wal", "-shm"):  # of a file that was not whole
                        path.with_name(f"{path.name}{left}").unlink(missing_ok=True)
            _move_artifacts(path, experiment)
            _seen_whole.add(_identity(path))


_seen_whole: set[tuple[int, int]] = set()
"""Files that this process knows for stores of our version, whole when it looked."""


def _identity(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_dev, status.st_ino


def _is_prepared(path: Path, experiment: str) -> bool:
    if not path.exists() or _identity(path) not in _seen_whole:
        return False
    place = "(SELECT artifact_location FROM experiments WHERE name = ?)"
    found = read(path, f"SELECT version_num, {place} FROM alembic_version", experiment)
    return [row[0] for row in found] == [newest_revision()] and _moved_from(path, found[0][1]) is None


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock of a store on this machine: what is looked up inside is still so when it is acted on."""
    with path.with_name(f"{path.name}.lock").open("w") as file:
        wait_until(f"the lock of {path}", lambda: _lock(file.fileno()), LOCK_SECONDS)
        yield


def _lock(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def read(path: Path, question: str, *values: str) -> list[tuple[object, ...]]:
    """What a table says; nothing where it is not there."""
    with closing(sqlite3.connect(path, timeout=30)) as connection:
        try:
            return connection.execute(question, values).fetchall()
        except sqlite3.OperationalError as error:
            if "no such table" in str(error) or "no such column" in str(error):
                return []
            raise OSError(f"{path}: {error}") from None


def _holds_tables(path: Path) -> bool:
    """Whether a file is a store of MLflow as we know it; False: nothing, or what a death has left of making one.

    Raises:
        UserError: it is something else: no database, or one of another version that holds something.
    """
    if not path.exists() or path.stat().st_size == 0:
        return False
    with path.open("rb") as file:
        if file.read(len(_MAGIC)) != _MAGIC:
            raise UserError(f"{path}: cannot be used as MLflow store (it is no SQLite database)")
    try:
        revisions = {str(row[0]) for row in read(path, "SELECT version_num FROM alembic_version")}
        ours = newest_revision()
        if revisions == {ours}:
            return True
        tables = read(path, "SELECT name FROM sqlite_master WHERE type = 'table'")
        held = [
            read(path, question)
            for question in (
                "SELECT run_uuid FROM runs LIMIT 1",
                "SELECT name FROM registered_models LIMIT 1",
                "SELECT name FROM experiments WHERE name <> 'Default' LIMIT 1",
            )
        ]
    except sqlite3.DatabaseError as error:
        raise UserError(f"{path}: cannot be used as MLflow store ({error})") from None
    known = {("experiments",), ("runs",), ("alembic_version",)}
    if not tables or (known & set(tables) and not any(held)):
        log.warning(f"{path}: its making was interrupted; it holds nothing and is made again")
        return False
    if not known & set(tables):
        raise UserError(f"{path}: cannot be used as MLflow store (its tables are not MLflow's)")
    theirs = ", ".join(sorted(revisions)) or "none"
    raise UserError(
        f"{path}: was written by another version of MLflow (schema {theirs}, ours is {ours}); keep a copy, then: "
        f"mlflow db upgrade {uri_of(path)}"
    )


@cache
def newest_revision() -> str:
    """The schema of MLflow's tables that we write: the migration that none follows. MLflow's import takes seconds."""
    found = find_spec("mlflow")
    assert found is not None
    assert found.submodule_search_locations is not None
    folder = Path(found.submodule_search_locations[0], "store", "db_migrations", "versions")
    migrations = "\n".join(path.read_text(encoding="utf-8") for path in folder.glob("*.py"))
    made, followed = (
        set(re.findall(rf'^{name} = "(\w+)"', migrations, re.MULTILINE)) for name in ("revision", "down_revision")
    )
    (newest,) = made - followed
    return str(newest)


def _make(path: Path) -> None:
    """A new database with MLflow's tables, some of which it makes when it is asked for them."""
    import mlflow

    client = mlflow.MlflowClient(uri_of(path), uri_of(path))
    client.search_experiments(max_results=1)
    client.search_registered_models(max_results=1)


def moved_from(path: Path, experiment: str) -> str | None:
    """Where the experiment's artifacts were when its folder had another name; None: where they are."""
    found = read(path, "SELECT artifact_location FROM experiments WHERE name = ?", experiment)
    return _moved_from(path, found[0][0]) if found else None


def _moved_from(path: Path, location: object) -> str | None:
    """The same of what the store says; None, too, where it has no such experiment."""
    if location is None:
        return None
    said = str(location)
    place = Path(said.removeprefix("file://"))
    if not place.is_absolute() or place.name != ARTIFACTS or place == path.parent / ARTIFACTS:
        return None  # an object store, or a folder that somebody has chosen
    twin = place.with_name(path.name)
    return None if twin.exists() and twin.samefile(path) else said


def _move_artifacts(path: Path, experiment: str) -> None:
    """Let all that lay beside the database lie beside it again; what a copy was made from is not touched."""
    before = moved_from(path, experiment)
    if before is None:
        return
    place = path.parent / ARTIFACTS
    with closing(sqlite3.connect(path, timeout=30)) as connection, connection:
        for table, column in _PLACES:
            connection.execute(
                f"UPDATE {table} SET {column} = ? || substr({column}, ?) WHERE substr({column} || '/', 1, ?) = ?",
                (str(place), len(before) + 1, len(before) + 1, f"{before}/"),
            )
    old = Path(before.removeprefix("file://"))
    if not place.exists() and old.exists():
        log.warning(f"{path} was copied without its artifacts; bring them: cp -a '{old}' '{place}'")
