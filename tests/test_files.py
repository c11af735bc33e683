import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rmsnet.errors import UserError
from rmsnet.files import atomic_file, atomic_folder, content_hash, read_json, require_replaceable, write_json


def test_a_file_appears_when_it_is_whole(tmp_path):
    with atomic_file(tmp_path / "a/b.txt") as partial:
        partial.write_text("new")
        assert not (tmp_path / "a/b.txt").exists()
    assert (tmp_path / "a/b.txt").read_text() == "new"
    assert os.listdir(tmp_path / "a") == ["b.txt"]


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path):
    (tmp_path / "b.txt").write_text("old")
    with pytest.raises(ZeroDivisionError), atomic_file(tmp_path / "b.txt") as partial:
        partial.write_text("new")
        raise ZeroDivisionError
    assert (tmp_path / "b.txt").read_text() == "old"
    assert os.listdir(tmp_path) == ["b.txt"]


def test_a_folder_is_replaced_whole_or_not_at_all(tmp_path):
    with atomic_folder(tmp_path / "d") as partial:
        (partial / "one").write_text("1")
    with pytest.raises(ZeroDivisionError), atomic_folder(tmp_path / "d") as partial:
        (partial / "two").write_text("2")
        raise ZeroDivisionError
    assert os.listdir(tmp_path / "d") == ["one"]
    with atomic_folder(tmp_path / "d") as partial:
        (partial / "three").write_text("3")
    assert os.listdir(tmp_path / "d") == ["three"]
    assert os.listdir(tmp_path) == ["d"]


def _write_slowly(path: Path) -> None:
    with atomic_file(path) as partial:
        partial.write_text("half")
        time.sleep(60)


def test_a_killed_process_leaves_no_file_that_looks_finished(tmp_path):
    writer = multiprocessing.get_context("spawn").Process(target=_write_slowly, args=(tmp_path / "x.json",))
    writer.start()
    while not list(tmp_path.iterdir()):
        time.sleep(0.02)
    assert writer.pid is not None
    os.kill(writer.pid, signal.SIGKILL)
    writer.join()
    assert not (tmp_path / "x.json").exists()


def test_json_refuses_what_is_not_json(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "x.json", float("nan"))
    assert not list(tmp_path.iterdir())
    (tmp_path / "x.json").write_text("{")
    with pytest.raises(UserError, match=r"x\.json: not JSON"):
        read_json(tmp_path / "x.json")
    with pytest.raises(UserError, match="no such file"):
        read_json(tmp_path / "y.json")


def test_the_hash_of_parts_depends_on_where_they_part():
    assert content_hash("ab", "c") != content_hash("a", "bc")
    assert content_hash("ab") == content_hash(b"ab")


def test_what_a_killed_process_has_left_goes_with_the_next_write_and_what_a_living_one_writes_stays(tmp_path):
    def leave(pid: int, host: str = socket.gethostname()) -> Path:
        folder = tmp_path / f".d.partial-{host}-{pid}"
        folder.mkdir()
        (folder / "half a file").write_text("…")
        return folder

    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    left = leave(dead.pid)
    living = leave(os.getppid())
    elsewhere = leave(dead.pid, "another-host")
    with atomic_folder(tmp_path / "d") as partial:
        (partial / "one").write_text("1")
    assert not left.exists()
    assert living.exists()
    assert elsewhere.exists()


def test_a_folder_is_replaced_only_if_it_is_empty_or_an_earlier_result(tmp_path):
    require_replaceable(tmp_path / "new", "made.json")
    require_replaceable(tmp_path, "made.json")
    (tmp_path / "precious.txt").write_text("mine")
    with pytest.raises(UserError, match=r"holds precious\.txt and no earlier result"):
        require_replaceable(tmp_path, "made.json")
    with pytest.raises(UserError, match="is a file"):
        require_replaceable(tmp_path / "precious.txt", "made.json")
    (tmp_path / "made.json").write_text("{}")
    require_replaceable(tmp_path, "made.json")
