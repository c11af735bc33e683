"""What the variants of Table III know of an event by its place in the clip, and how well each finds and places events.

    python benchmarks/event_places.py --features features --studies studies

reads the trainings that `rmsnet reproduce table3` has left in `studies` and prints, as means over the seeds with their
95 % intervals, in %, on the test split where nothing else is said:

- mAP at 60 s (found) and at 5 s (found and placed), and at 60 s on the training split;
- of the clips that hold one shown event and no other, how many answer its class, by fifths of the event's place;
- where the event is in the surest quarter of those that do;
- of the N surest predictions, as many as there are events, how many are within 30 s of one of their class, each taken
  once; how many predictions there are for each event.
"""

import argparse
from pathlib import Path

import numpy as np

from rmsnet.evaluation import average_map
from rmsnet.features.bank import FrameBank, read_bank
from rmsnet.network.model_files import SpottingModel, load_model
from rmsnet.params import load_params
from rmsnet.spots import Predictions
from rmsnet.spotting.inference import spot_bank
from rmsnet.spotting.scoring import score_every_clip
from rmsnet.study.grids import STUDIES
from rmsnet.study.scores import Bench
from rmsnet.study.stage import trainings_of
from rmsnet.study.summary import estimate
from rmsnet.training.clips import is_halftime_substitution

PARTS = 5
NEAR_SECONDS = 30


def map_at(bank: FrameBank, found: Predictions, seconds: float) -> float:
    scores = average_map(
        bank.truth,
        found,
        halves=len(bank.halves),
        classes=len(bank.classes),
        frame_rate=bank.frame_rate,
        tolerances=[seconds],
    )
    return float(scores.average_map)


def answers(model: SpottingModel, bank: FrameBank) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of every clip that holds one event: fifth of its place, probability of its class, whether that wins; (N,)."""
    scores, length = score_every_clip(model, bank), model.clip_frames
    truth, frame = bank.truth, bank.frame_of(bank.truth.position_ms)
    part, probability, wins = [], [], []
    for event in np.flatnonzero(truth.visible & ~is_halftime_substitution(bank)):
        half, here, label = int(truth.half[event]), int(frame[event]), int(truth.label[event])
        alone = (np.abs(frame[truth.half == half] - here) < length).sum() == 1
        if not alone or not length <= here <= bank.halves[half].frames - length:
            continue
        starts = np.arange(here - length + 1, here + 1)
        of_clips = scores.probability[np.flatnonzero(scores.half == half)[0] + starts]
        part.append((here - starts) * PARTS // length)
        probability.append(of_clips[:, label])
        wins.append(of_clips.argmax(axis=1) == label)
    return np.concatenate(part), np.concatenate(probability), np.concatenate(wins)


def hits_of_surest(bank: FrameBank, found: Predictions) -> float:
    truth = bank.truth
    taken = np.zeros(len(truth.half), bool)
    for prediction in np.argsort(-found.confidence, kind="stable")[: len(truth.half)]:
        away = np.abs(truth.position_ms - found.position_ms[prediction]) / 1000
        of_class = (truth.half == found.half[prediction]) & (truth.label == found.label[prediction])
        free = np.flatnonzero(of_class & (away <= NEAR_SECONDS) & ~taken)
        if len(free):
            taken[free[away[free].argmin()]] = True
    return float(taken.mean())


def measure(model: SpottingModel, banks: dict[str, FrameBank]) -> dict[str, list[float]]:
    test = banks["test"]
    found = spot_bank(model, test)
    part, probability, wins = answers(model, test)
    surest = wins & (probability >= np.quantile(probability[wins], 0.75))
    return {
        "mAP at 60 s, 5 s, 60 s on train": [
            map_at(test, found, 60),
            map_at(test, found, 5),
            map_at(banks["train"], spot_bank(model, banks["train"]), 60),
        ],
        "answered by place": [float(wins[part == number].mean()) for number in range(PARTS)],
        "place of the surest": [float((part[surest] == number).mean()) for number in range(PARTS)],
        "hits of the surest": [hits_of_surest(test, found)],
        "predictions for 100 events": [len(found.half) / len(test.truth.half)],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--features", type=Path, default=Path("features"))
    parser.add_argument("--studies", type=Path, default=Path("studies"))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--params", type=Path)
    options = parser.parse_args()
    params = load_params(options.params)
    banks = {split: read_bank(options.features, split) for split in ("train", "valid", "test")}
    bench = Bench(banks, options.features, options.studies / "runs", params.spot)
    study = STUDIES["table3"]
    for row in study.rows:
        of_seeds = [
            measure(load_model(bench.folder(run)), banks) for (run,) in trainings_of(params, study, row, options.seeds)
        ]
        print(row.name)
        for name in of_seeds[0]:
            columns = np.array([of_seed[name] for of_seed in of_seeds]).T
            found = [estimate((100 * column).tolist()) for column in columns]
            print(f"  {name}: " + ", ".join(f"{one.mean:.1f} [{one.low:.1f}, {one.high:.1f}]" for one in found))


if __name__ == "__main__":
    main()
