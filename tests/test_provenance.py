import subprocess
from pathlib import Path

import pytest

from rmsnet import provenance
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


@pytest.fixture
def package(tmp_path, monkeypatch) -> Path:
    """A folder that is taken for the code that runs; no checkout yet."""
    folder = tmp_path / "checkout" / "rmsnet"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("1")
    monkeypatch.setattr(provenance, "PACKAGE", folder)
    monkeypatch.delenv("RMSNET_GIT_COMMIT", raising=False)
    provenance._warn.cache_clear()
    return folder


def commit(folder: Path, *files: str) -> str:
    """Make a repository of a folder with a commit of some of its files, or of none."""
    identity = ["-c", "user.name=a", "-c", "user.email=a@example"]
    for command in (["init", "-q"], ["add", "--", *files], [*identity, "commit", "-qm", "1", "--allow-empty"]):
        subprocess.run(["git", *command], cwd=folder, check=True)
    done = subprocess.run(["git", "rev-parse", "HEAD"], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def test_code_is_named_by_version_commit_and_lock():
    tags = code_tags()
    assert {"rmsnet.version", "git.commit", "git.dirty", "lock_hash"} <= set(tags)


def test_the_commit_is_that_of_the_code_and_not_of_the_folder_where_it_was_started(package, tmp_path, monkeypatch):
    (tmp_path / "notes").mkdir()
    commit(tmp_path / "notes")
    ours = commit(package.parent, "rmsnet/__init__.py")
    monkeypatch.chdir(tmp_path / "notes")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "notes" / ".git"))  # as in a hook of that repository
    assert code_commit() == ours
    (package.parent / "requirements.lock").write_text("x==1")
    assert "lock_hash" in code_tags()


def test_a_package_installed_below_somebodys_repository_is_not_of_its_commit(package, tmp_path):
    """A virtual environment in a project's folder."""
    commit(tmp_path)
    assert code_commit() == ""


def test_outside_a_checkout_the_images_commit_counts(package, monkeypatch):
    monkeypatch.setenv("RMSNET_GIT_COMMIT", "abc")
    assert code_tags()["git.commit"] == code_commit() == "abc"


def test_a_wheel_that_pip_has_built_from_a_repository_says_its_commit(package, monkeypatch):
    class Wheel:
        def read_text(self, name: str) -> str:
            assert name == "direct_url.json"
            return '{"url": "https://host/rmsnet.git", "vcs_info": {"vcs": "git", "commit_id": "abc"}}'

    monkeypatch.setattr(provenance, "distribution", lambda name: Wheel())
    assert code_commit() == "abc"


def test_what_a_finder_leaves_does_not_make_it_another_dataset(data):
    for name in (".DS_Store", "game/._features", "game/Thumbs.db", "__MACOSX/game/features", "game/.nfs000001"):
        (data / name).parent.mkdir(parents=True, exist_ok=True)
        (data / name).write_text("x")
    assert dvc_md5(data) == "0123456789abcdef0123456789abcdef.dir"


def test_dvc_leaves_out_the_same_litter_as_we_do(repository):
    lines = (repository / ".dvcignore").read_text().splitlines()
    assert tuple(line for line in lines if line and not line.startswith(("#", "*.so", "__pycache__"))) == LITTER


def test_a_checkout_that_git_refuses_is_unknown_with_gits_reason_once(package, monkeypatch, capfd):
    """A checkout that is mounted into a container belongs to somebody else there."""
    commit(package.parent, "rmsnet/__init__.py")
    monkeypatch.setenv("RMSNET_GIT_COMMIT", "that of the image")
    monkeypatch.setattr(provenance, "_git", _refused)
    assert [code_commit(), code_commit()] == ["", ""]
    assert capfd.readouterr().err == (
        f"warning: the commit of {package.parent} is not known: git refuses (fatal: detected dubious ownership in "
        "repository)\n"
    )


def _refused(*arguments: str) -> str:
    raise subprocess.CalledProcessError(128, ["git"], stderr="fatal: detected dubious ownership in repository\n")


def test_a_commit_with_changes_is_not_that_commit(package):
    made = commit(package.parent, "rmsnet/__init__.py")
    (package / "__init__.py").write_text("2")
    assert code_commit() == f"{made}-dirty"
