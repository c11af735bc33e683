"""The Python that forks is like the one that starts."""

import os
import subprocess
import sys

import pytest

TELL = """
import os, sys
print(sys.argv[1:], os.getcwd(), os.environ["ASKED"], sys.stdin.read(), "rmsnet" in sys.modules)
print("said aside", file=sys.stderr)
"""

WAIT = """
import signal, sys, time

def end(*_):
    print("told to end", flush=True)
    sys.exit(3)

signal.signal(signal.SIGTERM, end)
print("ready", flush=True)
time.sleep(600)
"""


@pytest.fixture
def warm(python_folder):
    return python_folder


def run(python, *arguments, folder):
    environment = {**os.environ, "ASKED": "for"}
    done = subprocess.run(
        [python, *arguments], cwd=folder, env=environment, input="given", capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.slow
def test_a_process_gets_what_it_is_given_and_ends_as_it_would(warm, tmp_path):
    for code in (
        TELL,
        "import sys; sys.exit(3)",
        "import sys; sys.exit('refused')",
        "import os, signal; os.kill(os.getpid(), signal.SIGUSR1)",
        "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
    ):
        cold = run(sys.executable, "-c", code, "--one", "two", folder=tmp_path)
        found = run(warm / "python", "-c", code, "--one", "two", folder=tmp_path)
        assert found == cold


@pytest.mark.slow
def test_a_process_gets_the_signals_of_its_caller(warm, tmp_path):
    (tmp_path / "wait.py").write_text(WAIT)
    with subprocess.Popen([warm / "python", "-u", "wait.py"], cwd=tmp_path, stdout=subprocess.PIPE, text=True) as begun:
        assert begun.stdout.readline() == "ready\n"
        begun.terminate()
        assert begun.stdout.read() == "told to end\n"
    assert begun.returncode == 3


@pytest.mark.slow
def test_a_process_does_not_outlive_its_caller(warm, tmp_path):
    (tmp_path / "wait.py").write_text(WAIT)
    with subprocess.Popen([warm / "python", "wait.py"], cwd=tmp_path, stdout=subprocess.PIPE, text=True) as begun:
        assert begun.stdout.readline() == "ready\n"
        begun.kill()
        assert begun.stdout.read() == ""  # the end of the last process that could write there


@pytest.mark.slow
def test_a_traceback_and_a_module_of_the_folder(warm, tmp_path):
    (tmp_path / "mine.py").write_text("import torch\nraise ValueError(torch.__name__)\n")
    status, _, said = run(warm / "python3", "-m", "mine", folder=tmp_path)
    assert status == 1
    assert said.splitlines()[-1] == "ValueError: torch"
