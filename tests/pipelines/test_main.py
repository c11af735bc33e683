"""The command: bad input is one line and exit status 2."""

from pathlib import Path

import pytest
import yaml

from pipelines.__main__ import main
from pipelines.commands._options import NAMES
from pipelines.compiling import PIPELINES
from rmsnet import __version__


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("KF_PIPELINES_ENDPOINT", raising=False)


def test_the_command_knows_every_pipeline() -> None:
    assert tuple(PIPELINES) == NAMES


def test_compile_writes_every_pipeline(tmp_path: Path, capsys) -> None:
    assert main(["compile", "--out", "compiled"]) == 0
    assert sorted(path.stem for path in (tmp_path / "compiled").iterdir()) == sorted(NAMES)
    assert "compiled/training.yaml" in capsys.readouterr().out


def test_every_component_is_told_the_commit_that_the_pipeline_was_compiled_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rmsnet.provenance.PACKAGE", tmp_path)  # no checkout
    monkeypatch.setenv("RMSNET_GIT_COMMIT", "abc")
    assert main(["compile", "training", "--out", "compiled"]) == 0
    pipeline = next(yaml.safe_load_all((tmp_path / "compiled" / "training.yaml").read_text()))
    for name, executor in pipeline["deploymentSpec"]["executors"].items():
        variables = {item["name"]: item["value"] for item in executor["container"]["env"]}
        assert variables["RMSNET_EXPECTED"] == f"{__version__} abc", name


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["compile", "trining", "--out", "x"], "trining: no such pipeline; there are training"),
        (["compile", "--out", "x", "--set", "train.epoch=3"], "train.epoch: unknown key"),
        (["compile", "--out", "x", "--deployment", "none.yaml"], "none.yaml: no such file"),
        (["run", "training"], "parameter source: is missing; write source=VALUE"),
        (
            ["run", "training", "sorce=data"],
            "parameter sorce: unknown; did you mean source?; known: params, revision, source, variants",
        ),
        (["run", "training", "source"], "parameter 'source': write KEY=VALUE"),
        (["run", "training", "source=data", "variants=full"], "parameter variants: must be a list such as [a, b]"),
        (["run", "training", "source=data", "variants=[]"], "parameter variants: names nothing"),
        (["run", "training", "source=data", "variants=[a"], "parameter variants: '[a': not readable YAML"),
        (["run", "training", "source=data"], "no variants to train: name them in params.yaml"),
        (
            ["run", "training", "source=data", "params={variants: {full: {}}}", "variants=[bald]"],
            "variants.bald: no such",
        ),
        (
            ["run", "training", "source=data", "params={train: {epoch: 1}}"],
            "parameter params: train.epoch: unknown key",
        ),
        (["submit", "training", "source=data"], "--host: say where Kubeflow is"),
    ],
)
def test_bad_input(arguments: list[str], complaint: str, tmp_path: Path, capsys) -> None:
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("python -m pipelines: ")
    assert complaint in error
    assert error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
