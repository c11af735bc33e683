"""A fingerprint changes with what a source holds, and with nothing else."""

import os
from pathlib import Path

import pytest

from rmsnet.dataset.fingerprints import fingerprint, require_unchanged
from rmsnet.errors import CheckFailed, UserError
from tests.dataset.test_sources import Store, repository, store  # noqa: F401  # fixtures


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "data"
    (root / "league" / "game").mkdir(parents=True)
    (root / "league" / "game" / "1.npy").write_bytes(b"one")
    (root / "dataset.json").write_text("{}")
    return root


def test_a_folder_that_nobody_touches_keeps_its_fingerprint(folder: Path) -> None:
    (folder / "league" / "game" / "1.npy").read_bytes()
    assert fingerprint(str(folder)) == fingerprint(str(folder))
    require_unchanged(str(folder), "", fingerprint(str(folder)))


def rewrite_with_its_size_and_time(root: Path) -> None:
    path = root / "league" / "game" / "1.npy"
    before = path.stat()
    path.write_bytes(b"two")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize(
    "change",
    [
        lambda root: (root / "new").touch(),
        lambda root: (root / "dataset.json").unlink(),
        lambda root: (root / "dataset.json").write_text("{ }"),
        lambda root: (root / "league").rename(root / "cup"),
        rewrite_with_its_size_and_time,
    ],
)
def test_whatever_changes_in_a_folder_changes_its_fingerprint(folder: Path, change) -> None:
    before = fingerprint(str(folder))
    change(folder)
    assert fingerprint(str(folder)) != before
    with pytest.raises(CheckFailed, match="data: changed while it was used; start again"):
        require_unchanged(str(folder), "", before)


def test_links_are_followed_and_a_ring_of_them_ends(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (folder / "linked").symlink_to(tmp_path / "elsewhere")
    (folder / "ring").symlink_to(folder)
    before = fingerprint(str(folder))
    (tmp_path / "elsewhere" / "file").touch()
    assert fingerprint(str(folder)) != before


def test_a_bucket_has_another_fingerprint_when_an_object_changes(store: Store) -> None:  # noqa: F811
    before = fingerprint("s3://bucket/games")
    assert fingerprint("s3://bucket/games") == before
    store.objects["games/a/1.npy"] = b"eno"
    assert fingerprint("s3://bucket/games") != before


@pytest.mark.slow
def test_a_revision_has_the_fingerprint_of_its_data(repository: Path) -> None:  # noqa: F811
    one, two, branch = (fingerprint(str(repository), revision) for revision in ("one", "two", "HEAD"))
    assert one != two == branch


@pytest.mark.parametrize(
    ("source", "complaint"),
    [("absent", "no such folder; is the data's volume mounted"), ("https://host/x.git", "give a revision")],
)
def test_no_source(source: str, complaint: str) -> None:
    with pytest.raises(UserError, match=complaint):
        fingerprint(source)
