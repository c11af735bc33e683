"""A match that was spotted, and its page in a browser."""

import pytest

from rmsnet.matches.stage import spot_stage
from tests.chromium import chromium
from tests.matches.builders import write_game, write_sure_model
from tests.matches.page.opened import GAME, LABELS, Opened


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with chromium(tmp_path_factory.mktemp("profile")) as page:
        yield page


@pytest.fixture(scope="module")
def spotted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    game = write_game(folder / "data" / GAME, videos=True, labels=LABELS)
    model = write_sure_model(folder / "model")
    spot_stage([game], str(model), folder / "out", stride=8, confidence=0.0)
    return folder


@pytest.fixture
def match(browser, spotted):
    browser.open(spotted / "out/report.html")
    browser.wait("video.readyState > 0")
    browser.requested.clear()
    return Opened(browser, spotted / "out", spotted)
