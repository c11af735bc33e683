"""A Python whose processes begin with the heavy libraries loaded: forks of one that has imported them.

A pipeline starts dozens of processes, and each would import PyTorch and MLflow for seconds. What a test is about begins
in each as ever: rmsnet itself, arguments, folder, environment, input and output, exit status.
"""

import contextlib
import gc
import importlib
import io
import json
import os
import runpy
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

LIBRARIES = (
    "torch",
    "mlflow.pyfunc",
    "mlflow.store.tracking.sqlalchemy_store",
    "mlflow.store.model_registry.sqlalchemy_store",
    "great_expectations",
    "kfp.dsl",
    "dvc.cli.parser",
    "dvc.repo",
    "matplotlib.figure",
    "matplotlib.backends.backend_agg",
)

CLIENT = """#!{python} -SE
import json, os, signal, socket, sys

unbuffered = sys.argv[1:2] == ["-u"]
arguments = sys.argv[1 + unbuffered :]
if not arguments or (arguments[0].startswith("-") and arguments[0] not in ("-m", "-c")):
    os.execv("{python}", ["{python}", *sys.argv[1:]])
told = {{"folder": os.getcwd(), "environment": dict(os.environ), "arguments": arguments, "unbuffered": unbuffered}}
told = json.dumps(told).encode()
with socket.socket(socket.AF_UNIX) as line:
    try:
        line.connect("{address}")
    except OSError:  # the one that forks has ended: slower is not wrong
        os.execv("{python}", ["{python}", *sys.argv[1:]])
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _: line.sendall(bytes([number])))
    socket.send_fds(line, [len(told).to_bytes(8, "big")], [0, 1, 2])
    line.sendall(told)
    answer = line.recv(2)
status = int.from_bytes(answer, "big", signed=True) if answer else sys.exit("the process was not started")
if status < 0:
    if -status != signal.SIGKILL:
        signal.signal(-status, signal.SIG_DFL)
    os.kill(os.getpid(), -status)
sys.exit(status)
"""

DVC = """#!/bin/sh
exec {python} -m dvc "$@"
"""


@contextmanager
def warm_python() -> Iterator[Path]:
    """A folder with a `python`, a `python3` and a `dvc` that fork, for as long as it is open."""
    folder = Path(tempfile.mkdtemp(prefix="warm-"))  # the address of a socket must be short
    address = folder / "line"
    client = CLIENT.format(python=sys.executable, address=address)
    for name, text in {"python": client, "python3": client, "dvc": DVC.format(python=folder / "python")}.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(address))
        listener.listen(64)
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.warm_python", str(listener.fileno())],
            cwd=Path(__file__).parents[1],
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            pass_fds=[listener.fileno()],
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
    try:
        yield folder
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        shutil.rmtree(folder)


def _serve(listener: socket.socket) -> None:
    """Two processes for each that is asked for: it, and one that waits for it and tells its exit status."""
    signal.signal(signal.SIGCHLD, _reap)
    while True:
        line, _ = listener.accept()
        if os.fork():
            line.close()
            continue
        listener.close()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        size, files, _, _ = socket.recv_fds(line, 8, 3)
        with line.makefile("rb", buffering=0) as rest:
            told = json.loads(_read(rest, int.from_bytes(size, "big")))
        worker = os.fork()
        if worker == 0:
            line.close()
            _become(told, files)
            return
        for file in files:
            os.close(file)
        status = _watched(worker, line)
        with contextlib.suppress(OSError):
            line.sendall(status.to_bytes(2, "big", signed=True))
        os._exit(0)


def _read(file: io.RawIOBase, size: int) -> bytes:
    content = b""
    while len(content) < size:
        content += file.read(size - len(content)) or b""
    return content


def _watched(worker: int, line: socket.socket) -> int:
    """The exit status; the signals that the caller gets reach the worker, and it does not outlive the caller."""
    ended = os.pidfd_open(worker)
    while ended not in select.select([ended, line], [], [])[0]:
        number = line.recv(1)
        os.kill(worker, number[0] if number else signal.SIGKILL)
        if not number:
            break
    return os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1])


def _reap(*_: object) -> None:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _become(told: dict[str, Any], files: list[int]) -> None:
    """What the caller asked for, in its place; ends as an interpreter does."""
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    # A stream remembers of its file whether it can be searched, and a terminal is written to by lines.
    sys.stdin = sys.__stdin__ = os.fdopen(0, closefd=False)
    sys.stdout = sys.__stdout__ = os.fdopen(1, "w", closefd=False)
    sys.stderr = sys.__stderr__ = os.fdopen(2, "w", buffering=1, errors="backslashreplace", closefd=False)
    if told["unbuffered"]:
        sys.stdout.reconfigure(write_through=True)
    os.chdir(told["folder"])
    os.environ.clear()
    os.environ.update(told["environment"])
    tempfile.tempdir = None  # a library may have asked for it already
    kind, *arguments = told["arguments"]
    place = told["folder"] if kind in ("-m", "-c") else str(Path(kind).resolve().parent)
    paths = filter(None, told["environment"].get("PYTHONPATH", "").split(os.pathsep))
    sys.path[:] = [place, *paths, *sys.path]
    what = arguments.pop(0) if kind in ("-m", "-c") else kind
    sys.argv = [kind, *arguments]
    try:
        _run(kind, what)
    except SystemExit:
        raise
    except BaseException:
        traceback.print_exc()
        sys.exit(1)


def _run(kind: str, what: str) -> None:
    if kind == "-m":
        runpy.run_module(what, run_name="__main__", alter_sys=True)
    elif kind != "-c":
        runpy.run_path(what, run_name="__main__")
    else:
        namespace: dict[str, Any] = {"__name__": "__main__"}
        exec(compile(what, "<string>", "exec"), namespace)


if __name__ == "__main__":
    root = Path(__file__).resolve().parents[1]
    asked = socket.socket(fileno=int(sys.argv[1]))
    select.select([asked], [], [])  # nothing is loaded for whom nobody asks
    for library in LIBRARIES:
        importlib.import_module(library)
    from sqlalchemy.orm import configure_mappers

    configure_mappers()
    gc.freeze()  # what is loaded is no garbage of those that end
    # The code under test is each process's own.
    sys.path[:] = [path for path in sys.path if path and Path(path).resolve() != root]
    _serve(asked)
