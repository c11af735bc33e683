"""What several test files need."""

from pathlib import Path

import pytest

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
