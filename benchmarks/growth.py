"""How the five stages grow with the number of games: time and peak memory of each, and what breaks first further on.

    python -m benchmarks.growth 10 100 500 5000

The games are those of a simulated dozen over and over, with names, noise and times of their own: halves of 5 minutes,
rows of 16 numbers instead of 512. So what a stage does for each game, file, half, event and clip is all there, and of
what it does for each number a 288th. Every stage is the `rmsnet` command in a process of its own. The training is one
epoch of few clips, because clips do not grow with games; what does is the table of clips and the validation. 50,000
games are arithmetic: what the last step from one number to the next grew by goes on.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rmsnet.dataset.soccernet import read_split
from rmsnet.simulation import simulate

BEYOND = 50_000
DAY_SECONDS = 24 * 60 * 60
MINUTES, WIDTH = 5, 16
"""Of a half, and of its rows."""
FEATURES = "narrow"
REAL_HALF_BYTES = 45 * 60 * 2 * 512 * 4


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


def write_dataset(folder: Path, games: int) -> None:
    """So many games and a tenth more for the gate, 20 at least, in SoccerNet's layout below `folder`."""
    dozen = folder / "dozen"
    simulate(dozen, games=12, gate=1, minutes=MINUTES)
    found = [game for split in ("train", "valid", "test") for game in read_split(dozen, split)]
    halves = {path: np.load(path)[:, :WIDTH] for path in sorted(dozen.rglob("*.npy"))}
    random = np.random.default_rng(0)
    data = folder / "data"
    named = []
    for number in range(games + max(20, games // 10)):
        source = found[number % len(found)]
        game = f"league/2030-2031/2030-08-{number % 28 + 1:02d} - 15-00 Home {number} 1 - 1 Away {number}"
        named.append(game)
        (data / game).mkdir(parents=True)
        for path in sorted((dozen / source).iterdir()):
            if path.suffix == ".npy":
                rows = halves[path]
                noisy = rows + random.standard_normal(rows.shape, np.float32)
                np.save(data / game / f"{path.name[0]}_{FEATURES}.npy", noisy)
            else:
                labels = json.loads(path.read_text())
                rows = [_moved(row, int(random.integers(60 * MINUTES))) for row in labels["annotations"]]
                made = {**labels, "UrlLocal": f"{game}/", "annotations": rows}
                (data / game / path.name).write_text(json.dumps(made))
    shutil.rmtree(dozen)
    ends = (0, 6 * games // 10, 8 * games // 10, games, len(named))
    for name, begin, end in zip(("Train", "Valid", "Test", "Gate"), ends, ends[1:], strict=False):
        league: dict[str, list[str]] = {}
        for game in named[begin:end]:
            league.setdefault("2030-2031", []).append(game.rpartition("/")[2])
        (data / f"SoccerNetGames{name}.json").write_text(json.dumps({"league": league}))
    kind = {"name": FEATURES, "width": WIDTH, "frame_rate": 2, "first_frame_seconds": 0.5}
    described = {"name": "Growing matches", "simulated": True, "features": [kind]}
    (data / "dataset.json").write_text(json.dumps(described))


def _moved(row: dict[str, str], second: int) -> dict[str, str]:
    """The same event at another second of its half: two games with the same labels are taken for one."""
    clock = f"{row['gameTime'][0]} - {second // 60:02d}:{second % 60:02d}"
    return {**row, "gameTime": clock, **({"position": str(1000 * second)} if "position" in row else {})}


def stages() -> dict[str, list[str]]:
    """The commands, in the order of the pipeline."""
    small = ("train.foreground_clips=300", "train.background_clips=100", "train.epochs=1")
    chosen = [part for setting in small for part in ("--set", setting)]
    features = ["--set", f"extract.features={FEATURES}"]
    return {
        "validate": ["validate", "data", "--out", "reports", *features],
        "extract": ["extract", "data", "--out", "features", *features],
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


def slope(sizes: Sequence[int], taken: Sequence[float]) -> float:
    """What a game adds between the last two numbers of games; 0 at least."""
    return max((taken[-1] - taken[-2]) / (sizes[-1] - sizes[-2]), 0.0)


def beyond(sizes: Sequence[int], taken: Sequence[float]) -> float:
    """What it would be for `BEYOND` games, if it goes on as between the last two numbers of games."""
    return taken[-1] + slope(sizes, taken) * (BEYOND - sizes[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("games", type=int, nargs="+")
    sizes = sorted(set(parser.parse_args().games))
    os.environ.pop("MLFLOW_TRACKING_URI", None)
    every: dict[str, list[Taken]] = {}
    print("seconds of CPU, peak MB\n")
    print(f"| games | {' | '.join(stages())} | files |\n|{'---|' * (len(stages()) + 2)}", flush=True)
    megabytes = 0.0
    for games in sizes:
        cells = []
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            write_dataset(folder, games)
            for name, command in stages().items():
                one = take(command, folder)
                every.setdefault(name, []).append(one)
                cells.append(f"{one.cpu:.1f} s, {one.megabytes:,.0f}")
                print(f"{games} games, {name}: {cells[-1]} MB, {one.wall:.1f} s wall", file=sys.stderr, flush=True)
            megabytes = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6
        print(f"| {games:,} | {' | '.join(cells)} | {megabytes:,.0f} MB |", flush=True)
    if len(sizes) > 1:
        print("\n" + "\n".join(further(sizes, every)))


def further(sizes: Sequence[int], every: Mapping[str, Sequence[Taken]]) -> list[str]:
    """What 50,000 games would take here, and what does not hold."""
    lines, broken = [], []
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e6
    for name, taken in every.items():
        cpu, held = (beyond(sizes, [getattr(one, what) for one in taken]) for what in ("cpu", "megabytes"))
        each = 1000 * slope(sizes, [one.cpu for one in taken])
        lines.append(f"{name}: {cpu:,.0f} s of CPU ({each:.1f} ms a game), {held:,.0f} MB for {BEYOND:,} such games")
        if held > memory:
            broken.append(f"the memory of {name} ({held / memory:.1f} times this machine's)")
        if cpu > DAY_SECONDS:
            broken.append(f"the time of {name} ({cpu / DAY_SECONDS:.1f} days of CPU)")
    disk = 2 * BEYOND * REAL_HALF_BYTES * 2
    free = shutil.disk_usage(tempfile.gettempdir()).free
    lines.append(f"real features of {BEYOND:,} games and their banks: {disk / 1e12:.1f} TB")
    if disk > free:
        broken.insert(0, f"the disk ({disk / free:,.0f} times what is free here)")
    lines.append(f"what breaks first: {'; '.join(broken) or 'nothing of these'}")
    return lines


if __name__ == "__main__":
    main()
