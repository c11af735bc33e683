"""One training on two processes that share this one GPU: the way of several GPUs, as far as one can show it."""

import argparse
import os
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from unittest import mock

import torch
from safetensors.torch import load_file

from benchmarks.gpu.banks import made_bank
from benchmarks.gpu.record import Record
from benchmarks.gpu.settings import Settings
from rmsnet.errors import UserError
from rmsnet.params import TrainParams
from rmsnet.training import distributed
from rmsnet.training.history import Epoch
from rmsnet.training.loop import train

PROCESSES = 2

SECONDS = 60
"""One run, at most."""

PARAMS = TrainParams(
    foreground_clips=1200,
    background_clips=400,
    epochs=2,
    learning_rate=0.01,
    dropout=0.0,
    precision="float32",
    patience=0,
)
"""Without dropout and in float32: what several processes compute is what one computes."""

SMALL = replace(PARAMS, foreground_clips=24, background_clips=8, batch_size=16)


def run(record: Record, device: torch.device, settings: Settings, work: Path) -> None:
    small = device.type == "cpu"
    training("one", device, small, work)
    if device.type == "cuda":
        for name, sharing, backend in (
            ("two processes, one GPU, as the command does it", False, "nccl"),
            ("two processes on the same GPU, NCCL", True, "nccl"),
        ):
            record.row(name, said(in_processes("refused", device, small, sharing, backend, work)))
    name = "two processes on the same device, gloo"
    done = in_processes("two", device, small, True, "gloo", work)
    if not (work / "two").exists():
        raise RuntimeError(f"{name}: {said(done)}")
    one, two = (load_file(work / folder / "model.safetensors") for folder in ("one", "two"))
    record.check(
        f"{name}: weights against one process", max(float((one[key] - two[key]).abs().max()) for key in one), 1e-3
    )
    speeds = {folder: float((work / f"{folder}.speed").read_text()) for folder in ("one", "two")}
    record.row(
        f"{name}: clips/s",
        speeds["two"],
        "clips/s",
        f"one process alone: {speeds['one']:,.0f}; says that it works, nothing of several GPUs: two share one, "
        "gradients are summed by the processor, and steps are launched kernel by kernel; one process replays a graph",
    )


def training(name: str, device: torch.device, small: bool, work: Path) -> None:
    """Train, and keep the speed of the last epoch."""
    banks = (
        made_bank(4 if small else 20, 900, 32, torch.device("cpu"), 1, 150),
        made_bank(1, 900, 32, torch.device("cpu"), 2, 150),
    )
    done: list[Epoch] = []
    with mock.patch("rmsnet.training.loop.best_epoch", lambda history: history[-1]):
        train(*banks, SMALL if small else PARAMS, work / name, device=device.type, on_epoch=done.append)
    if done:  # the first process alone is told
        (work / f"{name}.speed").write_text(str(done[-1].clips_per_second))


def in_processes(name: str, device: torch.device, small: bool, sharing: bool, backend: str, work: Path) -> str:
    """What they print: as `torchrun` starts them, which sets these variables."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "benchmarks.gpu.processes",
        name,
        device.type,
        str(int(small)),
        str(int(sharing)),
        backend,
        str(work),
    ]
    shared = {
        "WORLD_SIZE": str(PROCESSES),
        "LOCAL_WORLD_SIZE": str(PROCESSES),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "GLOO_SOCKET_IFNAME": "lo",
        "NCCL_SOCKET_IFNAME": "lo",
        "NCCL_DEBUG": "WARN",
    }
    with tempfile.TemporaryFile("w+") as output:
        started = [
            subprocess.Popen(
                command,
                env={**os.environ, **shared, "RANK": str(rank), "LOCAL_RANK": str(rank)},
                stdout=output,
                stderr=output,
            )
            for rank in range(PROCESSES)
        ]
        try:
            deadline = time.monotonic() + SECONDS
            for process in started:
                process.wait(max(0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            print(f"not done after {SECONDS} s", file=output, flush=True)
        finally:
            for process in started:
                process.kill()
                process.wait()
        output.seek(0)
        return output.read()


def said(output: str) -> str:
    """The line that says why."""
    print(output, file=sys.stderr)
    lines = [" ".join(line.split()) for line in output.splitlines() if line.strip()]
    for sign in ("Duplicate GPU", "refused", "Error", ""):
        found = [line for line in lines if sign in line]
        if found:
            return found[-1][:300]
    return "nothing was printed"


def main() -> None:
    """One of the processes."""
    parser = argparse.ArgumentParser()
    for name in ("name", "device", "small", "sharing", "backend", "work"):
        parser.add_argument(name)
    options = parser.parse_args()
    if int(options.sharing):  # each believes to be alone on its machine
        os.environ.update(LOCAL_RANK="0", LOCAL_WORLD_SIZE="1")
    connect = distributed.dist.init_process_group
    with mock.patch.object(distributed.dist, "init_process_group", side_effect=lambda _: connect(options.backend)):
        try:
            training(options.name, torch.device(options.device), bool(int(options.small)), Path(options.work))
        except UserError as error:
            sys.exit(f"refused: {error}")


if __name__ == "__main__":
    main()
