import json
from collections import namedtuple

import pytest

from rmsnet.cli import main
from rmsnet.errors import CheckFailed
from rmsnet.workplace import doctor
from rmsnet.workplace.findings import Finding, told


def test_this_machine_has_what_the_tests_need(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(doctor, "NEEDED_GB", 0)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert main(["doctor", "--json"]) == 0
    found = {item["what"]: item["there"] for item in json.loads(capsys.readouterr().out)}
    assert found["Python 3.11 or newer"]
    assert found["MLflow store"]
    assert not list(tmp_path.iterdir())


def test_what_is_missing_is_said_and_ends_with_status_1(capsys):
    findings = [
        Finding("one", True, "here"),
        Finding("two", None, "nobody needs it"),
        Finding("three", False, "get it"),
    ]
    with pytest.raises(CheckFailed, match="1 of 3 are missing: three"):
        told(findings)
    lines = capsys.readouterr().out.splitlines()
    assert lines == ["ok       one: here", "without  two: nobody needs it", "missing  three: get it"]


def test_a_package_in_another_version_is_named(monkeypatch):
    real = doctor.version
    monkeypatch.setattr(doctor, "version", lambda name: "0.0.1" if name == "numpy" else real(name))
    found = doctor._packages()
    assert found.there is False
    assert "numpy is 0.0.1, not ==" in found.detail
    assert "make setup" in found.detail


def test_a_codec_that_ffmpeg_lacks_is_named(monkeypatch):
    monkeypatch.setattr(doctor, "DECODERS", ("h264", "codec_of_tomorrow"))
    found = doctor._codecs()
    assert found.there is False
    assert found.detail == "without codec_of_tomorrow to read"


def test_a_store_that_does_not_answer_is_missing(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    found = doctor._store()
    assert found.there is False


def test_a_full_disk_is_missing(monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: usage(10**12, 10**12, 10**9))
    found = doctor._room()
    assert found.there is False
    assert found.detail.startswith("1.0 GB free")
