"""What labels are worth when an ensemble chooses what is looked at, against random order, on made-up matches.

    python -m benchmarks.active_annotation [--repeats 4]

A pool of matches is cut into stretches of a minute, which are what an annotator looks at and labels whole. Classes are
as uneven as in a match, each is shown in several ways, and things that look alike are no events. Both orders begin
with the same stretches: one of each class, and at random what is missing to 5 %. From there one goes on at random; the
other asks `rmsnet.annotating.choosing` with the members of an ensemble that was trained on what is labelled so far, at
5 % and at 15 %. The matches that are judged on are labelled whole and never chosen. Prints Average-mAP on them, the
mean over the repeats (other matches, another random order, other seeds) with its 95 % interval, and how many of the
pool's events are labelled.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from rmsnet.annotating.choosing import Scored, choose_moments
from rmsnet.features.bank import BankHalf, FrameBank
from rmsnet.network.model_files import load_model
from rmsnet.params import TrainParams
from rmsnet.spots import Truth
from rmsnet.spotting.scoring import score_every_clip
from rmsnet.study.summary import estimate
from rmsnet.training.loop import train
from rmsnet.training.stage import judge_model

CLASSES = ("pass", "shot", "goal", "penalty")
OFTEN = (0.55, 0.25, 0.15, 0.05)
"""Of the events."""

WIDTH, HALF_FRAMES, LENGTH = 16, 600, 4
"""Features of a frame, frames of a half, frames in which an event shows."""

WAYS, ALIKE = 3, 4
"""In which a class is shown; of things that look like it halfway and are no events."""

NOISE = 0.45
BETWEEN_FRAMES = 40
"""From one thing that happens to the next, on average."""

STRETCH_SECONDS = 60
RATE = 2.0
SHARES = (0.05, 0.15, 0.3)
LATER = (1.0,)
"""Of random order alone."""

POOL_GAMES, VALID_GAMES, TEST_GAMES, MEMBERS = 30, 3, 20, 3

PARAMS = TrainParams(
    clip_frames=9,
    foreground_clips=400,
    background_clips=120,
    epochs=8,
    batch_size=16,
    learning_rate=0.03,
    patience=0,
    precision="float32",
)


def banks(seed: int) -> dict[str, FrameBank]:
    """The pool (train), and the matches to choose the epoch by and to judge on; all of one world."""
    world = np.random.default_rng([0, seed])
    shown = world.normal(size=(len(CLASSES), WAYS, WIDTH))
    shown *= 2.2 / np.linalg.norm(shown, axis=2, keepdims=True)
    # Halfway between two classes, or a class and nothing.
    alike = 0.6 * shown[world.integers(0, len(CLASSES), ALIKE), world.integers(0, WAYS, ALIKE)]
    alike += world.normal(size=alike.shape) * 1.3 / WIDTH**0.5
    sizes = {"train": POOL_GAMES, "valid": VALID_GAMES, "test": TEST_GAMES}
    return {
        split: _made_up(np.random.default_rng([1, seed, number]), games, shown, alike)
        for number, (split, games) in enumerate(sizes.items())
    }


def _made_up(random: np.random.Generator, games: int, shown: np.ndarray, alike: np.ndarray) -> FrameBank:
    halves, rows = [], []
    features = NOISE * random.normal(size=(2 * games * HALF_FRAMES, WIDTH))
    for place in range(2 * games):
        first = place * HALF_FRAMES
        halves.append(BankHalf(f"game {place // 2}", place % 2 + 1, first, HALF_FRAMES))
        frame = 5
        while (frame := frame + int(random.integers(BETWEEN_FRAMES // 2, 3 * BETWEEN_FRAMES // 2))) < HALF_FRAMES - 10:
            if random.random() < 0.3:
                look = alike[random.integers(ALIKE)]
            else:
                label = int(random.choice(len(CLASSES), p=OFTEN))
                look = shown[label, random.integers(WAYS)]
                rows.append((place, round(1000 * (frame + 1) / RATE), label))
            features[first + frame : first + frame + LENGTH] += look + 0.25 * random.normal(size=WIDTH)
    return _of(features, halves, rows)


def _of(features: np.ndarray, halves: Sequence[BankHalf], rows: Sequence[tuple[int, int, int]]) -> FrameBank:
    columns = np.asarray(sorted(rows), np.int64).reshape(-1, 3)
    truth = Truth(columns[:, 0], columns[:, 1], columns[:, 2], np.ones(len(columns), bool))
    info = {"dataset": "pool", "simulated": True, "features": {"name": "test"}, "data_hash": str(len(halves))}
    return FrameBank(np.ascontiguousarray(features, np.float32), tuple(halves), truth, CLASSES, RATE, 1 / RATE, info)


@dataclass(frozen=True)
class Stretch:
    """A minute of a half of the pool."""

    half: int
    number: int


def stretches(pool: FrameBank) -> list[Stretch]:
    length = int(STRETCH_SECONDS * RATE)
    return [Stretch(half, number) for half, rows in enumerate(pool.halves) for number in range(rows.frames // length)]


def labelled(pool: FrameBank, looked_at: Sequence[Stretch]) -> FrameBank:
    """The stretches that were looked at as halves of their own: what was not looked at is not background."""
    length, length_ms = int(STRETCH_SECONDS * RATE), 1000 * STRETCH_SECONDS
    halves, parts, rows = [], [], []
    for place, stretch in enumerate(looked_at):
        whole = pool.halves[stretch.half]
        first = whole.first_frame + stretch.number * length
        parts.append(pool.features[first : first + length])
        halves.append(BankHalf(f"{whole.game} {stretch.number}", whole.half, place * length, length))
        rows += [(place, at, label) for at, label in _events(pool, stretch, length_ms)]
    return _of(np.concatenate(parts), halves, rows)


def _events(pool: FrameBank, stretch: Stretch, length_ms: int) -> list[tuple[int, int]]:
    """(milliseconds from the stretch's start, label) of what happens in it."""
    truth = pool.truth
    at = truth.position_ms - stretch.number * length_ms
    inside = (truth.half == stretch.half) & (at > 0) & (at <= length_ms)
    return list(zip(at[inside].tolist(), truth.label[inside].tolist(), strict=True))


def trained(bank: FrameBank, valid: FrameBank, folder: Path, seed: int) -> Path:
    train(bank, valid, replace(PARAMS, seed=seed), folder, device="cpu")
    return folder


def scores_of(models: Sequence[Path], pool: FrameBank, left: set[Stretch]) -> list[Scored]:
    """What the models say of the stretches that nobody has looked at."""
    length = int(STRETCH_SECONDS * RATE)
    answers = [score_every_clip(load_model(model), pool) for model in models]
    middle = PARAMS.clip_frames / 2
    scored = []
    for half in range(len(pool.halves)):
        own = answers[0].half == half
        frame = np.arange(int(own.sum())) + middle
        kept = np.array([Stretch(half, int(number)) in left for number in frame // length])
        probability = np.stack([answer.probability[own][kept, :-1] for answer in answers])
        scored.append(Scored(half, 1, frame[kept] / RATE, probability))
    return scored


def chosen(models: Sequence[Path], pool: FrameBank, looked_at: list[Stretch], count: int) -> list[Stretch]:
    """What to look at next."""
    left = set(stretches(pool)) - set(looked_at)
    found: dict[Stretch, None] = {}
    moments = choose_moments(scores_of(models, pool, left), 20 * count, STRETCH_SECONDS / 4, PARAMS.clip_frames / RATE)
    for moment in moments:
        found[Stretch(moment.match, int(moment.seconds // STRETCH_SECONDS))] = None
    return list(found)[:count]


def begun(pool: FrameBank, order: Sequence[Stretch]) -> list[Stretch]:
    """What both begin with: a stretch of each class, and the first of the order."""
    length_ms, first = 1000 * STRETCH_SECONDS, []
    for label in range(len(CLASSES)):
        first.append(next(one for one in order if label in {found for _, found in _events(pool, one, length_ms)}))
    return list(dict.fromkeys([*first, *order]))[: max(round(SHARES[0] * len(order)), len(set(first)))]


Row = dict[str, tuple[float, float]]
"""Average-mAP and share of the pool's events that are labelled, by "order share"."""


def play(repeat: int, folder: Path) -> Row:
    """One repeat of both orders."""
    made = banks(repeat)
    pool = made["train"]
    order = stretches(pool)
    np.random.default_rng(repeat).shuffle(order)  # type: ignore[arg-type]  # a list of objects
    start = begun(pool, order)
    rest = [one for one in order if one not in set(start)]
    results: Row = {}

    def judged(name: str, looked_at: Sequence[Stretch]) -> list[Path]:
        bank = labelled(pool, looked_at)
        model = trained(bank, made["valid"], folder / name, 100 * repeat)
        score = judge_model(model, made["test"]).scores().average_map
        results[name] = (score, len(bank.truth.label) / len(pool.truth.label))
        print(f"repeat {repeat}: {name}: {100 * score:.1f}", file=sys.stderr, flush=True)
        return [model]

    for share in (*SHARES[1:], *LATER):
        judged(f"random {share:g}", [*start, *rest][: round(share * len(order))])
    looked_at = list(start)
    models = judged(f"begun {SHARES[0]:g}", looked_at)
    for share in SHARES[1:]:
        bank = labelled(pool, looked_at)
        others = range(1, MEMBERS)
        models += [trained(bank, made["valid"], folder / f"{share:g} {one}", 100 * repeat + one) for one in others]
        looked_at += chosen(models, pool, looked_at, round(share * len(order)) - len(looked_at))
        models = judged(f"chosen {share:g}", looked_at)
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--repeats", type=int, default=4)
    options = parser.parse_args()
    torch.set_num_threads(1)
    results: list[Row] = []
    with TemporaryDirectory() as temporary:
        pool = banks(0)["train"]
        counts = np.bincount(pool.truth.label, minlength=len(CLASSES))
        told = ", ".join(f"{count} {name}" for name, count in zip(CLASSES, counts, strict=True))
        print(f"{len(stretches(pool))} stretches of a minute hold {told} (first repeat)", flush=True)
        for repeat in range(options.repeats):
            results.append(play(repeat, Path(temporary) / str(repeat)))
            print(table(results), flush=True)


def table(results: Sequence[Row]) -> str:
    """Markdown: for each share of the labels both orders, and the difference of the two in the same repeats."""
    lines = [
        "| labelled | chosen | at random | difference | events, chosen | events, at random |",
        "|---|---|---|---|---|---|",
    ]
    for share in (*SHARES[1:], *LATER):
        sides = [
            [row[f"{order} {share:g}"] for row in results if f"{order} {share:g}" in row]
            for order in ("chosen", "random")
        ]
        cells = [_told([score for score, _ in side]) for side in sides]
        apart = _told([one[0] - other[0] for one, other in zip(*sides, strict=True)], "+") if sides[0] else ""
        events = [f"{100 * np.mean([events for _, events in side]):.0f} %" if side else "" for side in sides]
        lines.append(f"| {100 * share:.0f} % | {cells[0]} | {cells[1]} | {apart} | {events[0]} | {events[1]} |")
    return "\n".join(lines)


def _told(values: Sequence[float], sign: str = "") -> str:
    if not values:
        return ""
    found = estimate([100 * value for value in values])
    ends = "" if found.low is None else f" [{found.low:{sign}.1f}, {found.high:{sign}.1f}]"
    return f"{found.mean:{sign}.1f}{ends}"


if __name__ == "__main__":
    main()
