"""A dataset from a folder, an object store or a DVC revision."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from datetime import datetime
from hashlib import md5
from pathlib import Path

import pytest
import yaml
from botocore.exceptions import ClientError, EndpointConnectionError

from rmsnet.dataset import revisions
from rmsnet.dataset.sources import fetch
from rmsnet.errors import UserError
from rmsnet.provenance import dvc_md5


def test_a_folder_is_used_where_it_lies(tmp_path: Path) -> None:
    assert fetch(str(tmp_path), "", tmp_path / "out") == tmp_path
    assert not (tmp_path / "out").exists()


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="absent: no such folder; is the data's volume mounted"):
        fetch(str(tmp_path / "absent"), "", tmp_path / "out")


def test_an_address_without_a_revision(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="give a revision with a git repository"):
        fetch("https://host/repository.git", "", tmp_path / "out")


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A git repository whose DVC tracks data/ in two states, tagged one and two."""
    root = tmp_path_factory.mktemp("repository")

    def run(*command: str) -> None:
        subprocess.run(command, cwd=root, check=True, capture_output=True)

    run("git", "init", "--quiet")
    run("git", "config", "user.email", "someone@example.org")
    run("git", "config", "user.name", "someone")
    run("dvc", "init", "--quiet")
    (root / "data").mkdir()
    for state in ("one", "two"):
        (root / "data" / "state.txt").write_text(state)
        run("dvc", "add", "--quiet", "data")
        run("git", "add", "--all")
        run("git", "commit", "--quiet", "-m", state)
        run("git", "tag", state)
    return root


@pytest.mark.slow
def test_a_revision_is_the_bytes_of_then(repository: Path, tmp_path: Path) -> None:
    for state in ("one", "two"):
        out = fetch(str(repository), state, tmp_path / state)
        assert (out / "state.txt").read_text() == state
        pointer = subprocess.run(["git", "show", f"{state}:data.dvc"], cwd=repository, capture_output=True, check=True)
        assert dvc_md5(out) == yaml.safe_load(pointer.stdout)["outs"][0]["md5"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("source", "revision", "complaint"),
    [
        ("{}", "three", "revision three: unknown Git revision 'three'"),
        ("{}#videos", "one", "revision one: there is no videos in it"),
        ("{}/nowhere", "one", "revision one: No git repository was found at .*nowhere"),
        ("http://127.0.0.1:1/data.git", "one", "revision one: .*Connection refused"),
    ],
)
def test_a_revision_or_path_that_does_not_exist(
    repository: Path, tmp_path: Path, source: str, revision: str, complaint: str
) -> None:
    with pytest.raises(UserError, match=complaint):
        fetch(source.format(repository), revision, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kept", "complaint"),
    [("nothing", "the bytes of data are not in the DVC remote of that repository"), ("*.dir", "data/state.txt")],
)
def test_a_revision_whose_bytes_were_never_pushed(repository: Path, tmp_path: Path, kept: str, complaint: str) -> None:
    shutil.copytree(repository, tmp_path / "clone")
    for path in (tmp_path / "clone" / ".dvc" / "cache" / "files" / "md5").glob("*/*"):
        if not path.match(kept):
            path.unlink()
    with pytest.raises(UserError, match=complaint):
        fetch(str(tmp_path / "clone"), "one", tmp_path / "out")
    assert not (tmp_path / "out").exists()


class Store:
    """An object store of a dictionary; says what the client of a real one would."""

    def __init__(self, objects: dict[str, bytes]) -> None:
        self.objects = objects
        self.fetched: list[str] = []
        self.changes: Callable[[str], None] = lambda key: None

    def get_paginator(self, operation: str) -> "Store":
        assert operation == "list_objects_v2"
        return self

    def paginate(self, Bucket: str, Prefix: str):
        if Bucket != "bucket":
            raise ClientError({"Error": {"Code": "NoSuchBucket", "Message": "no such bucket"}}, "ListObjectsV2")
        found = [
            {"Key": key, "Size": len(body), "ETag": md5(body).hexdigest(), "LastModified": datetime(2026, 1, 1)}
            for key, body in self.objects.items()
            if key.startswith(Prefix)
        ]
        # A page for each object, as a bucket of many thousands has many pages.
        return [{"Contents": [item]} for item in found] or [{}]

    def download_file(self, bucket: str, key: str, path: str) -> None:
        self.fetched.append(key)
        if self.objects[key] == b"broken":
            raise EndpointConnectionError(endpoint_url="http://store")
        Path(path).write_bytes(self.objects[key])
        self.changes(key)


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Store:
    made = Store({"games/a/1.npy": b"one", "games/a/2.npy": b"two", "games/dataset.json": b"{}", "other/x": b"x"})
    monkeypatch.setattr("boto3.client", lambda service: made)
    return made


def test_objects_below_a_prefix_become_a_folder(store: Store, tmp_path: Path) -> None:
    out = fetch("s3://bucket/games", "", tmp_path / "out")
    assert content(out) == {"a/1.npy": b"one", "a/2.npy": b"two", "dataset.json": b"{}"}


