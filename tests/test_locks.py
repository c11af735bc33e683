"""Two writers of one folder: the second is told who is first; a dead one is in nobody's way."""

import importlib
import inspect
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from rmsnet.errors import UserError
from rmsnet.locks import alone, writing

HOLDER = """
import sys, time
from pathlib import Path
from rmsnet.locks import writing
with writing(Path(sys.argv[2])):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that holds the lock of `out`."""
    command = [sys.executable, "-c", HOLDER, "train", str(tmp_path / "out")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_the_second_writer_is_told_who_is_first(tmp_path, holder):
    says = rf"out: .*train \(process {holder.pid} on {socket.gethostname()}, since 20..-.*\) is writing there"
    with pytest.raises(UserError, match=says), writing(tmp_path / "out"):
        pass


def test_another_name_of_the_same_folder_is_no_way_around(tmp_path, holder):
    (tmp_path / "link").symlink_to(tmp_path / "out")
    with pytest.raises(UserError, match=r"link: .*is writing there"), writing(tmp_path / "link"):
        pass


@pytest.mark.parametrize("death", [signal.SIGKILL, signal.SIGTERM])
def test_a_dead_holder_does_not_block(tmp_path, holder, death):
    holder.send_signal(death)
    holder.wait()
    with writing(tmp_path / "out"):
        told = json.loads((tmp_path / ".out.lock").read_text())
        assert told["pid"] == os.getpid()
    assert not list(tmp_path.iterdir())


def test_a_stage_may_call_another_that_writes_there_but_another_thread_may_not(tmp_path):
    @alone
    def outer(out: Path) -> None:
        inner(7, out=out)

    @alone
    def inner(number: int, *, out: Path) -> None:
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()

    told = []

    def other() -> None:
        try:
            outer(tmp_path / "out")
        except UserError as error:
            told.append(str(error))

    outer(tmp_path / "out")
    assert len(told) == 1
    assert "another thread of this process" in told[0]
    with writing(tmp_path / "out"):
        pass


def test_the_lock_is_given_back_after_a_failure(tmp_path):
    with pytest.raises(ZeroDivisionError), writing(tmp_path / "models" / "out"):
        raise ZeroDivisionError
    assert not list(tmp_path.iterdir())
    with writing(tmp_path / "out"):
        pass


def test_a_folder_whose_parent_cannot_be_written_holds_its_lock_itself(tmp_path, monkeypatch):
    """A mounted volume, /out, of a container with a read-only root."""
    (tmp_path / "out").mkdir()
    open_file = os.open

    def refuse(path, *arguments):
        if Path(path).parent == tmp_path:
            raise OSError(30, "Read-only file system", str(path))
        return open_file(path, *arguments)

    monkeypatch.setattr(os, "open", refuse)
    with writing(tmp_path / "out"):
        assert os.listdir(tmp_path / "out") == [".lock"]
    assert not os.listdir(tmp_path / "out")


def test_a_file_system_without_locks_costs_a_warning(tmp_path, monkeypatch, capsys):
    def refuse(*_):
        raise OSError(37, "No locks available")

    monkeypatch.setattr("fcntl.lockf", refuse)
    with writing(tmp_path / "out"):
        pass
    assert "knows no locks" in capsys.readouterr().err


@pytest.mark.parametrize(
    "stage",
    [
        "simulation.dataset:simulate",
        "dataset.downloading:download",
        "dataset.sources:fetch",
        "validation.stage:validate",
        "features.stage:extract",
        "features.shards:join",
        "training.stage:train_stage",
        "training.ensemble:ensemble_stage",
        "evaluation.stage:evaluate_stage",
        "evaluation.stage:evaluate_files",
        "registry.stage:register_stage",
        "registry.stage:promote",
        "matches.stage:spot_stage",
        "matches.overview:join_spotted",
    ],
)
def test_no_stage_writes_where_another_process_does(tmp_path, holder, stage):
    module, _, name = stage.partition(":")
    function = getattr(importlib.import_module(f"rmsnet.{module}"), name)
    needed = [
        parameter.name
        for parameter in inspect.signature(function).parameters.values()
        if parameter.default is inspect.Parameter.empty
    ]
    with pytest.raises(UserError, match="is writing there"):
        function(**{**dict.fromkeys(needed), "out": tmp_path / "out"})
