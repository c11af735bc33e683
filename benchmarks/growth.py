"""How the five stages grow with the number of games: time and peak memory of each, and what breaks first further on.

    python -m benchmarks.growth 10 100 500 5000 [--minutes 2]

Simulated games of short halves: what a stage does for each game, half and event is all there, what it does for each
frame is less than in a real half by 45 minutes over so many. Every stage is the `rmsnet` command in a process of its
own. The training is one epoch of few clips, because clips do not grow with games; what does is the table of clips and
the validation. 50,000 games are arithmetic: what the last step from one number to the next grew by goes on.
"""

import argparse
import math
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

BEYOND = 50_000
REAL_HALF_MINUTES = 45
DAY_SECONDS = 24 * 60 * 60


@dataclass(frozen=True)
class Taken:
    """What a stage took.

    Attributes:
        cpu: seconds, of all its threads and processes.
        wall: seconds.
        megabytes: of memory at most, mapped files included.
    """

    cpu: float
    wall: float
    megabytes: float


def stages(games: int, minutes: int) -> dict[str, list[str]]:
    """The commands, in the order of the pipeline."""
    small = ("train.foreground_clips=300", "train.background_clips=100", "train.epochs=1")
    chosen = [part for setting in small for part in ("--set", setting)]
    gate = max(20, games // 10)
    return {
        "simulate": [
            *("data", "simulate", "--out", "data", "--games", str(games), "--gate", str(gate)),
            *("--minutes", str(minutes)),
        ],
        "validate": ["validate", "data", "--out", "reports"],
        "extract": ["extract", "data", "--out", "features"],
        "train": ["train", "--features", "features", "--out", "models/full", *chosen],
        "evaluate": ["evaluate", "--model", "models/full", "--features", "features", "--out", "evaluation/full"],
        "register": [
            *("registry", "register", "models/full", "--evaluation", "evaluation", "--features", "features"),
            *("--out", "registration"),
        ],
    }


def take(command: Sequence[str], folder: Path) -> Taken:
    """Run a command of `rmsnet`; a refusal (1) is a result too.

    Raises:
        RuntimeError: it failed.
    """
    started = time.perf_counter()
    with (folder / "said.txt").open("w+") as said:
        process = subprocess.Popen([sys.executable, "-m", "rmsnet.cli", *command], cwd=folder, stdout=said, stderr=said)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in (0, 1):
            said.seek(0)
            lines = said.read().strip().splitlines()
            raise RuntimeError(f"rmsnet {command[0]} ended with {process.returncode}: {(lines or ['nothing'])[-1]}")
    return Taken(used.ru_utime + used.ru_stime, time.perf_counter() - started, used.ru_maxrss / 1024)


def beyond(sizes: Sequence[int], taken: Sequence[float]) -> float:
    """What it would be for `BEYOND` games, if it goes on as between the last two numbers of games."""
    exponent = max(math.log(taken[-1] / taken[-2]) / math.log(sizes[-1] / sizes[-2]), 0)
    return float(taken[-1] * (BEYOND / sizes[-1]) ** exponent)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("games", type=int, nargs="+")
    parser.add_argument("--minutes", type=int, default=2, help="of a half (default: 2)")
    options = parser.parse_args()
    sizes = sorted(set(options.games))
    os.environ.pop("MLFLOW_TRACKING_URI", None)
    every: dict[str, list[Taken]] = {}
    print(f"2 × {options.minutes} minutes a game; seconds of CPU, of the clock, peak MB\n")
    print("| games | " + " | ".join(stages(1, 1)) + " | files |")
    print("|---" * (len(stages(1, 1)) + 2) + "|")
    megabytes = 0.0
    for games in sizes:
        cells = []
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            for name, command in stages(games, options.minutes).items():
                one = take(command, folder)
                every.setdefault(name, []).append(one)
                cells.append(f"{one.cpu:.1f}, {one.wall:.1f}, {one.megabytes:.0f}")
            megabytes = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6
        print(f"| {games:,} | {' | '.join(cells)} | {megabytes:,.0f} MB |", flush=True)
    if len(sizes) > 1:
        print()
        print("\n".join(further(sizes, every, megabytes, options.minutes)))


def further(sizes: Sequence[int], every: Mapping[str, Sequence[Taken]], megabytes: float, minutes: int) -> list[str]:
    """What 50,000 games would take here, and what does not hold."""
    lines, broken = [], []
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e6
    for name, taken in every.items():
        cpu, held = (beyond(sizes, [getattr(one, what) for one in taken]) for what in ("cpu", "megabytes"))
        lines.append(f"{name}: {cpu:,.0f} s of CPU and {held:,.0f} MB for {BEYOND:,} such games")
        if held > memory:
            broken.append(f"the memory of {name} ({held / memory:.1f} times this machine's)")
        if cpu > DAY_SECONDS:
            broken.append(f"the time of {name} ({cpu / DAY_SECONDS:.1f} days of CPU)")
    disk = megabytes * BEYOND / sizes[-1] * REAL_HALF_MINUTES / minutes
    free = shutil.disk_usage(tempfile.gettempdir()).free / 1e6
    lines.append(f"files: {disk / 1e6:,.1f} TB for {BEYOND:,} games of 2 × {REAL_HALF_MINUTES} minutes")
    if disk > free:
        broken.append(f"the disk ({disk / free:,.0f} times what is free here)")
    lines.append(f"what breaks first: {'; '.join(broken) or 'nothing of these'}")
    return lines


if __name__ == "__main__":
    main()
