import multiprocessing
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open

from rmsnet.documents import read_json
from rmsnet.errors import UserError
from rmsnet.files import (
    atomic_file,
    atomic_files,
    atomic_folder,
    content_hash,
    require_replaceable,
    write_json,
    write_tensors,
)


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


def test_a_link_to_a_folder_is_followed_and_stays_a_link(tmp_path):
    (tmp_path / "big disk").mkdir()
    (tmp_path / "d").symlink_to(tmp_path / "big disk" / "of d")
    for content in ("1", "2"):  # the first finds a link that leads nowhere yet
        with atomic_folder(tmp_path / "d") as partial:
            (partial / "one").write_text(content)
        assert (tmp_path / "d").is_symlink()
        assert (tmp_path / "big disk" / "of d" / "one").read_text() == content
        assert sorted(os.listdir(tmp_path)) == ["big disk", "d"]
        assert os.listdir(tmp_path / "big disk") == ["of d"]


def test_files_are_put_beside_those_that_are_there_when_all_of_them_are_whole(tmp_path):
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "notes.txt").write_text("mine")
    with pytest.raises(OSError, match="No space"), atomic_files(tmp_path / "d") as partial:
        (partial / "card.md").write_text("half")
        raise OSError(28, "No space left on device")
    assert os.listdir(tmp_path / "d") == ["notes.txt"]
    with atomic_files(tmp_path / "d") as partial:
        (partial / "card.md").write_text("whole")
    assert sorted(os.listdir(tmp_path / "d")) == ["card.md", "notes.txt"]
    assert os.listdir(tmp_path) == ["d"]


def test_what_a_death_between_two_renames_has_left_goes_with_the_next_one(tmp_path):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    (tmp_path / f".d.replaced-{socket.gethostname()}-{dead.pid}").mkdir()
    with atomic_folder(tmp_path / "d") as partial:
        (partial / "one").write_text("1")
    assert os.listdir(tmp_path) == ["d"]


@pytest.mark.parametrize("tensors", [{"a": np.ones(3, "f4")}, {"a": torch.ones(3)}], ids=["NumPy", "PyTorch"])
def test_tensors_are_readable_for_whom_other_files_are(tmp_path, tensors):
    write_tensors(tmp_path / "a.safetensors", tensors, {"of": "a test"})
    (tmp_path / "other").touch()
    assert (tmp_path / "a.safetensors").stat().st_mode == (tmp_path / "other").stat().st_mode
    with safe_open(tmp_path / "a.safetensors", "np") as file:
        assert file.metadata() == {"of": "a test"}
        assert file.get_tensor("a").tolist() == [1, 1, 1]


def _fill_the_disk(path: Path) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
    try:
        write_tensors(path, {"a": np.zeros(1000)})
    except OSError as error:
        os._exit(0 if "a.safetensors" in str(error) else 1)


def test_tensors_that_do_not_fit_on_the_disk_are_an_error_like_any_file_s_and_leave_nothing(tmp_path):
    writer = multiprocessing.get_context("spawn").Process(target=_fill_the_disk, args=(tmp_path / "a.safetensors",))
    writer.start()
    writer.join()
    assert writer.exitcode == 0
    assert not os.listdir(tmp_path)
