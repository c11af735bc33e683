"""The benchmark of a GPU starts on a bare machine: all of it but the two processes, at toy size and on the CPU."""

import gc
import json
import os
import signal
import subprocess
import sys
import time
import weakref
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

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


def test_what_crashes_in_a_process_of_its_own_costs_one_row(tmp_path, monkeypatch):
    from benchmarks.gpu import references

    fork = references.multiprocessing.get_context("fork")  # the new Python takes seconds
    monkeypatch.setattr(references.multiprocessing, "get_context", lambda _: fork)
    record = Record(tmp_path, "references")
    for name, work in (
        ("good", lambda record, name, device, settings: record.row(name, 1.5)),
        ("bad", lambda *_: os.kill(os.getpid(), signal.SIGKILL)),
    ):
        references.alone(record, name, work, None, None)
    rows = record.everything()["references"]["rows"]
    assert {row["what"]: row["value"] for row in rows} == {"good": 1.5, "bad": f"ended with status -{signal.SIGKILL:d}"}


def test_recorded_work_is_kept_as_long_as_its_graph(monkeypatch):
    """A graph does not hold what it reads, nor the kernels that a compiler made for it."""
    from benchmarks.gpu import clock

    stream = SimpleNamespace(wait_stream=lambda other: None)
    for name, value in {
        "CUDAGraph": lambda: SimpleNamespace(replay=lambda: None),
        "graph": nullcontext,
        "Stream": lambda: stream,
        "current_stream": lambda: stream,
        "stream": nullcontext,
    }.items():
        monkeypatch.setattr(clock.torch.cuda, name, value)

    class Work:
        def __call__(self):
            pass

    work = Work()
    kept = weakref.ref(work)
    replay = clock.recorded(work, SimpleNamespace(type="cuda"))
    del work
    gc.collect()
    replay()
    assert kept() is not None


def runs(pid: int) -> bool:
    """Whether a process is there and not only waits to be buried."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
