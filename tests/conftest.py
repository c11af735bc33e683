"""What several test files need."""

import inspect
import os
import shutil
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from rmsnet.tracking import sqlite
from tests.mlflow_server import mlflow_server
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

SHARED = Path(__file__).resolve().parents[2] / "shared"


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


COSTLY = frozenset({"mlflow_address", "python_folder", "finished_workshop", "study", "ran", "spotted", "ablated"})
"""Fixtures that start servers or processes, or train: what needs one is slow, `make check` leaves it to `make test`."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if COSTLY.intersection(getattr(item, "fixturenames", ())):
            item.add_marker("slow")
    if "PYTEST_XDIST_WORKER" in os.environ:
        place = {Path(__file__).parent / name: number for number, name in enumerate(LONGEST_FIRST)}
        items.sort(key=lambda item: place.get(item.path, len(place)))


@pytest.fixture(scope="session", autouse=True)
def stores_from_a_template(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A new SQLite store of this process starts as a copy of the first one, whose tables MLflow has made in 70 steps.

    Processes that a test starts make theirs anew.
    """
    make = sqlite._make
    template = tmp_path_factory.mktemp("mlflow-template") / "mlflow.db"

    def copy(path: Path) -> None:
        if not template.exists():
            make(template)
        shutil.copy(template, path)

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


@pytest.fixture(scope="session")
def python_folder() -> Iterator[Path]:
    """Where a `python` lies that starts at once, see `tests.warm_python`; to be put first on PATH."""
    with warm_python() as folder:
        yield folder


@pytest.fixture(scope="session")
def mlflow_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real MLflow server, one for all tests of a process."""
    with mlflow_server(tmp_path_factory.mktemp("mlflow-server")) as address:
        yield address
