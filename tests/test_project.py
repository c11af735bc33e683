"""What the repository promises about itself: the lock, the parameters, the pipeline, the texts."""

import re
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from rmsnet.params import TrainParams, load_params


@pytest.fixture(scope="module")
def lock(repository) -> list[Requirement]:
    lines = (repository / "requirements.lock").read_text().splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


@pytest.fixture(scope="module")
def tracked(repository) -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=repository, capture_output=True, text=True, check=True)
    return [repository / name for name in filter(None, listed.stdout.split("\0")) if (repository / name).is_file()]


def test_the_lock_pins_one_exact_version_of_each_package_and_names_no_index(repository, lock):
    text = (repository / "requirements.lock").read_text()
    assert "://" not in text
    assert "--" not in text
    for requirement in lock:
        assert [specifier.operator for specifier in requirement.specifier] == ["=="], str(requirement)
    names = [canonicalize_name(requirement.name) for requirement in lock]
    assert len(set(names)) == len(names)
    assert names == sorted(names)


def test_the_lock_has_every_dependency_of_the_project_in_a_version_that_it_allows(repository, lock):
    project = tomllib.loads((repository / "pyproject.toml").read_text())["project"]
    pinned = {canonicalize_name(requirement.name): requirement for requirement in lock}
    wanted = [
        *project["dependencies"],
        *(item for extra in project["optional-dependencies"].values() for item in extra),
    ]
    for requirement in map(Requirement, wanted):
        if canonicalize_name(requirement.name) == "rmsnet":
            continue
        pin = pinned[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(next(iter(pin.specifier)).version), str(requirement)


def test_what_is_installed_here_is_what_the_lock_says(lock):
    for requirement in lock:
        if requirement.marker is None or requirement.marker.evaluate():
            assert requirement.specifier.contains(version(requirement.name)), str(requirement)


@pytest.mark.parametrize(
    ("platform", "machine"), [("linux", "x86_64"), ("linux", "aarch64"), ("darwin", "arm64"), ("darwin", "x86_64")]
)
def test_gpu_libraries_are_locked_for_linux_only(lock, platform, machine):
    environment = {"sys_platform": platform, "platform_machine": machine, "python_full_version": "3.11.9"}
    installed = {item.name for item in lock if item.marker is None or item.marker.evaluate(environment)}
    assert {"torch", "torchvision", "mlflow", "dvc", "kfp", "great-expectations"} <= installed
    assert ("triton" in installed) == (platform == "linux")
    assert any(name.startswith("nvidia-") for name in installed) == (platform == "linux")


def test_the_image_takes_out_what_only_developers_and_the_download_need(repository):
    """But for websocket-client, which the Kubernetes client needs too."""
    command = re.search(r"pip uninstall --yes([^&]+)&&", (repository / "Dockerfile").read_text())[1]
    removed = {canonicalize_name(name) for name in command.replace("\\", " ").split()}
    extras = tomllib.loads((repository / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    unused = {canonicalize_name(Requirement(item).name) for item in [*extras["dev"], *extras["soccernet"]]}
    assert removed == unused - {"rmsnet", "websocket-client"} | {"pycocoevalcap", "pycocotools"}


def test_the_demo_lowers_only_the_schedule_of_the_paper(repository):
    """The paper's settings are the schema's defaults; params.yaml may change what a laptop needs changed."""
    params = load_params(repository / "params.yaml")
    paper = TrainParams()
    changed = {key for key in vars(paper) if getattr(params.train, key) != getattr(paper, key)}
    assert changed <= {"foreground_clips", "background_clips", "epochs"}
    assert params.variant("full") == params.train
    assert params.variant("no-masking").masking_probability == 0
    assert not params.variant("no-regression").regression
    assert not params.variant("no-uniform-offsets").uniform_offsets


@pytest.mark.parametrize(
    ("file", "named"),
    [
        ("dvc.yaml", ["validate", "extract", "train", "evaluate", "store", "register"]),
        ("demo/dvc.yaml", ["challenger", "evaluate", "better", "worse", "rollback"]),
    ],
)
def test_every_stage_depends_on_files_that_are_there(repository, file, named):
    stages = yaml.safe_load((repository / file).read_text())["stages"]
    assert list(stages) == named
    for name, stage in stages.items():
        for dependency in stage.get("deps", ()):
            if dependency.startswith("rmsnet/"):
                assert (repository / dependency).exists(), f"{name}: {dependency}"


def test_the_demo_dataset_is_pinned(repository):
    pointer = yaml.safe_load((repository / "data.dvc").read_text())["outs"][0]
    assert pointer["path"] == "data"
    assert re.fullmatch(r"[0-9a-f]{32}\.dir", pointer["md5"])


def test_every_relative_link_of_the_documents_leads_somewhere(repository, tracked):
    for path in tracked:
        if path.suffix == ".md":
            for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", path.read_text(encoding="utf-8")):
                if "://" not in target and not target.startswith("mailto:"):
                    assert (path.parent / target).exists(), f"{path.relative_to(repository)}: {target}"


def test_every_command_that_the_readme_shows_is_one(repository):
    """`rmsnet …` lines of the README's code blocks, up to their options."""
    readme = (repository / "README.md").read_text(encoding="utf-8")
    shown = {match[1] for match in re.finditer(r"^rmsnet ([a-z]+)", readme, re.MULTILINE)}
    shown |= {match[1] for match in re.finditer(r"`rmsnet ([a-z]+)", readme)}
    done = subprocess.run(
        [sys.executable, "-m", "rmsnet.cli", "--help"], capture_output=True, text=True, check=True, cwd=repository
    )
    assert shown
    for command in shown:
        assert re.search(rf"^ +{command}\b", done.stdout, re.MULTILINE), command
