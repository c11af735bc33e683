"""What is built for others to install holds what it needs, and nothing else."""

import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from rmsnet import __version__


@pytest.fixture(scope="module")
def built(repository, tmp_path_factory) -> Path:
    """A folder with the wheel and the source distribution of the tracked files."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("dist")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=repository, capture_output=True, text=True, check=True)
    for name in filter(None, listed.stdout.split("\0")):
        if (repository / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(repository / name, source / name)
    build = f"from setuptools import build_meta as b; b.build_wheel({str(out)!r}); b.build_sdist({str(out)!r})"
    subprocess.run([sys.executable, "-c", build], cwd=source, capture_output=True, check=True)
    return out


@pytest.mark.slow
def test_the_wheel_says_its_version_and_has_pages_types_and_no_tests(built, tmp_path):
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        archive.extractall(tmp_path / "installed")
    for needed in (
        "rmsnet/py.typed",
        "rmsnet/matches/page/page.html",
        "rmsnet/style/page.css",
        "rmsnet/live/live.html",
    ):
        assert needed in names, needed
    assert not [name for name in names if name.startswith(("tests/", "benchmarks/", "docs/"))]
    place = str(tmp_path / "installed")
    code = f"import sys; sys.path.insert(0, {place!r}); from rmsnet.cli import main; main(['--version'])"
    done = subprocess.run([sys.executable, "-I", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout == f"rmsnet {__version__}\n", done.stderr


@pytest.mark.slow
def test_the_source_distribution_has_what_a_wheel_is_built_from(built):
    (source,) = built.glob("*.tar.gz")
    with tarfile.open(source) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {
        "rmsnet/network/kernels.c",
        "rmsnet/network/kernels_frames.h",
        "pyproject.toml",
        "README.md",
        "LICENSE",
        "rmsnet/py.typed",
    } <= names


def test_the_citation_names_this_version(repository):
    assert f"version: {__version__}\n" in (repository / "CITATION.cff").read_text(encoding="utf-8")
