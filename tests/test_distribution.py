"""What is built for others to install holds what it needs and nothing else, and runs where nothing else is."""

import os
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Iterator
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from rmsnet import __version__
from rmsnet.documents import read_json

BUILD = "from setuptools import build_meta as b; b.build_{kind}({out!r})"


@pytest.fixture(scope="module")
def source(repository, tmp_path_factory) -> Path:
    """The source distribution of the tracked files."""
    tracked, out = tmp_path_factory.mktemp("tracked"), tmp_path_factory.mktemp("sdist")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=repository, capture_output=True, text=True, check=True)
    for name in filter(None, listed.stdout.split("\0")):
        if (repository / name).is_file():
            (tracked / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(repository / name, tracked / name)
    build(tracked, "sdist", out)
    (made,) = out.iterdir()
    return made


@pytest.fixture(scope="module")
def wheel(source, tmp_path_factory) -> Path:
    """The wheel, built from nothing but the source distribution."""
    unpacked, out = tmp_path_factory.mktemp("unpacked"), tmp_path_factory.mktemp("wheel")
    with tarfile.open(source) as archive:
        archive.extractall(unpacked, filter="data")
    build(unpacked / source.name.removesuffix(".tar.gz"), "wheel", out)
    (made,) = out.iterdir()
    return made


def build(folder: Path, kind: str, out: Path) -> None:
    code = BUILD.format(kind=kind, out=str(out))
    subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, check=True)


@pytest.mark.slow
def test_the_source_distribution_has_what_a_wheel_is_built_from(source):
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


@pytest.mark.slow
def test_a_wheel_from_it_has_pages_types_the_compiled_module_and_no_tests(wheel, repository):
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    kinds = (".py", ".html", ".css", ".js", ".typed")
    tracked = {
        path.relative_to(repository).as_posix()
        for package in ("rmsnet", "components", "pipelines")
        for path in (repository / package).rglob("*")
        if path.suffix in kinds
    }
    assert tracked <= names
    assert not [name for name in names if name.startswith(("tests/", "benchmarks/", "docs/"))]
    if shutil.which("cc"):
        assert {f"rmsnet/network/_kernels{suffix}" for suffix in EXTENSION_SUFFIXES} & names


@pytest.fixture(scope="module")
def place(wheel, repository, tmp_path_factory) -> Path:
    """A folder with the wheel installed, and the light part's packages of this environment beside it."""
    folder = tmp_path_factory.mktemp("installed")
    install = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-index", "--target")
    subprocess.run([sys.executable, *install, str(folder), str(wheel)], check=True)
    told = tomllib.loads((repository / "pyproject.toml").read_text())["project"]
    for name in needed(told["dependencies"]):
        found = distribution(name)
        for top in {file.parts[0] for file in found.files or () if file.parts[0] != ".."}:
            if not (folder / top).exists():
                (folder / top).symlink_to(found.locate_file(top))
    return folder


def needed(requirements: list[str]) -> Iterator[str]:
    """The packages that are asked for, and those that they ask for."""
    left, found = list(map(Requirement, requirements)), set[str]()
    while left:
        item = left.pop()
        if item.name not in found and (item.marker is None or item.marker.evaluate({"extra": ""})):
            found.add(item.name)
            yield item.name
            left += map(Requirement, distribution(item.name).requires or ())


@pytest.fixture
def run(place, tmp_path):
    """The command of the wheel, in an empty folder, by a Python that finds the wheel and the light part alone."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        # Without "site" the environment that runs the tests, and the checkout in it, are not there.
        return subprocess.run(
            [sys.executable, "-S", str(place / "bin" / "rmsnet"), *arguments],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(place), "PYTHONSAFEPATH": "1"},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


@pytest.mark.slow
def test_what_is_installed_from_the_wheel_says_where_it_is_and_evaluates(run, place, tmp_path):
    assert run("--version").stdout == f"rmsnet {__version__}\n"
    examined = run("doctor").stdout
    assert f"ok       Python 3.11 or newer: {sys.version.split()[0]}" in examined
    assert "packages in required versions" in examined
    assert "without  PyTorch: not installed: pip install 'rmsnet[spot]'" in examined
    assert run("data", "simulate", "--games", "3", "--minutes", "5", "--out", "data").returncode == 0
    inspected = run("data", "inspect", "data", "--page", "data.html")
    assert "no gaps: every listed game has every kind of file" in inspected.stdout
    assert "Made by rmsnet" in (tmp_path / "data.html").read_text()
    ((game,),) = (
        season for league in read_json(tmp_path / "data/SoccerNetGamesTest.json").values() for season in league.values()
    )
    labels = next((tmp_path / "data").rglob(f"{game}/Labels-v2.json"))
    convert = ("data", "convert", str(labels), "--to", "soccernet-results", "--out", "predictions")
    assert run(*convert).returncode == 0
    judged = run("evaluate", "--labels", "data", "--predictions", "predictions", "--out", "evaluation")
    assert judged.returncode == 0, judged.stderr
    assert (tmp_path / "evaluation" / "report.html").exists()
    lacking = run("spot", "match.npy", "--model", "model", "--out", "spotted")
    assert (lacking.returncode, "pip install 'rmsnet[spot]'" in lacking.stderr) == (2, True)


def test_the_citation_names_this_version(repository):
    assert f"version: {__version__}\n" in (repository / "CITATION.cff").read_text(encoding="utf-8")
