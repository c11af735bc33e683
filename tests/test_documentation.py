"""The documentation as it is built: complete, linked, readable without server and network."""

import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from rmsnet.params import Params, TrainParams


@pytest.fixture(scope="module")
def site(repository, tmp_path_factory) -> Path:
    """The pages; a warning, of a link that leads nowhere for instance, is an error."""
    place = tmp_path_factory.mktemp("site")
    build(repository, place)
    return place / "html"


def build(repository: Path, place: Path) -> None:
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "-b", "html", "-d", place / "trees", "docs", place / "html"]
    done = subprocess.run(list(map(str, command)), cwd=repository, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def text_of(page: Path) -> str:
    return re.sub(r"<[^>]+>", "", page.read_text(encoding="utf-8"))


def test_every_document_is_a_page_and_in_the_contents(repository, site):
    contents = (site / "index.html").read_text(encoding="utf-8")
    for path in (repository / "docs").rglob("*.md"):
        page = path.relative_to(repository / "docs").with_suffix(".html").as_posix()
        assert (site / page).exists(), page
        assert page == "index.html" or f'href="{page}"' in contents, page


def test_pages_made_from_the_code_are_made_again_in_the_next_build(repository, site):
    pages = [site / f"{name}.html" for name in ("index", "reference/commands", "formats")]
    before = [page.stat().st_mtime_ns for page in pages]
    build(repository, site.parent)
    changed = [page.stat().st_mtime_ns != time for page, time in zip(pages, before, strict=True)]
    assert changed == [True, True, False]


def test_every_command_and_every_option_is_in_the_reference(repository, site):
    said = text_of(site / "reference" / "commands.html")
    for command in ("rmsnet data simulate", "rmsnet registry rollback", "rmsnet doctor", "python -m pipelines submit"):
        assert command in said
    assert "--foreground" not in said
    assert "--highlights" in said


def test_every_parameter_is_in_the_reference_with_range_and_advice(site):
    said = text_of(site / "reference" / "parameters.html")
    for section in fields(Params):
        assert section.name in said
    for item in fields(TrainParams):
        assert item.name in said
    assert "[0, 1)" in said
    assert "what follows an event tells its class" in said


def test_every_request_of_the_server_is_in_the_reference(site):
    said = text_of(site / "reference" / "http.html")
    assert all(request in said for request in ("POST /spot", "GET /health", "GET /metrics"))


def test_functions_show_their_docstrings(site):
    said = text_of(site / "reference" / "python.html")
    assert "rmsnet.training.stage.train_stage" in said
    assert "Average-mAP" in said


def test_nothing_is_fetched_when_a_page_opens(site):
    for page in site.rglob("*.html"):
        assert not re.search(r'<(script|link|img)[^>]*(src|href)="https?://', page.read_text(encoding="utf-8")), page


def test_the_search_needs_no_server(site):
    assert (site / "searchindex.js").read_text(encoding="utf-8").startswith("Search.setIndex(")
