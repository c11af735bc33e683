"""The command: sections one after the other, each in a process and with a time of its own."""

import argparse
import importlib
import multiprocessing
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

import numpy as np
import torch

from benchmarks.gpu.record import Record, failures
from benchmarks.gpu.settings import FULL, QUICK, TOY, Settings
from benchmarks.machine import processor

SECTIONS = {
    "correctness": 120,
    "step": 100,
    "schedule": 120,
    "inference": 60,
    "extraction": 90,
    "references": 150,
    "processes": 150,
}
"""In this order, and the seconds that each may take: `run` of the module of the same name."""

MACHINE_SECONDS = 120
"""The first look at the card: CUDA's libraries are read from a disk that nobody has read before."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="benchmarks/gpu.sh", description="see benchmarks/gpu/__init__.py")
    parser.add_argument("--out", type=Path, required=True, help="where results.json and results.md go")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", dest="settings", action="store_const", const=QUICK, default=FULL)
    size.add_argument("--toy", dest="settings", action="store_const", const=TOY, help="does it start at all?")
    parser.add_argument("--sections", type=named, default=list(SECTIONS), help="some of " + ",".join(SECTIONS))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "results.json").unlink(missing_ok=True)
    deadline = time.monotonic() + 60 * options.settings.minutes
    with tempfile.TemporaryDirectory() as work:
        for name in ("machine", *options.sections):
            left = min(SECTIONS.get(name, MACHINE_SECONDS), deadline - time.monotonic())
            in_own_process(Record(options.out, name), options.device, options.settings, Path(work), left)
    wrong = failures(Record(options.out, "").everything())
    print(f"\n{(options.out / 'results.md').read_text(encoding='utf-8')}\n")
    print("\n".join(wrong) or "everything is as it should be")
    return 1 if wrong else 0


def named(text: str) -> list[str]:
    """Sections, separated by commas."""
    names = text.split(",")
    for name in names:
        if name not in SECTIONS:
            raise argparse.ArgumentTypeError(f"no section {name!r}; there are {', '.join(SECTIONS)}")
    return names


def in_own_process(record: Record, device: str, settings: Settings, work: Path, seconds: float) -> None:
    """Run a section; end it, and all that it started, after so many seconds."""
    if seconds <= 0:
        record.put(state="not begun: the time was up")
        return
    started = time.monotonic()
    # A fork has PyTorch already, and CUDA is first touched there.
    process = multiprocessing.get_context("fork").Process(target=section, args=(record, device, settings, work))
    process.start()
    process.join(seconds)
    try:
        if process.is_alive():
            record.put(state=f"stopped after {seconds:.0f} s")
        elif process.exitcode:
            failed = record.everything().get(record.section, {}).get("state", "")
            if not failed.startswith("failed"):
                record.put(state=f"failed: ended with status {process.exitcode}")
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.join()
    record.put(seconds=time.monotonic() - started)


def section(record: Record, device: str, settings: Settings, work: Path) -> None:
    os.setsid()  # so that its own processes end with it
    try:
        if record.section == "machine":
            machine(record, torch.device(device))
        else:
            importlib.import_module(f"benchmarks.gpu.{record.section}").run(
                record, torch.device(device), settings, work
            )
    except BaseException as error:
        traceback.print_exc()
        record.put(state=f"failed: {type(error).__name__}: {' '.join(str(error).split())[:300]}")
        sys.exit(1)
    record.put(state="done")


def machine(record: Record, device: torch.device) -> None:
    """What everything else was measured on."""
    if device.type == "cuda":
        card = torch.cuda.get_device_properties(device)
        record.row(
            "card", card.name, "", f"{card.multi_processor_count} multiprocessors, {card.total_memory / 2**30:.0f} GiB"
        )
        asked = ["nvidia-smi", "--query-gpu=driver_version,clocks.max.sm,power.limit", "--format=csv,noheader"]
        try:
            said = subprocess.run(asked, capture_output=True, text=True, check=True, timeout=30).stdout.strip()
        except (OSError, subprocess.SubprocessError) as error:
            said = str(error)
        record.row("driver, clock, power", said)
        record.row("CUDA, cuDNN", f"{torch.version.cuda}, {torch.backends.cudnn.version()}")
    record.row("processor", processor(), "", f"{os.cpu_count()} cores")
    record.row("Python, PyTorch, NumPy", f"{platform.python_version()}, {torch.__version__}, {np.__version__}")


if __name__ == "__main__":
    sys.exit(main())
