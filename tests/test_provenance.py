import subprocess
from pathlib import Path

import pytest

from rmsnet.files import LITTER
from rmsnet.provenance import code_commit, code_tags, dvc_md5, write_pointer

POINTER = "outs:\n- md5: 0123456789abcdef0123456789abcdef.dir\n  size: 6\n  nfiles: 2\n  hash: md5\n  path: data\n"


@pytest.fixture
def data(tmp_path) -> Path:
    (tmp_path / "data" / "game").mkdir(parents=True)
    (tmp_path / "data" / "dataset.json").write_text("ab")
    (tmp_path / "data" / "game" / "features").write_text("cdef")
    (tmp_path / "data.dvc").write_text(POINTER)
    return tmp_path / "data"


def test_the_hash_that_dvc_gives_a_folder(data):
    assert dvc_md5(data) == "0123456789abcdef0123456789abcdef.dir"


def test_another_dataset_in_its_place_does_not_get_its_hash(data):
    """Real matches put into data/ of a clone are not what the clone's data.dvc pins."""
    (data / "game" / "features").write_text("longer")
    assert dvc_md5(data) is None
    (data / "game" / "features").write_text("cdef")
    (data / "more").write_text("")
    assert dvc_md5(data) is None


def test_what_was_taken_out_of_dvc_keeps_its_hash_wherever_it_goes(data, tmp_path):
    write_pointer(data, "fedcba9876543210fedcba9876543210.dir")
    moved = data.rename(tmp_path / "artifact")
    assert dvc_md5(moved) == "fedcba9876543210fedcba9876543210.dir"
    (moved / "more").write_text("")
    assert dvc_md5(moved) is None


@pytest.mark.parametrize("pointer", ["", "outs: []", "outs:\n- path: data\n", "{"])
def test_a_pointer_that_names_no_hash_gives_none(data, pointer):
    data.with_name("data.dvc").write_text(pointer)
    assert dvc_md5(data) is None


def test_without_a_pointer_there_is_no_hash(tmp_path):
    assert dvc_md5(tmp_path) is None


def test_code_is_named_by_version_commit_and_lock(repository, monkeypatch):
    monkeypatch.chdir(repository)
    tags = code_tags()
    assert {"rmsnet.version", "git.commit", "git.dirty", "lock_hash"} <= set(tags)


def test_outside_a_checkout_the_images_commit_counts(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RMSNET_GIT_COMMIT", "abc")
    assert code_tags()["git.commit"] == "abc"
    assert code_commit() == "abc"


def test_a_commit_with_changes_is_not_that_commit(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RMSNET_GIT_COMMIT", raising=False)
    assert code_commit() == ""
    (tmp_path / "code").write_text("1")
    identity = ["-c", "user.name=a", "-c", "user.email=a@example"]
    for command in (["init", "-q"], ["add", "code"], [*identity, "commit", "-qm", "1"]):
        subprocess.run(["git", *command], check=True)
    commit = code_commit()
    assert len(commit) == 40
    (tmp_path / "code").write_text("2")
    assert code_commit() == f"{commit}-dirty"


def test_what_a_finder_leaves_does_not_make_it_another_dataset(data):
    for name in (".DS_Store", "game/._features", "game/Thumbs.db", "__MACOSX/game/features", "game/.nfs000001"):
        (data / name).parent.mkdir(parents=True, exist_ok=True)
        (data / name).write_text("x")
    assert dvc_md5(data) == "0123456789abcdef0123456789abcdef.dir"


def test_dvc_leaves_out_the_same_litter_as_we_do(repository):
    lines = (repository / ".dvcignore").read_text().splitlines()
    assert tuple(line for line in lines if line and not line.startswith(("#", "*.so", "__pycache__"))) == LITTER
