import os
import subprocess
import sys

import pytest

from rmsnet import cli
from rmsnet.errors import CheckFailed, UserError


def rmsnet(*arguments: str, **options) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "rmsnet.cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


def test_help_names_every_command():
    done = rmsnet("--help")
    assert done.returncode == 0
    for command in ("data", "validate", "extract", "train", "evaluate", "registry"):
        assert command in done.stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("trian",), "did you mean train?"),
        (("registry", "histroy"), "did you mean history?"),
        (
            ("train", "--features", "x", "--out", "y", "--varaint", "full"),
            "rmsnet train: unrecognized arguments: --varaint",
        ),
        (("train", "--features", "x", "--out", "y", "--varaint", "full"), "did you mean --variant?"),
        (("train", "--features", "x", "--out", "y", "--vari", "full"), "unrecognized arguments: --vari full"),
        (("train", "--features", "x"), "--out"),
        (("extract", "nowhere", "--out", "x"), "nowhere: no such dataset"),
        (("train", "--features", "nowhere", "--out", "x"), "no such frame bank"),
        (
            ("train", "--features", "x", "--out", "y", "--set", "train.epoch=1"),
            "train.epoch: unknown key; did you mean epochs?",
        ),
        (("train", "--features", "x", "--out", "y", "--variant", "loud"), "variants.loud: no such variant"),
        (("train", "--features", "x", "--out", "y", "--params", "nowhere.yaml"), "nowhere.yaml: no such file"),
    ],
)
def test_bad_input_is_one_line_status_2_and_nothing_written(arguments, says, tmp_path):
    done = rmsnet(*arguments, cwd=tmp_path, env={**os.environ, "MLFLOW_TRACKING_URI": ""})
    assert done.returncode == 2
    assert says in done.stderr
    assert done.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (UserError("bad\n  input"), 2),
        (CheckFailed("no"), 1),
        (OSError(28, "No space left on device"), 2),
        (KeyboardInterrupt(), 130),
        (cli.Terminated(), 143),
        (ModuleNotFoundError("No module named 'mlflow'", name="mlflow"), 2),
    ],
)
def test_refusals_become_one_line_and_a_status(error, status, monkeypatch, capsys):
    def refuse(options):
        raise error

    from rmsnet.commands import extract

    monkeypatch.setattr(extract, "run", refuse)
    assert cli.main(["extract", "data", "--out", "x"]) == status
    assert capsys.readouterr().err.count("\n") == 1


LOADING = """
import sys, time
from rmsnet import cli
from rmsnet.commands import extract

def load(options):
    import half_loaded
    time.sleep(60)

extract.run = load
sys.exit(cli.main(["extract", "data", "--out", "x"]))
"""

HALF_LOADED = """
import os, time
try:
    os.kill(os.getpid(), NUMBER)
    time.sleep(0.01)
except BaseException:
    raise ImportError("cannot load module more than once per process") from None
"""


@pytest.mark.parametrize(("number", "says", "status"), [(2, "interrupted", 130), (15, "terminated", 143)])
def test_a_signal_in_the_middle_of_an_import_waits_for_its_end(number, says, status, repository, tmp_path):
    (tmp_path / "half_loaded.py").write_text(HALF_LOADED.replace("NUMBER", str(number)))
    done = subprocess.run(
        [sys.executable, "-c", LOADING],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": f"{repository}:{tmp_path}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )
    said = f"rmsnet: {says}; run the same command again to continue\n"
    assert (done.returncode, done.stdout, done.stderr) == (status, "", said)


def test_a_bug_is_a_traceback(monkeypatch):
    from rmsnet.commands import extract

    def break_down(options):
        raise AssertionError

    monkeypatch.setattr(extract, "run", break_down)
    with pytest.raises(AssertionError):
        cli.main(["extract", "data", "--out", "x"])


def test_a_reader_that_goes_away_is_no_error(tmp_path):
    done = subprocess.run(
        f"{sys.executable} -m rmsnet.cli --help | head -1", shell=True, capture_output=True, check=False
    )
    assert done.returncode == 0
    assert b"Traceback" not in done.stderr


def test_telemetry_is_off_unless_the_environment_says_otherwise(monkeypatch):
    names = ("DVC_NO_ANALYTICS", "GX_ANALYTICS_ENABLED", "HF_HUB_DISABLE_TELEMETRY", "MLFLOW_DISABLE_TELEMETRY")
    for name in names:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "false")
    cli.switch_telemetry_off()
    assert [os.environ[name] for name in names] == ["true", "false", "1", "false"]
