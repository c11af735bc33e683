"""What README and documents show is run, in order, in a fresh project, and prints what they say it prints."""

import shlex
import shutil
import subprocess
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pytest

from pipelines.__main__ import main as pipelines
from rmsnet.cli import main as rmsnet
from tests.shown import NOT_RUN, OUTPUT, RUN, Block, agrees, blocks

ROOT = Path(__file__).parents[1]
DOCUMENTS = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md")))

SMALL = ("--set", "train.foreground_clips=300", "--set", "train.background_clips=100", "--set", "train.epochs=2")

PREPARED = (
    ("data", "simulate", "--games", "6", "--minutes", "5", "--out", "data"),
    ("validate", "data", "--out", "reports/validation"),
    ("extract", "data", "--out", "features"),
    *(
        ("train", "--features", "features", "--out", f"models/{name}", "--variant", name, *SMALL)
        for name in ("full", "no-masking")
    ),
    *(
        ("evaluate", "--model", f"models/{name}", "--features", "features", "--out", f"evaluation/{name}")
        for name in ("full", "no-masking")
    ),
    (
        "registry",
        "register",
        "models/full",
        "models/no-masking",
        "--evaluation",
        "evaluation",
        "--features",
        "features",
        "--validation",
        "reports/validation",
        "--out",
        "reports/registration",
        "--set",
        "register.floor=0",
    ),
)
"""What `make demo` leaves, of a smaller dataset and shorter trainings."""


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def shown() -> list[Block]:
    return [block for path in DOCUMENTS for block in blocks(path, named(path))]


def runs() -> list[str]:
    """The documents that show something that is run."""
    return list(dict.fromkeys(block.document for block in shown() if block.kind in RUN and not block.skip))


@pytest.fixture(scope="module")
def prepared(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("prepared")
    for name in ("params.yaml", "dvc.yaml"):
        shutil.copy(ROOT / name, root)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        for command in PREPARED:
            assert rmsnet(list(command)) == 0, command
    return root


@pytest.fixture
def project(prepared, tmp_path, monkeypatch) -> Path:
    root = tmp_path / "project"
    shutil.copytree(prepared, root)
    monkeypatch.chdir(root)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return root


def printed(block: Block) -> str:
    """What a block prints; our commands are called in this process, whose libraries are loaded already."""
    said = StringIO()
    if block.kind == "python":
        with redirect_stdout(said):
            exec(compile(block.text, block.where, "exec"), {})
        return said.getvalue()
    for command in block.commands():
        words = shlex.split(command)
        ours = rmsnet if words[0] == "rmsnet" else pipelines if words[:3] == ["python", "-m", "pipelines"] else None
        if ours is None or set(command) & set("|&;><$`*?"):
            done = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", command], capture_output=True, text=True, check=False
            )
            status = done.returncode
            said.write(done.stdout)
        else:
            with redirect_stdout(said):
                status = ours(words[1 if ours is rmsnet else 3 :])
        assert status == 0, f"{block.where}: {command}"
    return said.getvalue()


@pytest.mark.parametrize("block", shown(), ids=lambda block: block.where)
def test_every_block_says_what_it_is_and_one_that_is_not_run_says_why(block):
    assert block.kind in (*RUN, *NOT_RUN), f"{block.where}: ```{block.kind}"
    assert block.kind != OUTPUT, f"{block.where}: output of nothing"


@pytest.mark.slow
@pytest.mark.parametrize("document", runs())
def test_what_a_document_shows_runs_and_prints_what_it_says(document, project):
    for block in blocks(ROOT / document, document):
        if block.kind in RUN and not block.skip:
            said = printed(block)
            assert block.output is None or agrees(block.output, said), f"{block.where} prints\n{said}"
