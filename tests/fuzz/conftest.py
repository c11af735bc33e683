import pytest

from tests.fuzz.world import make_world


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    """One file of every kind; who breaks one makes it whole again."""
    return make_world(tmp_path_factory.mktemp("world"))
