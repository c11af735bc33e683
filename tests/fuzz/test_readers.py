"""Every reader, each on one file that was broken in every way that `breaking` knows."""

import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from pipelines.deployment import load_deployment
from rmsnet.dataset.class_lists import class_list
from rmsnet.dataset.feature_files import open_features
from rmsnet.dataset.game_events import game_events
from rmsnet.dataset.soccernet import list_dataset, open_dataset
from rmsnet.documents import read_document
from rmsnet.errors import CheckFailed, UserError
from rmsnet.evaluation.files import games_of_split, read_predictions, read_truth
from rmsnet.evaluation.results import read_metrics
from rmsnet.features.bank import read_bank, require_finite
from rmsnet.features.profile import bank_profile, drift, read_profile, summarize
from rmsnet.matches.overview import join_spotted
from rmsnet.matches.sources import find_matches
from rmsnet.network.model_files import load_model
from rmsnet.params import ExtractParams, TrainParams, load_params
from rmsnet.provenance import dvc_md5
from rmsnet.reading.arrays import require_finite as require_finite_rows
from rmsnet.registry.gate import validation_check
from rmsnet.registry.judging import evaluated_scores
from rmsnet.registry.report import summary
from rmsnet.serving.requests import features_of
from rmsnet.simulation.games import labelled_games
from rmsnet.spotting.inference import spot_bank, spot_features
from rmsnet.spotting.thresholds import learned_thresholds
from rmsnet.tracking import change_log, read_run
from rmsnet.tracking.models import folder_in
from rmsnet.training.clips import training_clips
from rmsnet.training.history import read_history
from rmsnet.validation.tables import read_tables
from rmsnet.video.backbones import _read_weights
from rmsnet.video.files import half_video, read_trims
from rmsnet.video.frames import FrameZip, decode_jpeg, write_frames
from rmsnet.video.halves import read_half
from rmsnet.video.pca import load_pca
from tests.fuzz import breaking
from tests.fuzz.labels import FORMATS, read_labels
from tests.fuzz.world import GAME, PICTURES, bench_of, make_trainer, recipe
from tests.matches.builders import FEATURES, WIDTH

FEW = 12
EXAMPLES = int(os.environ.get("RMSNET_FUZZ_EXAMPLES", FEW))
SEED = int(os.environ.get("RMSNET_FUZZ_SEED", "0"))
"""The same examples every time, unless the environment says otherwise."""

PARAMS = ExtractParams(features=FEATURES)


class Broken(bytes):
    """A file's content, which a failing example shows in short."""

    def __repr__(self) -> str:
        return bytes.__repr__(self) if len(self) < SHOWN_BYTES else f"{bytes.__repr__(self[:SHOWN_BYTES])}…"


SHOWN_BYTES = 300


@dataclass(frozen=True)
class Reader:
    """A reader and the file of the world that it is given broken.

    Attributes:
        file: its path.
        broken: the strategy that breaks its bytes.
        read: reads it, in the folder of the world, and uses what comes out a little.
    """

    file: str
    broken: Callable[[bytes], st.SearchStrategy[bytes]]
    read: Callable[[Path], Any]


def tables(root: Path, classes: str) -> None:
    read_tables(list_dataset(root / "data"), PARAMS, class_list(classes))


def features(root: Path) -> None:
    path = root / "data" / GAME / f"1_{FEATURES}.npy"
    rows = open_features(path)
    require_finite_rows(rows, path)
    summarize(rows)


def bank(root: Path) -> None:
    found = read_bank(root / "features", "test")
    require_finite(found)
    found.frame_of(found.truth.position_ms)
    found.seconds_of(np.array([1.0]))
    with suppress(UserError):  # what cannot be trained on may yet be evaluated
        training_clips(found, 9)
    with suppress(UserError):
        bank_profile(found)


def model(root: Path) -> None:
    found = load_model(root / "model")
    spot_features(found, np.ones((60, found.config["width"]), np.float32))


def spotted_bank(root: Path) -> None:
    spot_bank(load_model(root / "model"), read_bank(root / "features", "test"))


def profile(root: Path) -> None:
    drift(read_profile(root / "model" / "profile.json"), summarize(np.ones((5, 8), np.float32)))


