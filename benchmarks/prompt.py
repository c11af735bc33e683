"""How long people wait at the prompt: each command whole, from its start to its end, beside Python's own start.

    python benchmarks/prompt.py [--runs 5]

In a folder of its own it simulates a small dataset, trains two models on it for an epoch and registers them; 100 games
with 17 classes are made up as in `benchmarks/evaluation.py`. Of each command the least processor time (of all its
threads and processes) and the least wall time are told: what else runs on the machine adds to both.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.evaluation import write

RMSNET = (sys.executable, "-m", "rmsnet.cli")


def prepare(folder: Path) -> None:
    """Dataset, models, registry and the games that are judged."""
    small = ("--set", "train.foreground_clips=300", "--set", "train.background_clips=100", "--set", "train.epochs=1")
    commands = [
        ("data", "simulate", "--games", "12", "--minutes", "45", "--gate", "1", "--out", "data"),
        ("extract", "data", "--out", "features"),
    ]
    for seed in ("0", "1"):
        model = f"models/seed-{seed}"
        commands += [
            ("train", "--features", "features", "--out", model, *small, "--set", f"train.seed={seed}"),
            ("evaluate", "--model", model, "--features", "features", "--out", f"evaluation/seed-{seed}"),
            *[("registry", "register", model, "--evaluation", "evaluation", "--features", "features")],
        ]
        commands[-1] += ("--out", f"registration-{seed}")
    commands.append(("registry", "export", "1", "--format", "onnx", "--out", "exported"))
    for command in commands:
        measure([*RMSNET, *command], folder)
    (folder / "games").mkdir()
    write(folder / "games", 0, dense=False)


def commands(folder: Path) -> dict[str, list[str]]:
    """What is measured, by how it is told."""
    half = str(next((folder / "data").rglob("1_*.npy")))
    return {
        "python -c pass": [sys.executable, "-c", "pass"],
        "rmsnet --help": [*RMSNET, "--help"],
        "rmsnet registry list": [*RMSNET, "registry", "list"],
        "rmsnet registry history": [*RMSNET, "registry", "history"],
        "rmsnet registry compare": [*RMSNET, "registry", "compare", "1", "2", "--features", "features"],
        "rmsnet data inspect": [*RMSNET, "data", "inspect", "data"],
        "rmsnet spot HALF.npy --model DIR": [*RMSNET, "spot", half, "--model", "models/seed-0", "--out", "spotted"],
        "the same, an export for ONNX Runtime": [*RMSNET, "spot", half, "--model", "exported", "--out", "of-export"],
        "rmsnet evaluate --model DIR": [
            *(*RMSNET, "evaluate", "--model", "models/seed-0", "--features", "features", "--out", "judged")
        ],
        "rmsnet evaluate, 100 games in files": [
            *(*RMSNET, "evaluate", "--labels", "games/labels", "--predictions", "games/sparse", "--out", "report")
        ],
        "the same without intervals": [
            *(*RMSNET, "evaluate", "--labels", "games/labels", "--predictions", "games/sparse", "--out", "report"),
            *("--bootstrap", "0"),
        ],
    }


def measure(command: list[str], folder: Path) -> tuple[float, float]:
    """Processor and wall seconds of a command.

    Raises:
        SystemExit: it failed; with what it said.
    """
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: {done.stderr.strip()}")
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    os.environ.pop("MLFLOW_TRACKING_URI", None)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        prepare(folder)
        print(
            f"{os.cpu_count()} cores, least of {runs}\n\n| command | processor seconds | wall seconds |\n|---|---|---|"
        )
        for name, command in commands(folder).items():
            measure(command, folder)  # what it reads is in memory, what it imports is compiled
            taken = [measure(command, folder) for _ in range(runs)]
            cpu, wall = (min(column) for column in zip(*taken, strict=True))
            print(f"| {name} | {cpu:.2f} | {wall:.2f} |", flush=True)


if __name__ == "__main__":
    main()
