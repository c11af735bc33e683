"""What people would pick instead, each installed by pip in an environment of its own, beside us on the same input.

    python -m benchmarks.peers [--only SoccerNet==0.2.0,ours] [--keep FOLDER]

OpenSportsLib is the successor of SoccerNet's own tools, its 0.1.0 what Python 3.11 gets of it, 0.3.3 what Python 3.12
gets, 0.3.4.dev1 its pre-release; the SoccerNet package has the reference metric. Of each: the size of the environment
and the seconds to make it, to import it, to evaluate 100 games, and what it trains and spots without a GPU. The games
are those of `benchmarks/evaluation.py`, the features those of simulated games. One environment at a time, deleted
after it was measured. Installing takes minutes and gigabytes each, most of them CUDA libraries.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.evaluation import SECONDS, made_up, write

PROJECT = Path(__file__).parents[1]
PROBES = Path(__file__).parent / "peer_probes.py"
PYTHONS = (sys.executable, "python3.12", "python3.13")
"""The first that a package installs on is taken."""

GAMES, MINUTES, WINDOW_SECONDS = 12, 15, 20
INSTALL_SECONDS, PROBE_SECONDS = 3600, 1200

Found = dict[str, Any]


@dataclass(frozen=True)
class Peer:
    """A package.

    Attributes:
        name: what pip is asked for, or what it is called here.
        imports: the module with which one begins.
        evaluation: the probe or command that judges 100 games.
        training: the probe that trains and spots; "" it does neither.
        install: what pip is asked for, where the name is not that.
    """

    name: str
    imports: str
    evaluation: str
    training: str = ""
    install: str = ""


PEERS = (
    Peer("SoccerNet==0.2.0", "SoccerNet.Evaluation.ActionSpotting", "soccernet_evaluation"),
    Peer(
        "OpenSportsLib==0.1.0",
        "opensportslib.datasets.localization_dataset",
        "opensportslib_evaluation",
        "opensportslib_first_training",
        install="OpenSportsLib[localization]==0.1.0",
    ),
    *(
        Peer(
            f"OpenSportsLib=={version}",
            "opensportslib.datasets.localization_dataset",
            "opensportslib_evaluation",
            "opensportslib_training",
        )
        for version in ("0.3.3", "0.3.4.dev1")
    ),
    Peer("ours", "rmsnet.evaluation", "ours", install=str(PROJECT)),
    Peer("ours[train]", "rmsnet.training", "ours", "ours", install=f"{PROJECT}[train]"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default=",".join(peer.name for peer in PEERS), help="some of them")
    parser.add_argument("--environment", type=Path, help="measure in this one, which has the one of --only already")
    options = parser.parse_args()
    chosen = [peer for peer in PEERS if peer.name in options.only.split(",")]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        prepare(folder)
        print("| | Python | environment | made in | import | 100 games | peak | trains | spots a match |")
        print("|---|---|---|---|---|---|---|---|---|")
        for peer in chosen:
            print(f"| {peer.name} | {' | '.join(measured(peer, folder, options.environment))} |", flush=True)


def prepare(folder: Path) -> None:
    """The 100 games in SoccerNet's files and in OpenSportsLib's lists; simulated games with its manifests."""
    write(folder, 0, dense=False)
    events, predictions = made_up(0)
    for name, key, rows in (("truth", "path", events), ("found", "video", predictions)):
        (folder / f"{name}.json").write_text(json.dumps(_listed(rows, key)))
    simulate = ("data", "simulate", "--out", "data", "--games", str(GAMES), "--gate", "1", "--minutes", str(MINUTES))
    subprocess.run(
        [sys.executable, "-m", "rmsnet.cli", *simulate],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        check=True,
    )
    for split, manifest in _manifests(folder / "data").items():
        (folder / "data" / f"{split}.json").write_text(json.dumps(manifest))


def _listed(rows: Any, key: str) -> list[Found]:
    """Events by half as OpenSportsLib's metric takes them."""
    halves: dict[tuple[int, int], list[Found]] = {(game, half): [] for game in range(100) for half in (0, 1)}
    for game, position, label, *confidence in rows.tolist():
        half, milliseconds = divmod(int(position), 1000 * SECONDS)
        event = {"label": str(int(label)), "frame": 2 * milliseconds // 1000, "confidence": 1.0}
        halves[int(game), half].append({**event, **({"confidence": confidence[0]} if confidence else {})})
    return [{key: f"{game}/{half}", "events": found} for (game, half), found in halves.items()]


def _manifests(data: Path) -> dict[str, Found]:
    """The halves of each split as OpenSportsLib's JSON, with our labels."""
    from rmsnet.dataset.soccernet import read_split

    labels = set()
    found: dict[str, list[Found]] = {}
    for split in ("train", "valid", "test"):
        found[split] = []
        for game in read_split(data, split):
            annotations = json.loads((data / game / "Labels.json").read_text())["annotations"]
            labels |= {row["label"] for row in annotations}
            for half in "12":
                (features,) = (data / game).glob(f"{half}_*.npy")
                path = features.relative_to(data).as_posix()
                events = [
                    {"head": "action", "label": row["label"], "position_ms": str(_milliseconds(row["gameTime"]))}
                    for row in annotations
                    if row["gameTime"][0] == half
                ]
                found[split].append({"inputs": [{"type": "features", "path": path, "fps": 2}], "events": events})
    head = {"type": "single_label", "labels": sorted(labels)}
    return {
        split: {"version": "2.0", "task": "action_spotting", "labels": {"action": head}, "data": halves}
        for split, halves in found.items()
    }


def _milliseconds(game_time: str) -> int:
    minutes, seconds = game_time.partition(" - ")[2].split(":")
    return 1000 * (60 * int(minutes) + int(seconds))


def measured(peer: Peer, folder: Path, environment: Path | None) -> list[str]:
    """The cells of its row."""
    made = environment or folder / "environment"
    try:
        if environment is None:
            began = time.monotonic()
            python = installed(peer, made)
            took = f"{time.monotonic() - began:.0f} s"
        else:
            python, took = made / "bin/python", "–"
        size = sum(path.stat().st_size for path in made.rglob("*") if path.is_file() and not path.is_symlink())
        version = subprocess.run(
            [python, "-c", "import platform; print(platform.python_version())"], capture_output=True, text=True
        ).stdout.strip()
        return [version, f"{size / 1e9:.2f} GB", took, *_probed(peer, python, folder)]
    except subprocess.CalledProcessError as error:
        return ["–", "–", f"not installed: {_last_line(error.stderr)}", *["–"] * 5]
    finally:
        if environment is None:
            shutil.rmtree(made, ignore_errors=True)


def installed(peer: Peer, made: Path) -> Path:
    """The Python of a new environment with the package.

    Raises:
        CalledProcessError: pip refused on every Python there is.
    """
    refused: subprocess.CalledProcessError | None = None
    for python in filter(None, map(shutil.which, PYTHONS)):
        shutil.rmtree(made, ignore_errors=True)
        own = made / "bin/python"
        try:
            _quiet([python, "-m", "venv", made])
            _quiet([own, "-m", "pip", "install", "--disable-pip-version-check", peer.install or peer.name])
            return own
        except subprocess.CalledProcessError as error:
            refused = error
    assert refused is not None
    raise refused


def _quiet(command: Sequence[str | Path]) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run(command, env=environment, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=True)


def _probed(peer: Peer, python: Path, folder: Path) -> list[str]:
    """Importing, evaluating, training and spotting, each a figure or the reason why there is none."""
    of_import = [probe(python, folder, "imports", peer.imports) for _ in range(3)]
    best = min(of_import, key=lambda found: found.get("cpu", float("inf")))
    cells = [best["reason"] if "reason" in best else f"{best['cpu']:.1f} s of CPU, {best['megabytes']:.0f} MB"]
    if peer.evaluation == "ours":
        files = ("--labels", "labels", "--predictions", "sparse")
        judged = command(python, folder, "evaluate", *files, "--out", "report", "--no-plots")
    else:
        judged = probe(python, folder, peer.evaluation, str(folder))
    cells += (
        [judged["reason"], "–"]
        if "reason" in judged
        else [f"{judged['cpu']:.1f} s of CPU", f"{judged['megabytes']:.0f} MB"]
    )
    if not peer.training:
        return [*cells, "no", "no"]
    return cells + (_ours_trained(python, folder) if peer.training == "ours" else _theirs_trained(peer, python, folder))


def _theirs_trained(peer: Peer, python: Path, folder: Path) -> list[str]:
    trained = probe(python, folder, peer.training, str(folder / "data"))
    if "reason" in trained:
        return [trained["reason"], "–"]
    halves = len(json.loads((folder / "data/train.json").read_text())["data"])
    windows = halves * MINUTES * 60 / WINDOW_SECONDS
    spots = trained["spotting_reason"] or f"{trained['spotting_cpu']:.1f} s of CPU"
    return [f"{windows / trained['epoch_cpu']:,.0f} windows a second of CPU (NetVLAD++)", spots]


def _ours_trained(python: Path, folder: Path) -> list[str]:
    """Seconds of a long training less those of a short one, by the clips between them."""
    extracted = command(python, folder, "extract", "data", "--out", "features")
    if "reason" in extracted:
        return [extracted["reason"], "–"]
    clips, took = (1000, 9000), []
    for number in clips:
        sets = (f"train.foreground_clips={3 * number // 4}", f"train.background_clips={number // 4}", "train.epochs=1")
        options = [part for one in sets for part in ("--set", one)]
        trained = command(python, folder, "train", "--features", "features", "--out", f"models/{number}", *options)
        if "reason" in trained:
            return [trained["reason"], "–"]
        took.append(trained["cpu"])
    game = str(next((folder / "data").rglob("1_*.npy")).parent)
    spotted = command(python, folder, "spot", game, "--model", f"models/{clips[0]}", "--out", "spotted")
    speed = (clips[1] - clips[0]) / (took[1] - took[0])
    return [f"{speed:,.0f} clips a second of CPU (RMS-Net)", spotted.get("reason") or f"{spotted['cpu']:.1f} s of CPU"]


def probe(python: Path, folder: Path, *arguments: str) -> Found:
    """What a probe prints; {"reason": …} where it fails."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    try:
        done = subprocess.run(
            [python, PROBES, *arguments],
            cwd=folder,
            env={**environment, "WANDB_MODE": "disabled", "CUDA_VISIBLE_DEVICES": ""},
            capture_output=True,
            text=True,
            timeout=PROBE_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return {"reason": f"stopped after {PROBE_SECONDS} s"}
    with suppress(ValueError, IndexError):
        return dict(json.loads(done.stdout.strip().splitlines()[-1]))
    return {"reason": _last_line(done.stderr)}


def command(python: Path, folder: Path, *arguments: str) -> Found:
    """What a command of `rmsnet` takes; {"reason": …} where it fails."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    with (folder / "said.txt").open("w+") as said:
        process = subprocess.Popen(
            [python, "-m", "rmsnet.cli", *arguments], cwd=folder, env=environment, stdout=said, stderr=said
        )
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        if process.returncode:
            return {"reason": _last_line(said.read())}
    return {"cpu": used.ru_utime + used.ru_stime, "megabytes": used.ru_maxrss / 1024}


def _last_line(text: str | None) -> str:
    lines = (text or "").strip().splitlines()
    return lines[-1].replace("|", "/")[:200] if lines else "said nothing"


if __name__ == "__main__":
    main()
