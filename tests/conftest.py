"""What several test files need."""

import inspect
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.mlflow_server import mlflow_server

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
def mlflow_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real MLflow server, one for all tests of a process."""
    with mlflow_server(tmp_path_factory.mktemp("mlflow-server")) as address:
        yield address
