"""The ways in which a dataset is versioned with DVC, as docs/data.md describes them, each with the real `dvc`."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from rmsnet.documents import read_json
from rmsnet.provenance import dvc_md5
from tests.validation.datasets import FEATURES, GAMES, feature_file, make_dataset

STAGES = {
    "stages": {
        "validate": {
            "cmd": f"rmsnet validate ${{data.root}} --out reports/validation --set extract.features={FEATURES}",
            "params": ["data"],
            "deps": ["${data.root}"],
            "outs": ["reports/validation"],
        }
    }
}


class Project:
    """A git repository with DVC, as a clone of ours is one."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir()
        self.run("git", "init", "-q")
        self.run("git", "config", "user.email", "a@b")
        self.run("git", "config", "user.name", "a")
        self.dvc("init", "-q")
        self.dvc("config", "core.analytics", "false")

    def run(self, *command: str, **variables: str) -> str:
        bin_folder = str(Path(sys.executable).parent)
        environment = {
            **os.environ,
            "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(Path(__file__).resolve().parents[1]),
            "DVC_NO_ANALYTICS": "true",
            **variables,
        }
        done = subprocess.run(command, cwd=self.root, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout

    def dvc(self, *arguments: str, **variables: str) -> str:
        return self.run(sys.executable, "-m", "dvc", *arguments, **variables)

    def forget(self) -> None:
        """What a fresh clone has not: the data and the cache."""
        shutil.rmtree(self.root / "data")
        shutil.rmtree(self.root / ".dvc" / "cache")


def content(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def project(tmp_path):
    made = Project(tmp_path / "project")
    make_dataset(made.root / "data")
    return made


@pytest.mark.slow
def test_pushed_data_come_back_with_the_same_bytes_and_hash(project, tmp_path):
    project.dvc("remote", "add", "-d", "team", str(tmp_path / "remote"))
    project.dvc("add", "-q", "data")
    before, md5 = content(project.root / "data"), dvc_md5(project.root / "data")
    project.dvc("push", "-q")
    project.forget()
    project.dvc("pull", "-q")
    assert content(project.root / "data") == before
    assert dvc_md5(project.root / "data") == md5
    assert md5.endswith(".dir")


@pytest.mark.slow
def test_data_under_nda_are_never_pushed_to_the_shared_remote(project, tmp_path):
    """`remote:` sends an output to a remote of its own, `push: false` nowhere."""
    project.dvc("remote", "add", "-d", "shared", str(tmp_path / "shared"))
    project.dvc("remote", "add", "--local", "private", str(tmp_path / "private"))
    (project.root / "ours.txt").write_text("ours")
    project.dvc("add", "-q", "data", "ours.txt")
    pointer = project.root / "data.dvc"
    document = yaml.safe_load(pointer.read_text())

    document["outs"][0]["push"] = False
    pointer.write_text(yaml.safe_dump(document))
    project.dvc("push", "-q")
    assert len(content(tmp_path / "shared")) == 1

    del document["outs"][0]["push"]
    document["outs"][0]["remote"] = "private"
    pointer.write_text(yaml.safe_dump(document))
    project.dvc("push", "-q")
    assert len(content(tmp_path / "shared")) == 1
    # A file for each that differs, and the list of them.
    assert len(content(tmp_path / "private")) == len(set(content(project.root / "data").values())) + 1
    project.forget()
    project.dvc("pull", "-q", "data")
    assert feature_file(project.root / "data", GAMES["train"][0]).is_file()


@pytest.mark.slow
def test_a_dataset_elsewhere_is_used_where_it_lies_and_nothing_of_it_enters_the_cache(project, tmp_path):
    elsewhere = tmp_path / "soccernet"
    (project.root / "data").rename(elsewhere)
    (project.root / "params.yaml").write_text(yaml.safe_dump({"data": {"root": str(elsewhere)}}))
    (project.root / "dvc.yaml").write_text(yaml.safe_dump(STAGES))
    project.dvc("repro")
    report = read_json(project.root / "reports/validation/validation.json")
    assert report["verdict"] == "passed"
    cached = set(content(project.root / ".dvc" / "cache").values())
    assert not cached & set(content(elsewhere).values())
    lock = yaml.safe_load((project.root / "dvc.lock").read_text())
    (dependency,) = lock["stages"]["validate"]["deps"]
    assert dependency["path"] == str(elsewhere)
    assert dependency["md5"].endswith(".dir")
    assert "up to date" in project.dvc("repro")
    path = feature_file(elsewhere, GAMES["train"][0])
    path.write_bytes(path.read_bytes()[:-4] + b"\0\0\0\0")
    assert "modified" in project.dvc("status")


@pytest.mark.slow
def test_an_s3_compatible_remote_takes_and_gives_the_data(project, monkeypatch):
    pytest.importorskip("dvc_s3")
    boto3 = pytest.importorskip("boto3")
    server = pytest.importorskip("moto.server").ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}
    for name, value in keys.items():
        monkeypatch.setenv(name, value)
    server.start()
    try:
        host, port = server.get_host_and_port()
        address = f"http://{host}:{port}"
        store = boto3.client("s3", endpoint_url=address)
        store.create_bucket(Bucket="matches")
        project.dvc("remote", "add", "-d", "s3", "s3://matches/dvc")
        project.dvc("remote", "modify", "s3", "endpointurl", address)
        project.dvc("add", "-q", "data")
        before = content(project.root / "data")
        project.dvc("push", "-q")
        objects = store.list_objects_v2(Bucket="matches")["Contents"]
        assert len(objects) == len(set(before.values())) + 1
        project.forget()
        project.dvc("pull", "-q")
        assert content(project.root / "data") == before
    finally:
        server.stop()


@pytest.mark.slow
def test_a_finder_that_visits_the_data_makes_nothing_stale(project, repository):
    shutil.copy(repository / ".dvcignore", project.root)
    project.dvc("add", "-q", "data")
    md5 = dvc_md5(project.root / "data")
    for folder in (project.root / "data", project.root / "data" / GAMES["train"][0]):
        for name in (".DS_Store", "._1_tiny.npy", "Thumbs.db", ".nfs00000042", "desktop.ini"):
            (folder / name).write_text("x")
    assert "up to date" in project.dvc("status")
    assert dvc_md5(project.root / "data") == md5 is not None
