"""The evaluator against the SoccerNet package: 100 games, 17 classes, loose Average-mAP. Time and peak memory.

    python benchmarks/evaluation.py [--dense] [--seed 0]

The games are made up: as many events per class as in the real test split, sparse predictions with a few false alarms
for each event. Both evaluators read the same files; every number they return must agree to 1e-12. `--dense` adds one
prediction per class every half second (18.4 million, 2.2 GB of JSON), which only this evaluator is asked to judge,
and then `rmsnet evaluate` from its start to its report. Every measurement runs in a process of its own; processor time
and memory are those of it and the processes that it starts.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

GAMES = 100
SECONDS = 2700
CLASSES = 17
# Events per class of the real test split (SoccerNet-v2), in class order.
EVENTS = (41, 514, 337, 579, 416, 1175, 1058, 1631, 6460, 3809, 2414, 2283, 382, 999, 431, 8, 14)


def made_up(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Events (N, 3) of game, milliseconds in the match, class; predictions (M, 4) likewise with a confidence."""
    random = np.random.default_rng(seed)
    label = np.repeat(np.arange(CLASSES), EVENTS)
    events = np.stack(
        [random.integers(GAMES, size=len(label)), random.integers(2000 * SECONDS, size=len(label)), label], 1
    )
    found = events[random.random(len(events)) < 0.8]
    found = np.column_stack([found, random.beta(4, 2, size=len(found))])
    found[:, 1] += random.normal(0, 3000, size=len(found))
    alarm_label = np.repeat(np.arange(CLASSES), 2 * np.array(EVENTS))
    alarms = np.column_stack(
        [
            random.integers(GAMES, size=len(alarm_label)),
            random.integers(2000 * SECONDS, size=len(alarm_label)),
            alarm_label,
            random.beta(2, 4, size=len(alarm_label)),
        ]
    )
    predictions = np.concatenate([found, alarms])
    predictions[:, 1] = predictions[:, 1].clip(0, 2000 * SECONDS - 1).astype(int)
    return events, predictions


def write(folder: Path, seed: int, dense: bool) -> None:
    from rmsnet.dataset.labels import V2_CLASSES
    from rmsnet.dataset.soccernet import read_split

    events, predictions = made_up(seed)
    random = np.random.default_rng(seed)
    for number, game in enumerate(read_split(folder, "test")):
        annotations = [
            {**_spot(position, label), "team": "home", "visibility": "visible" if position % 5 else "not shown"}
            for _, position, label in events[events[:, 0] == number].tolist()
        ]
        _write(folder / "labels" / game / "Labels-v2.json", {"annotations": annotations})
        rows = predictions[predictions[:, 0] == number].tolist()
        spots = [{**_spot(position, label), "confidence": repr(score)} for _, position, label, score in rows]
        _write(folder / "sparse" / game / "results_spotting.json", {"UrlLocal": game, "predictions": spots})
        if dense:
            lines = [
                f'{{"gameTime": "{half} - {tick // 120:02d}:{tick // 2 % 60:02d}", "label": "{name}", '
                f'"position": "{500 * tick}", "half": "{half}", "confidence": "{score}"}}'
                for half in (1, 2)
                for name in V2_CLASSES
                for tick, score in enumerate(np.round(random.random(2 * SECONDS) ** 4, 6).tolist())
            ]
            path = folder / "dense" / game / "results_spotting.json"
            path.parent.mkdir(parents=True)
            path.write_text(f'{{"UrlLocal": "{game}", "predictions": [{", ".join(lines)}]}}')


def _spot(position: float, label: float) -> dict[str, str]:
    from rmsnet.dataset.labels import V2_CLASSES

    half, position = divmod(int(position), 1000 * SECONDS)
    seconds = position // 1000
    return {
        "gameTime": f"{half + 1} - {seconds // 60:02d}:{seconds % 60:02d}",
        "label": V2_CLASSES[int(label)],
        "position": str(position),
        "half": str(half + 1),
    }


def _write(path: Path, document: object) -> None:
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(document))


def ours(folder: Path, kind: str) -> dict[str, object]:
    """Read files and judge."""
    started = time.perf_counter()
    from rmsnet.dataset.class_lists import class_list
    from rmsnet.evaluation import average_map
    from rmsnet.evaluation.files import games_of_split, read_predictions, read_truth

    imported = time.perf_counter()
    classes = class_list("v2")
    games = games_of_split("test", folder / "labels")
    truth = read_truth(folder / "labels", games, classes)
    found = read_predictions(folder / kind, games, classes).predictions
    read = time.perf_counter()
    scores = average_map(truth, found, halves=2 * len(games), classes=CLASSES, frame_rate=2.0)
    done = time.perf_counter()
    assert scores.visible is not None
    assert scores.unshown is not None
    numbers = [
        number
        for one in (scores, scores.visible, scores.unshown)
        for number in (one.average_map, *one.per_class.tolist())
    ]
    return {"import": imported - started, "read": read - imported, "metric": done - read, "numbers": numbers}


