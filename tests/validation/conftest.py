import shutil

import pytest

from tests.validation.datasets import make_dataset


@pytest.fixture(scope="session")
def good(tmp_path_factory):
    """A tiny dataset that passes every check; tests leave it as it is."""
    return make_dataset(tmp_path_factory.mktemp("good") / "data")


@pytest.fixture
def dataset(good, tmp_path):
    """A copy that a test may spoil."""
    shutil.copytree(good, tmp_path / "data")
    return tmp_path / "data"