def frames(root: Path) -> None:
    found = FrameZip(root / "frames.zip")
    for number in range(min(len(found), 3)):
        decode_jpeg(found.jpegs(number, 1)[0], found.path)


def video(root: Path) -> None:
    half_video(root / "video.mp4")
    (root / "out").mkdir()
    write_frames(root / "out" / "frames.zip", root / "video.mp4", PICTURES, lambda *_: None)


def record(root: Path) -> None:
    text = (root / "record.json").read_bytes().decode("utf-8", "replace")
    change_log._record("rmsnet", SimpleNamespace(version="1", tags={change_log.RECORD_TAG: text}))


DECISION = SimpleNamespace(
    model_name="rmsnet",
    variant="m",
    version=1,
    promoted=True,
    champion_version=None,
    reason="first",
    dataset="x",
    simulated=True,
    chosen="",
    forced=False,
)


def comparison(root: Path) -> None:
    scores = evaluated_scores(root / "evaluation")
    summary({"m": scores}, DECISION)


def durations(root: Path) -> None:
    list(labelled_games(root / "data", None))


READERS = {
    "dataset.json": Reader("data/dataset.json", breaking.broken_json, lambda root: open_dataset(root / "data", None)),
    "split list": Reader(
        "data/SoccerNetGamesTest.json", breaking.broken_json, lambda root: open_dataset(root / "data")
    ),
    "split list of an evaluation": Reader(
        "v1/split.json", breaking.broken_json, lambda root: games_of_split(str(root / "v1/split.json"), root)
    ),
    "Labels.json": Reader(
        f"data/{GAME}/Labels.json",
        breaking.broken_json,
        lambda root: game_events(open_dataset(root / "data").labels(), GAME, class_list("v1"), extra_time=True),
    ),
    "Labels.json in tables": Reader(f"data/{GAME}/Labels.json", breaking.broken_json, lambda root: tables(root, "v1")),
    "Labels-v2.json in tables": Reader(
        f"data/{GAME}/Labels-v2.json", breaking.broken_json, lambda root: tables(root, "v2")
    ),
    "Labels-v2.json in an evaluation": Reader(
        f"data/{GAME}/Labels-v2.json",
        breaking.broken_json,
        lambda root: read_truth(root / "data", [GAME], class_list("v2"), extra_time=True),
    ),
    "Labels.json beside features": Reader(
        f"data/{GAME}/Labels.json",
        breaking.broken_json,
        lambda root: find_matches([root / "data" / GAME], FEATURES, ("card", "subs", "soccer"), None),
    ),
    "predictions": Reader(
        f"found/{GAME}/results_spotting.json",
        breaking.broken_json,
        lambda root: read_predictions(root / "found", [GAME], class_list("v1")),
    ),
    "predictions in a zip": Reader(
        "found.zip",
        breaking.broken_zip,
        lambda root: read_predictions(root / "found.zip", [GAME], class_list("v1"), allow_missing=True),
    ),
    "features": Reader(f"data/{GAME}/1_{FEATURES}.npy", breaking.broken_npy, features),
    "features in tables": Reader(f"data/{GAME}/1_{FEATURES}.npy", breaking.broken_npy, lambda root: tables(root, "v1")),
    "features that are posted": Reader(
        f"data/{GAME}/1_{FEATURES}.npy",
        breaking.broken_npy,
        lambda root: features_of((root / "data" / GAME / f"1_{FEATURES}.npy").read_bytes(), WIDTH, 1000),
    ),
    "the index of a bank": Reader("features/test.json", breaking.broken_json, bank),
    "the index of a bank that is spotted": Reader("features/test.json", breaking.broken_json, spotted_bank),
    "the matrix of a bank": Reader("features/test.npy", breaking.broken_npy, bank),
    "config.json": Reader("model/config.json", breaking.broken_json, model),
    "weights": Reader("model/model.safetensors", breaking.broken_safetensors, model),
    "thresholds.json": Reader(
        "model/thresholds.json",
        breaking.broken_json,
        lambda root: learned_thresholds(root / "model", ("card",)),
    ),
    "profile.json": Reader("model/profile.json", breaking.broken_json, profile),
    "run.json": Reader("model/run.json", breaking.broken_json, lambda root: read_run(root / "model")),
    "history.csv": Reader(
        "model/history.csv", breaking.broken_csv, lambda root: read_history(root / "model/history.csv")
    ),
    "metrics.json": Reader(
        "evaluation/valid/metrics.json", breaking.broken_json, lambda root: read_metrics(root / "evaluation/valid")
    ),
    "metrics.json beside the paper": Reader("evaluation/valid/metrics.json", breaking.broken_json, comparison),
    "validation.json": Reader(
        "validation.json",
        breaking.broken_json,
        lambda root: validation_check(read_document(root / "validation.json", dict[str, Any]), "x", None, {}),
    ),
    "record of a change": Reader("record.json", breaking.broken_json, record),
    "origin.json": Reader(
        f"spotted/{GAME}/origin.json",
        breaking.broken_json,
        lambda root: join_spotted([root / "spotted"], root / "out", "t"),
    ),
    "events.csv": Reader(
        f"spotted/{GAME}/events.csv",
        breaking.broken_csv,
        lambda root: join_spotted([root / "spotted"], root / "out", "t"),
    ),
    "MLmodel": Reader("MLmodel", breaking.broken_yaml, lambda root: folder_in(root, "models:/rmsnet/1")),
    "a pointer of DVC": Reader("data.dvc", breaking.broken_yaml, lambda root: dvc_md5(root / "data")),
    "params.yaml": Reader("params.yaml", breaking.broken_yaml, lambda root: load_params(root / "params.yaml")),
    "a deployment": Reader("deploy.yaml", breaking.broken_yaml, lambda root: load_deployment(root / "deploy.yaml")),
    "class names": Reader("classes.txt", breaking.broken_bytes, lambda root: class_list(str(root / "classes.txt"))),
    "class names in JSON": Reader(
        "classes.json", breaking.broken_json, lambda root: class_list(str(root / "classes.json"))
    ),
    "half_durations.csv": Reader("data/half_durations.csv", breaking.broken_csv, durations),
    "a video": Reader("video.mp4", breaking.broken_bytes, video),
    "video.ini": Reader("video.ini", breaking.broken_bytes, lambda root: read_trims(root / "video.ini")),
    "features of a video": Reader(
        "half.safetensors", breaking.broken_safetensors, lambda root: read_half(root / "half.safetensors")
    ),
    "a PCA": Reader("pca.safetensors", breaking.broken_safetensors, lambda root: load_pca(recipe(), root)),
    "weights of a backbone": Reader(
        "half.safetensors", breaking.broken_safetensors, lambda root: _read_weights(root / "half.safetensors")
    ),
    "frames": Reader("frames.zip", breaking.broken_zip, frames),
    "a checkpoint": Reader(
        "checkpoint.safetensors",
        breaking.broken_safetensors,
        lambda root: make_trainer().resume(root / "checkpoint.safetensors", "fingerprint"),
    ),
    "scores of a study": Reader(
        "scores/scores.json",
        breaking.broken_json,
        lambda root: bench_of(root).scores([TrainParams()], bench_of(root).spot, "x"),
    ),
}


READERS |= {
    f"labels: {name}": Reader(f"labels/{name}/{file}", broken, partial(read_labels, name=name))
    for name, (file, broken) in FORMATS.items()
}


def state(root: Path) -> dict[str, tuple[int, int]]:
    """Every file with its size and time, to say that nothing was written."""
    files = [path for path in root.rglob("*") if path.is_file()]
    return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in files}


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
def test_a_broken_file_is_read_or_refused_in_one_line(world, reader):
    path = world / reader.file
    valid = path.read_bytes()
    reader.read(world)
    shutil.rmtree(world / "out", ignore_errors=True)

    @seed(SEED)
    @settings(max_examples=EXAMPLES, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(reader.broken(valid).map(Broken))
    def holds(content: bytes) -> None:
        path.write_bytes(content)
        before = state(world)
        try:
            reader.read(world)
        except (UserError, CheckFailed):
            assert state(world) == before
        finally:
            shutil.rmtree(world / "out", ignore_errors=True)

    try:
        holds()
    finally:
        path.write_bytes(valid)
