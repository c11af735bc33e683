"""The benchmark of a GPU starts on a bare machine: all of it but the two processes, at toy size and on the CPU."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks.gpu.record import Record, failures

SECTIONS = ("correctness", "step", "schedule", "inference", "extraction", "references")

MISSING = ("av", "dvc", "great_expectations", "kfp", "mlflow", "msgspec", "pydantic")
"""What we need and a machine that is lent for a GPU has not."""


@pytest.fixture
def bare_python(tmp_path) -> str:
    """This Python without those, for `python -m benchmarks.gpu`."""
    code = f"""
import runpy, sys
sys.modules.update(dict.fromkeys({MISSING!r}))  # to import them raises ImportError
runpy.run_module("benchmarks.gpu", run_name="__main__", alter_sys=True)
"""
    (tmp_path / "code.py").write_text(code)
    path = tmp_path / "python"
    path.write_text(f'#!/bin/sh\nshift 2\nexec {sys.executable} {tmp_path}/code.py "$@"\n')
    path.chmod(0o755)
    return str(path)


def test_every_section_runs_through_on_a_cpu(tmp_path, repository, bare_python):
    done = subprocess.run(
        ["bash", "benchmarks/gpu.sh", "--device", "cpu", "--toy", "--out", tmp_path, "--sections", ",".join(SECTIONS)],
        cwd=repository,
        env={**os.environ, "PYTHON": bare_python, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("everything is as it should be\n")
    found = json.loads((tmp_path / "results.json").read_text())
    assert {name: section["state"] for name, section in found.items()} == dict.fromkeys(("machine", *SECTIONS), "done")
    table = (tmp_path / "results.md").read_text()
    for section in found.values():
        assert section["rows"]
        assert all(f"| {row['what']} | " in table for row in section["rows"])


def test_what_was_measured_before_a_section_failed_is_kept_and_the_failure_is_named(tmp_path):
    record = Record(tmp_path, "step")
    record.row("time", 12.5, "µs")
    record.check("difference", float("nan"), 1e-3)
    record.put(state="stopped after 3 s", seconds=3.0)
    found = record.everything()
    assert failures(found) == ["step: stopped after 3 s", "step: difference: nan, FAILED, at most 0.001"]
    assert record.value("step", "time") == pytest.approx(12.5)
    table = (tmp_path / "results.md").read_text()
    assert "## step (stopped after 3 s, 3 s)" in table
    assert "| time | 12.5 µs |" in table


def test_a_section_that_takes_too_long_is_ended_with_all_that_it_started(tmp_path, monkeypatch):
    from benchmarks.gpu import __main__ as command
    from benchmarks.gpu.settings import TOY

    def forever(record, device, settings, work):
        os.setsid()
        started = subprocess.Popen(["sleep", "60"])
        record.put(child=started.pid)
        started.wait()

    monkeypatch.setattr(command, "section", forever)
    record = Record(tmp_path, "step")
    command.in_own_process(record, "cpu", TOY, tmp_path, 1.0)
    found = record.everything()["step"]
    assert found["state"] == "stopped after 1 s"
    while runs(found["child"]):  # until it has noticed
        time.sleep(0.01)


def runs(pid: int) -> bool:
    """Whether a process is there and not only waits to be buried."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
