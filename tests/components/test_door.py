"""What stands before every component."""

import os

import pytest

from components.door import EXPECTED, MLFLOW, REQUIRED_ENVIRONMENT, door
from rmsnet import __version__
from rmsnet.errors import CheckFailed, UserError


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (UserError("no\ndata"), 2, "train: bad input: no data\n"),
        (CheckFailed("no\ngood"), 1, "train: check failed: no good\n"),
    ],
)
def test_a_refusal_is_one_line_with_its_kind_and_the_commands_exit_status(
    error: Exception, status: int, line: str, capsys
) -> None:
    with pytest.raises(SystemExit) as refusal, door("train"):
        raise error
    assert refusal.value.code == status
    assert capsys.readouterr().err == line


def test_somebody_who_is_away_is_no_bad_input(capsys) -> None:
    with pytest.raises(SystemExit), door("train"):
        try:
            raise ConnectionRefusedError
        except ConnectionRefusedError:
            raise UserError("MLflow does not answer") from None
    assert capsys.readouterr().err == (
        "train: not reachable; Retry goes on here when it is back: MLflow does not answer\n"
    )


def test_the_deployment_files_mlflow_is_used_and_the_plugins_is_said(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setenv(MLFLOW, "http://ours")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://theirs")
    monkeypatch.setenv("MLFLOW_RUN_ID", "theirs")
    with door("train"):
        assert os.environ["MLFLOW_TRACKING_URI"] == "http://ours"
        assert "MLFLOW_RUN_ID" not in os.environ
    assert "plugin names http://theirs; the deployment file names http://ours, which is used" in capsys.readouterr().out


def test_a_bug_stays_a_traceback() -> None:
    with pytest.raises(ZeroDivisionError), door("train"):
        1 / 0  # noqa: B018


def test_an_image_of_another_version_is_refused(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setenv(EXPECTED, "9.9 abc")
    with pytest.raises(SystemExit), door("train"):
        pytest.fail("the stage must not start")
    assert f"the image holds rmsnet {__version__}, the pipeline was compiled for 9.9" in capsys.readouterr().err


def test_an_image_of_another_commit_of_the_same_version_is_said_and_used(
    tmp_path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    monkeypatch.chdir(tmp_path)  # no checkout, as in a pod
    monkeypatch.setenv(EXPECTED, f"{__version__} abc")
    monkeypatch.setattr("rmsnet.provenance.PACKAGE", tmp_path)  # no checkout
    monkeypatch.setenv("RMSNET_GIT_COMMIT", "def")
    with door("train"):
        pass
    assert "warning: the image is of commit def, the pipeline was compiled from abc;" in capsys.readouterr().out


@pytest.mark.parametrize("commit", ["abc", "unknown"])
def test_nothing_is_said_of_the_same_commit_or_of_an_image_that_does_not_know_its_own(
    commit: str, tmp_path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(EXPECTED, f"{__version__} abc")
    monkeypatch.setattr("rmsnet.provenance.PACKAGE", tmp_path)  # no checkout
    monkeypatch.setenv("RMSNET_GIT_COMMIT", commit)
    with door("train"):
        pass
    assert capsys.readouterr().out == ""


def test_a_missing_secret_is_named(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setenv(REQUIRED_ENVIRONMENT, "HAVE_IT=storage/a,LACK_IT=storage/b")
    monkeypatch.setenv("HAVE_IT", "x")
    monkeypatch.delenv("LACK_IT", raising=False)
    with pytest.raises(SystemExit), door("train"):
        pytest.fail("the stage must not start")
    assert "missing in this namespace: secret key storage/b (for LACK_IT)" in capsys.readouterr().err
