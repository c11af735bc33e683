"""What several test files need."""

import inspect
import os
import shutil
import sqlite3
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from functools import cache
from pathlib import Path
from typing import Any

import importlib_metadata
import pytest
from filelock import FileLock
from hypothesis import settings

from rmsnet.tracking import sqlite
from tests.mlflow_server import mlflow_server
from tests.pictures import not_rendered
from tests.warm_python import warm_python

# Slow on a busy machine is not wrong.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


def bare_stack(context: int = 1) -> list[inspect.FrameInfo]:
    """The callers without their sources, which Python looks for through every module that was ever imported.

    Kubeflow's compiler asks for the name of its caller at each setting of a task: beneath pytest, seconds a pipeline.
    """
    return [
        inspect.FrameInfo(frame, frame.f_code.co_filename, line, frame.f_code.co_name, None, None)
        for frame, line in traceback.walk_stack(sys._getframe(1))
    ]


inspect.stack = bare_stack

# MLflow compares what a model needs with what is installed whenever it loads one, and reads it anew each time.
importlib_metadata.version = cache(importlib_metadata.version)

SHARED = Path(__file__).resolve().parents[2] / "shared"


Once = Callable[[str, Callable[[Path], None]], Path]

LONGEST_FIRST = (
    "test_pipeline.py",
    "components/test_plan_study.py",
    "video/test_road.py",
    "components/test_train.py",
    "tracking/test_team_server.py",
    "tracking/test_runs.py",
    "registry/test_audit.py",
    "test_real_annotations.py",
    "test_own_sport.py",
    "test_shown_commands.py",
    "test_parts.py",
    "test_circle.py",
    "components/test_own_sport.py",
    "training/test_distributed.py",
    "benchmarks/test_gpu.py",
    "pipelines/test_trainjob.py",
)
"""Files that take long, so that two processes end together; what the components share is made beside test_pipeline."""


COSTLY = frozenset(
    {"mlflow_address", "python_folder", "finished_workshop", "finished_study", "ran", "spotted", "ablated"}
)
"""Fixtures that start servers or processes, or train: what needs one is slow, `make check` leaves it to `make test`."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if COSTLY.intersection(getattr(item, "fixturenames", ())):
            item.add_marker("slow")
    if "PYTEST_XDIST_WORKER" in os.environ:
        place = {Path(__file__).parent / name: number for number, name in enumerate(LONGEST_FIRST)}
        items.sort(key=lambda item: place.get(item.path, len(place)))


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest) -> Iterator[Any]:
    """Empty the folders of a test, and of a file's fixtures, when it has passed: a whole run would leave 12 GB.

    The folders stay, so that no later test gets the path of an earlier one, by which MLflow remembers stores.
    """
    if fixturedef.argname != "tmp_path" and (
        fixturedef.scope == "session" or "tmp_path_factory" not in fixturedef.argnames
    ):
        return (yield)
    base = request.getfixturevalue("tmp_path_factory").getbasetemp()
    before, failed, made = set(base.iterdir()), request.session.testsfailed, list[Path]()

    def empty() -> None:
        if request.session.testsfailed == failed:
            for path in (path for folder in made if folder.exists() for path in folder.iterdir()):
                shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink()

    fixturedef.addfinalizer(empty)
    try:
        return (yield)
    finally:
        made.extend(set(base.iterdir()) - before - {base / "made"})  # there `once` keeps what all share


@pytest.fixture(scope="session", autouse=True)
def temporary_files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What this process and those that it starts leave among the temporary files goes with it.

    Not below pytest's folder: it is closed to other users, as whom some programs run, and too deep for addresses of
    sockets, which have 108 bytes.
    """
    tmp_path_factory.getbasetemp()  # has its own place
    folder = tempfile.mkdtemp(prefix="rmsnet-tests-")
    Path(folder).chmod(0o711)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", folder)
        patch.setattr(tempfile, "tempdir", None)
        yield
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all processes of a test run."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session")
def once(shared_folder: Path) -> Once:
    """Make a folder once, whichever process asks first."""

    def once(name: str, make: Callable[[Path], None]) -> Path:
        folder = shared_folder / "made" / name
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / "lock"):
            if not (folder / "done").exists():
                make(folder)
                (folder / "done").touch()
        return folder

    return once


@pytest.fixture(scope="session")
def store_template(once: Once) -> Callable[[], Path]:
    """Makes an empty SQLite store, whose tables MLflow makes in 70 steps, when somebody asks, and once."""
    make = sqlite._make
    return lambda: once("mlflow-template", lambda folder: make(folder / "mlflow.db")) / "mlflow.db"


@pytest.fixture(scope="session", autouse=True)
def stores_from_a_template(store_template: Callable[[], Path]) -> Iterator[None]:
    """A new SQLite store of this process starts as a copy of the first one.

    Processes that a test starts make theirs anew.
    """

    def copy(path: Path) -> None:
        shutil.copy(store_template(), path)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sqlite, "_make", copy)
        yield


@pytest.fixture(scope="session")
def shared() -> Path:
    """Real SoccerNet annotations, splits, predictions and clips, where they lie beside the checkout."""
    if not (SHARED / "soccernet").is_dir():
        pytest.skip("no real SoccerNet material beside the checkout")
    return SHARED


@pytest.fixture(scope="session")
def repository() -> Path:
    """The checkout."""
    return Path(__file__).resolve().parents[1]


@pytest.fixture
def no_pictures() -> Iterator[None]:
    """For a test of what stands beside the pictures."""
    with not_rendered():
        yield


WARM = pytest.StashKey[Path]()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """The processes of pytest-xdist share one warm Python; it loads its libraries when the first of them asks."""
    config = node.config
    if WARM not in config.stash:
        stack = ExitStack()
        config.stash[WARM] = stack.enter_context(warm_python())
        config.add_cleanup(stack.close)
    node.workerinput["python_folder"] = str(config.stash[WARM])


@pytest.fixture(scope="session")
def python_folder(pytestconfig: pytest.Config) -> Iterator[Path]:
    """Where a `python` and a `dvc` lie that start at once, see `tests.warm_python`; to be put first on PATH."""
    shared = getattr(pytestconfig, "workerinput", {}).get("python_folder")
    if shared is not None:
        yield Path(shared)
        return
    with warm_python() as folder:
        yield folder


@pytest.fixture(scope="session")
def mlflow_address(tmp_path_factory: pytest.TempPathFactory, store_template: Callable[[], Path]) -> Iterator[str]:
    """The address of a real MLflow server, one for all tests of a process."""
    folder = tmp_path_factory.mktemp("mlflow-server")
    shutil.copy(store_template(), folder / "server.db")
    with closing(sqlite3.connect(folder / "server.db")) as store, store:
        store.execute("UPDATE experiments SET artifact_location = 'mlflow-artifacts:/0'")  # as a server makes it
    with mlflow_server(folder) as address:
        yield address