def test_an_interrupted_fetch_continues_and_leaves_nothing_half_done(store: Store, tmp_path: Path) -> None:
    store.objects["games/z.npy"] = b"broken"
    with pytest.raises(UserError, match="s3://bucket/games: Could not connect"):
        fetch("s3://bucket/games", "", tmp_path / "out")
    assert not (tmp_path / "out").exists()
    store.objects["games/z.npy"] = b"whole!"
    store.fetched.clear()
    assert (fetch("s3://bucket/games", "", tmp_path / "out") / "z.npy").read_bytes() == b"whole!"
    assert store.fetched == ["games/z.npy"]
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def content(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_bucket_that_changed_since_the_interruption_is_not_mixed_with_what_it_was(
    store: Store, tmp_path: Path
) -> None:
    """An object of another content and the same size, one that is no longer there, one that is new."""
    store.objects["games/z.npy"] = b"broken"
    with pytest.raises(UserError, match="Could not connect"):
        fetch("s3://bucket/games", "", tmp_path / "out")
    store.objects |= {"games/a/1.npy": b"ONE", "games/z.npy": b"whole!", "games/b/1.npy": b"new"}
    del store.objects["games/a/2.npy"]
    expected = {"a/1.npy": b"ONE", "b/1.npy": b"new", "dataset.json": b"{}", "z.npy": b"whole!"}
    assert content(fetch("s3://bucket/games", "", tmp_path / "out")) == expected


def test_a_bucket_that_changes_while_it_is_fetched_is_fetched_again(store: Store, tmp_path: Path) -> None:
    def change(key: str) -> None:
        store.objects |= {"games/a/1.npy": b"ONE", "games/b/1.npy": b"new"}

    store.changes = change
    expected = {"a/1.npy": b"ONE", "a/2.npy": b"two", "b/1.npy": b"new", "dataset.json": b"{}"}
    assert content(fetch("s3://bucket/games", "", tmp_path / "out")) == expected


def test_a_bucket_that_never_stands_still_is_refused(store: Store, tmp_path: Path) -> None:
    def change(key: str) -> None:
        store.objects["games/a/1.npy"] += b"!"

    store.changes = change
    with pytest.raises(UserError, match="s3://bucket/games: changes while it is fetched; fetch it again when"):
        fetch("s3://bucket/games", "", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("source", "complaint"), [("s3://bucket/nothing", "nothing there"), ("s3://none/games", "no such bucket")]
)
def test_a_prefix_or_bucket_that_does_not_exist(store: Store, tmp_path: Path, source: str, complaint: str) -> None:
    with pytest.raises(UserError, match=complaint):
        fetch(source, "", tmp_path / "out")


def test_an_object_whose_name_leads_out_of_the_folder(store: Store, tmp_path: Path) -> None:
    store.objects["games/../../x"] = b"x"
    with pytest.raises(UserError, match="leads out of the dataset's folder"):
        fetch("s3://bucket/games", "", tmp_path / "out")
    assert store.fetched == []


@pytest.mark.slow
def test_a_user_whom_the_machine_does_not_know_and_a_repository_of_somebody_else(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a container that runs as any user: no passwd entry, no USER, a volume of another user."""
    for name in ("USER", "LOGNAME", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", raises_key_error)
    foreign = shutil.copytree(repository, tmp_path / "foreign")
    if os.getuid() == 0:
        for path in (foreign, *foreign.rglob("*")):
            os.chown(path, 1234, 1234)
    out = fetch(str(foreign), "one", tmp_path / "out")
    assert (out / "state.txt").read_text() == "one"


@pytest.mark.slow
def test_a_read_only_root(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """DVC keeps notes beside the temporary folder; where it may not, they are in it."""
    monkeypatch.setenv("DVC_SITE_CACHE_DIR", "set, so that it is forgotten again")
    monkeypatch.delenv("DVC_SITE_CACHE_DIR")
    monkeypatch.setattr(revisions, "NOTES", tmp_path / "not there" / "dvc")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    fetch(str(repository), "one", tmp_path / "out")
    assert any((tmp_path / "dvc").iterdir())


@pytest.mark.slow
def test_no_clone_stays_among_the_temporary_files(repository: Path, tmp_path: Path, python_folder: Path) -> None:
    code = "import sys; from rmsnet.dataset.revisions import revision_md5; print(revision_md5(sys.argv[1], 'one'))"
    command = [python_folder / "python", "-c", code, f"file://{repository}"]
    told = subprocess.run(
        command, env={**os.environ, "TMPDIR": str(tmp_path)}, check=True, stdout=subprocess.PIPE, text=True
    )
    assert told.stdout.strip().endswith(".dir")
    assert not list(tmp_path.iterdir())


def raises_key_error(uid: int) -> None:
    raise KeyError(f"getpwuid(): uid not found: {uid}")


def test_whatever_a_library_raises_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise RuntimeError("no username found")

    monkeypatch.setattr("dvc.api.DVCFileSystem", refuse)
    with pytest.raises(UserError, match=r"data\.git, revision one: asks for a user and a password or token"):
        fetch("https://host/data.git", "one", tmp_path / "out")
