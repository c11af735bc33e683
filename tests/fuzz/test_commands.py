"""Whole commands, each on files that were broken: a result, or one line and status 2 (1), and nothing written."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from rmsnet import cli
from tests.field.league import SET_FEATURES
from tests.fuzz import breaking
from tests.fuzz.test_readers import EXAMPLES, FEW, SEED, Broken, state
from tests.fuzz.world import GAME
from tests.matches.builders import FEATURES

ROWS = f"data/{GAME}/1_{FEATURES}.npy"
LABELS = f"data/{GAME}/Labels.json"
FOUND = f"found/{GAME}/results_spotting.json"
JSON, NPY, YAML = breaking.broken_json, breaking.broken_npy, breaking.broken_yaml

SPOT = ("spot", "data", "--split", "test", "--model", "model", "--out", "out")
SPOT_FILE = ("spot", ROWS, "--model", "model", "--out", "out")
EXTRACT = ("extract", "data", "--out", "out", *SET_FEATURES)
VALIDATE = ("validate", "data", "--out", "out", *SET_FEATURES)
INSPECT = ("data", "inspect", "data", *SET_FEATURES)
EVALUATE = ("evaluate", "--model", "untracked", "--features", "features", "--out", "out", "--bootstrap", "0")
_JUDGE = ("--classes", "v1", "--split", "v1/split.json", "--bootstrap", "20", "--out", "out")
JUDGE = ("evaluate", "--labels", "v1", "--predictions", "found", *_JUDGE)
JUDGE_ZIP = ("evaluate", "--labels", "v1", "--predictions", "found.zip", *_JUDGE)
WITH_PARAMS = ("extract", "data", "--out", "out", "--params", "params.yaml", *SET_FEATURES)


@dataclass(frozen=True)
class Case:
    """A command and the file that it is given broken.

    Attributes:
        command: its arguments, in the folder of the world.
        file: path of the file.
        broken: the strategy that breaks its bytes.
        costly: a command that takes a second: for `make fuzz` alone, with fewer examples.
    """

    command: Sequence[str]
    file: str
    broken: Callable[[bytes], st.SearchStrategy[bytes]]
    costly: bool = False


CASES = {
    "spot: dataset.json": Case(SPOT, "data/dataset.json", JSON),
    "spot: a split list": Case(SPOT, "data/SoccerNetGamesTest.json", JSON),
    "spot: labels": Case(SPOT, LABELS, JSON),
    "spot: features": Case(SPOT_FILE, ROWS, NPY),
    "spot: config.json": Case(SPOT_FILE, "model/config.json", JSON),
    "extract: features": Case(EXTRACT, ROWS, NPY),
    "extract: labels": Case(EXTRACT, LABELS, JSON),
    "extract: params.yaml": Case(WITH_PARAMS, "params.yaml", YAML),
    "inspect: features": Case(INSPECT, ROWS, NPY),
    "inspect: labels": Case(INSPECT, LABELS, JSON),
    "validate: labels": Case(VALIDATE, LABELS, JSON, costly=True),
    "validate: features": Case(VALIDATE, ROWS, NPY, costly=True),
    "evaluate: the index of a bank": Case(EVALUATE, "features/test.json", JSON, costly=True),
    "evaluate: the matrix of a bank": Case(EVALUATE, "features/test.npy", NPY, costly=True),
    "evaluate: predictions": Case(JUDGE, FOUND, JSON, costly=True),
    "evaluate: a zip": Case(JUDGE_ZIP, "found.zip", breaking.broken_zip, costly=True),
    "evaluate: labels": Case(JUDGE, f"v1/{GAME}/Labels.json", JSON, costly=True),
}


TRIED = {name: case for name, case in CASES.items() if EXAMPLES > FEW or not case.costly}


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("case", TRIED.values(), ids=TRIED)
def test_a_broken_file_ends_in_a_result_or_in_one_line(world, monkeypatch, capsys, case):
    monkeypatch.chdir(world)
    path = Path(case.file)
    valid = path.read_bytes()
    assert run(capsys, case.command)[0] == 0
    shutil.rmtree("out", ignore_errors=True)

    @seed(SEED)
    @settings(
        max_examples=max(1, EXAMPLES // (10 if case.costly else 3)),
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case.broken(valid).map(Broken))
    def holds(content: bytes) -> None:
        path.write_bytes(content)
        before = state(world)
        try:
            status, said = run(capsys, case.command)
            assert status in (0, 1, 2)
            if status == 2:
                assert [line for line in said if line.startswith("rmsnet: ")] == said[-1:]
                assert state(world) == before
        finally:
            shutil.rmtree("out", ignore_errors=True)

    try:
        holds()
    finally:
        path.write_bytes(valid)


def run(capsys, command: Sequence[str]) -> tuple[int, list[str]]:
    status = cli.main(list(command))
    return status, capsys.readouterr().err.splitlines()
