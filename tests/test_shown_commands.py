"""What README and documents show is run, in order, in a fresh project, and prints what they say it prints."""

import argparse
import re
import shlex
import shutil
import subprocess
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pytest

from pipelines.__main__ import command_parser
from pipelines.__main__ import main as pipelines
from rmsnet.cli import _parser
from rmsnet.cli import main as rmsnet
from rmsnet.simulation import video as simulated_video
from tests.pictures import not_rendered
from tests.shown import NOT_RUN, OUTPUT, RUN, SESSION, Block, agrees, blocks

ROOT = Path(__file__).parents[1]
DOCUMENTS = (
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "components").rglob("*.md")),
)

PARAMETERS = """
train: {foreground_clips: 300, background_clips: 100, epochs: 2}
variants:
  full: {}
  no-masking: {masking_probability: 0.0}
register: {floor: 0.0, minimum_games: 6}
"""

REGISTER = ("registry", "register", "--evaluation", "evaluation", "--features", "features")

PREPARED = (
    ("data", "simulate", "--games", "12", "--minutes", "5", "--out", "data"),
    ("validate", "data", "--out", "reports/validation"),
    ("extract", "data", "--out", "features"),
    *(
        command
        for name in ("full", "no-masking")
        for command in (
            ("train", "--features", "features", "--out", f"models/{name}", "--variant", name),
            ("evaluate", "--model", f"models/{name}", "--features", "features", "--out", f"evaluation/{name}"),
            (*REGISTER, f"models/{name}", "--validation", "reports/validation", "--out", f"reports/{name}"),
        )
    ),
)
"""What `make demo` leaves, of a smaller dataset and shorter trainings: a champion, and a version that was refused."""


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
    (root / "params.yaml").write_text(PARAMETERS)
    with pytest.MonkeyPatch.context() as patch, not_rendered():
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
    monkeypatch.setattr(simulated_video, "VIDEO_RATE", 2)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return root


def parser_of(words: list[str]) -> tuple[argparse.ArgumentParser, list[str]] | None:
    """The parser of one of our commands with what it is given; None: it is another's."""
    if words[0] == "rmsnet":
        return _parser(), words[1:]
    return (command_parser(), words[3:]) if words[:3] == ["python", "-m", "pipelines"] else None


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
    assert block.kind in (*RUN, *NOT_RUN, SESSION), f"{block.where}: ```{block.kind}"
    assert block.kind != OUTPUT, f"{block.where}: output of nothing"


def test_every_session_is_on_the_page_whose_sessions_are_run():
    """By tests/test_pipeline.py, in a project with DVC."""
    assert {block.document for block in shown() if block.kind == SESSION} == {"docs/data.md"}


@pytest.mark.parametrize("block", [block for block in shown() if block.kind == "sh"], ids=lambda block: block.where)
def test_every_command_and_option_is_there_also_of_those_that_are_not_run(block):
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    for command in block.commands():
        for part in re.split(r"\s*&&\s*", command):
            words = shlex.split(part)
            if words[0] == "make":
                assert words[1] in targets, f"{block.where}: {part}"
            elif ours := parser_of(words):
                parser, given = ours
                try:
                    parser.parse_args(given)
                except SystemExit:
                    pytest.fail(f"{block.where}: {part}")


@pytest.mark.slow
@pytest.mark.parametrize("document", runs())
def test_what_a_document_shows_runs_and_prints_what_it_says(document, no_pictures, project):
    for block in blocks(ROOT / document, document):
        if block.kind in RUN and not block.skip:
            said = printed(block)
            assert block.output is None or agrees(block.output, said), f"{block.where} prints\n{said}"