def official(folder: Path, kind: str) -> dict[str, object]:
    """The same, by the SoccerNet package."""
    started = time.perf_counter()
    from SoccerNet.Evaluation import ActionSpotting

    imported = time.perf_counter()
    spent = []

    def timed(*arguments, **options):
        begun = time.perf_counter()
        result = average_map(*arguments, **options)
        spent.append(time.perf_counter() - begun)
        return result

    average_map = ActionSpotting.average_mAP
    ActionSpotting.average_mAP = timed
    result = ActionSpotting.evaluate(str(folder / "labels"), str(folder / kind), split="test", metric="loose")
    done = time.perf_counter()
    numbers = [
        float(number)
        for suffix in ("", "_visible", "_unshown")
        for number in (result[f"a_mAP{suffix}"], *result[f"a_mAP_per_class{suffix}"])
    ]
    return {
        "import": imported - started,
        "read": done - imported - spent[0],
        "metric": spent[0],
        "numbers": numbers,
    }


def bootstrap(folder: Path, kind: str) -> dict[str, object]:
    """1000 resamples of the games."""
    started = time.perf_counter()
    from rmsnet.dataset.class_lists import class_list
    from rmsnet.evaluation import interval, judge, resample
    from rmsnet.evaluation.files import games_of_split, read_predictions, read_truth

    imported = time.perf_counter()
    classes = class_list("v2")
    games = games_of_split("test", folder / "labels")
    truth = read_truth(folder / "labels", games, classes)
    found = read_predictions(folder / kind, games, classes).predictions
    read = time.perf_counter()
    judged = judge(truth, found, game_of_half=np.arange(2 * len(games)) // 2, classes=CLASSES, frame_rate=2.0)
    ends = interval(resample(judged, 1000).average_map)
    return {
        "import": imported - started,
        "read": read - imported,
        "metric": time.perf_counter() - read,
        "numbers": ends.tolist(),
    }


def command(folder: Path, kind: str) -> dict[str, object]:
    """`rmsnet evaluate` from its start to the last file of its report, with 1000 resamples."""
    started = time.perf_counter()
    options = ["--labels", folder / "labels", "--predictions", folder / kind, "--out", folder / "report"]
    entry = "from rmsnet.cli import main; main()"
    subprocess.run([sys.executable, "-c", entry, "evaluate", *options], stdout=subprocess.DEVNULL, check=True)
    # Reading and judging cannot be told apart from outside.
    return {"import": 0.0, "read": 0.0, "metric": time.perf_counter() - started, "numbers": []}


def measured(what: str, folder: Path, kind: str) -> dict[str, object]:
    """Run one of the functions above in a process of its own."""
    run = [sys.executable, __file__, "--run", what, kind, str(folder)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "TQDM_DISABLE": "1"}
    done = subprocess.run(run, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment, check=True)
    result = json.loads(done.stdout.splitlines()[-1])
    result["whole"] = result["read"] + result["metric"]
    print(
        f"{what:10} {kind:7} read {result['read']:7.2f} s  metric {result['metric']:7.2f} s  "
        f"both {result['whole']:7.2f} s  processor {result['processor']:7.2f} s  peak {result['megabytes']:6.0f} MB",
        flush=True,
    )
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dense", action="store_true", help="also 18.4 million predictions")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--run", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run:
        what, kind, folder = options.run
        functions = {"ours": ours, "official": official, "bootstrap": bootstrap, "command": command}
        result = functions[what](Path(folder), kind)
        own, started = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
        processor = own.ru_utime + own.ru_stime + started.ru_utime + started.ru_stime
        # The largest of those started; what runs beside it shares most of its pages.
        peak = max(own.ru_maxrss, started.ru_maxrss) / 1024
        print(json.dumps({**result, "processor": processor, "megabytes": peak}))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder, options.seed, options.dense)
        theirs = measured("official", folder, "sparse")
        mine = [measured("ours", folder, "sparse") for _ in range(3)]
        measured("bootstrap", folder, "sparse")
        difference = np.abs(np.array(theirs["numbers"]) - np.array(mine[0]["numbers"])).max()
        best = {key: min(one[key] for one in mine) for key in ("metric", "whole")}
        print(f"largest difference of {len(theirs['numbers'])} numbers: {difference:.1e}")
        print(f"metric alone: {theirs['metric'] / best['metric']:.0f} times faster")
        print(f"files and metric: {theirs['whole'] / best['whole']:.0f} times faster")
        assert difference < 1e-12
        if options.dense:
            measured("ours", folder, "dense")
            measured("command", folder, "dense")


if __name__ == "__main__":
    main()
