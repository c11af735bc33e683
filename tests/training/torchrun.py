"""Several CPU processes as `torchrun` starts them."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

_AROUND = """
import argparse, os, signal, sys
import torch
from rmsnet.cli import run_command

torch.set_num_threads(1)
RANK = int(os.environ["RANK"])

def die():
    os.kill(os.getpid(), signal.SIGKILL)

def command(options):
{body}

parser = argparse.ArgumentParser("rmsnet")
parser.set_defaults(run=command)
sys.exit(run_command("rmsnet", lambda: parser, []))
"""


@dataclass(frozen=True)
class Finished:
    """How the processes ended.

    Attributes:
        returncode: of `torchrun`.
        printed, errors: what each process wrote to standard output and error.
    """

    returncode: int
    printed: list[str]
    errors: list[str]


def torchrun(body: str, folder: Path, python_folder: Path, processes: int = 2) -> Finished:
    """Run Python as a command of rmsnet in each of so many processes; it knows RANK and die()."""
    folder.mkdir()
    indented = "".join(f"    {line}\n" for line in body.splitlines())
    (folder / "script.py").write_text(_AROUND.format(body=indented))
    python = str(python_folder / "python")
    done = subprocess.run(
        [
            *(python, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)),
            # Seldom, so that it does not end the others before they have noticed by themselves.
            *("--monitor-interval", "2", "--redirects", "3", "--log-dir", str(folder / "log")),
            str(folder / "script.py"),
        ],
        env={
            **os.environ,
            "PYTHONPATH": str(Path(__file__).resolve().parents[2]),
            "OMP_NUM_THREADS": "1",
            "PYTHON_EXEC": python,
        },
        capture_output=True,
        check=False,
        timeout=300,
    )

    def logs(name: str) -> list[str]:
        return [path.read_text() for path in sorted((folder / "log").glob(f"*/attempt_0/*/{name}.log"))]

    return Finished(done.returncode, logs("stdout"), logs("stderr"))
