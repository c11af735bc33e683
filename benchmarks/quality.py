"""Seconds of training until the validation Average-mAP is what the paper's schedule ends with; what gets there sooner.

    python -m benchmarks.quality                            a look
    python -m benchmarks.quality --device cuda --games 160 --minutes 15 --clips 40000 --epochs 50

Simulated data; the paper's schedule with fewer clips and epochs, or all of it. The target is the mean over the seeds of
what the paper's schedule ends with; a recipe reaches it with the first epoch that is not below it. Seconds include
validation. On a CPU they are those of all cores together, for on a machine that does other work too the clock says
nothing; on a GPU they are the clock's. A recipe may reach the target by luck of one epoch, the paper's as well: read
the seeds, not the best of them.
"""

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory

from rmsnet.features.bank import FrameBank, read_bank
from rmsnet.features.stage import extract
from rmsnet.params import ExtractParams, TrainParams
from rmsnet.simulation.dataset import simulate
from rmsnet.training.history import Epoch
from rmsnet.training.loop import train

STEPS_AVERAGED = 0.5
"""Share of an epoch over which weights are averaged: a running average needs a decay for its number of steps."""


@dataclass(frozen=True)
class Run:
    """A training.

    Attributes:
        scores: validation Average-mAP after each epoch, in [0, 1].
        seconds: from the beginning to the end of each epoch: of all cores, on a GPU by the clock.
    """

    scores: tuple[float, ...]
    seconds: tuple[float, ...]

    def until(self, target: float) -> float | None:
        """Seconds to the end of the first epoch that is not below the target; None: there is none."""
        return next((end for score, end in zip(self.scores, self.seconds, strict=True) if score >= target), None)


def recipes_of(paper: TrainParams) -> dict[str, TrainParams]:
    """The paper's schedule and what may reach its end sooner."""
    steps = (paper.foreground_clips + paper.background_clips) / paper.batch_size
    averaged = max(0.0, 1 - 1 / max(1.0, STEPS_AVERAGED * steps))
    half = max(2, paper.epochs // 2)
    return {
        "the paper's": paper,
        "weights averaged": replace(paper, average_decay=averaged),
        "half the epochs": replace(paper, epochs=half),
        "half the epochs, averaged": replace(paper, epochs=half, average_decay=averaged),
        "rate × 2": replace(paper, learning_rate=2 * paper.learning_rate),
        "batch × 2, rate × 2": replace(paper, batch_size=2 * paper.batch_size, learning_rate=2 * paper.learning_rate),
        "batch × 4, rate × 2": replace(paper, batch_size=4 * paper.batch_size, learning_rate=2 * paper.learning_rate),
        "batch × 4, rate × 4": replace(paper, batch_size=4 * paper.batch_size, learning_rate=4 * paper.learning_rate),
        "batch × 8, rate × 4": replace(paper, batch_size=8 * paper.batch_size, learning_rate=4 * paper.learning_rate),
        "batch ÷ 2": replace(paper, batch_size=paper.batch_size // 2),
    }


def run(train_bank: FrameBank, valid_bank: FrameBank, params: TrainParams, folder: Path, device: str) -> Run:
    """One training, from nothing."""
    clock = time.process_time if device == "cpu" else time.perf_counter
    begin = clock()
    scores, seconds = [], []

    def told(epoch: Epoch) -> None:
        scores.append(epoch.valid_average_map)
        seconds.append(clock() - begin)

    train(train_bank, valid_bank, params, folder, device=device, on_epoch=told)
    return Run(tuple(scores), tuple(seconds))


def banks(folder: Path, games: int, minutes: int) -> tuple[FrameBank, FrameBank]:
    """The train and valid banks of a simulated dataset."""
    simulate(folder / "data", games=games, gate=0, minutes=minutes)
    extract(folder / "data", folder / "features", ExtractParams())
    return read_bank(folder / "features", "train"), read_bank(folder / "features", "valid")


def row(name: str, runs: Sequence[Run], target: float, paper_seconds: Sequence[float | None]) -> str:
    """A line of the board."""
    reached = [one.until(target) for one in runs]
    ratios = [mine / theirs for mine, theirs in zip(reached, paper_seconds, strict=True) if mine and theirs]
    each = ", ".join("never" if seconds is None else f"{seconds:.1f}" for seconds in reached)
    ends = ", ".join(f"{100 * one.scores[-1]:.1f}" for one in runs)
    share = f"{fmean(ratios):.2f}" if len(ratios) == len(runs) else "–"
    return f"| {name} | {each} | {share} | {ends} | {fmean(one.seconds[-1] for one in runs):.1f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--games", type=int, default=30, help="of the simulated dataset (default: 30)")
    parser.add_argument("--minutes", type=int, default=10, help="of each half (default: 10)")
    parser.add_argument("--clips", type=int, default=400, help="of an epoch (default: 400)")
    parser.add_argument("--epochs", type=int, default=10, help="of the paper's schedule (default: 10)")
    parser.add_argument("--seeds", type=int, default=3, help="trainings of each recipe (default: 3)")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    options = parser.parse_args()
    paper = TrainParams(
        foreground_clips=3 * options.clips // 4,
        background_clips=options.clips // 4,
        epochs=options.epochs,
        patience=0,
    )
    with TemporaryDirectory() as name:
        folder = Path(name)
        train_bank, valid_bank = banks(folder, options.games, options.minutes)
        target, theirs = 0.0, []
        for number, (recipe, params) in enumerate(recipes_of(paper).items()):
            runs = [
                run(
                    train_bank,
                    valid_bank,
                    replace(params, seed=seed),
                    folder / f"model-{number}-{seed}",
                    options.device,
                )
                for seed in range(options.seeds)
            ]
            if number == 0:
                target = fmean(one.scores[-1] for one in runs)
                theirs = [one.until(target) for one in runs]
                print(f"target: {100 * target:.1f} valid Average-mAP (simulated), {options.seeds} seeds\n")
                print("| recipe | seconds to it | of the paper's | valid at the end | whole, s |")
                print("|---|---|---|---|---|")
            print(row(recipe, runs, target, theirs), flush=True)


if __name__ == "__main__":
    main()
