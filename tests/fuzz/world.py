"""One small file of every kind that is read, all of them valid."""

import json
import shutil
import zipfile
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
import yaml
from safetensors.numpy import save_file

from rmsnet.dataset.class_lists import class_list
from rmsnet.evaluation.metric import LOOSE
from rmsnet.evaluation.stage import evaluate_files
from rmsnet.features.profile import build_profile, summarize
from rmsnet.features.stage import extract
from rmsnet.matches.stage import spot_stage
from rmsnet.params import ExtractParams, Params, TrainParams
from rmsnet.study.scores import Bench, SplitScores
from rmsnet.style.tables import as_csv
from rmsnet.training.distributed import World
from rmsnet.training.history import Epoch
from rmsnet.training.inputs import BankFeatures
from rmsnet.training.trainer import Trainer
from rmsnet.video.frames import Pictures, write_frames
from rmsnet.video.pca import Pca, save_pca
from rmsnet.video.recipe import Recipe
from tests.builders import learnable_bank
from tests.field.league import GAMES, write_json, write_labels, write_league, write_predictions
from tests.fuzz.labels import write_examples
from tests.matches.builders import FEATURES, WIDTH, write_model
from tests.video.videos import write_video

EPOCH = Epoch(1, 1.5, 1.0, 0.5, 0.25, 0.01, 2.0, 100.0, 3.0)
GAME = GAMES["test"][0]
V2 = [{"gameTime": "1 - 00:10", "label": "Goal", "position": "10500", "visibility": "visible", "team": "home"}]
PICTURES = Pictures(height=32, width=32, resize=32, frame_rate=2.0, first_frame_seconds=0.5)
PCA = Pca(np.zeros(4, np.float32), np.eye(2, 4, dtype=np.float32))
RECORD = {
    "kind": "promote",
    "when": "2024-01-01T00:00:00+00:00",
    "who": "a@b",
    "why": "better",
    "decision": None,
    "moves": {"champion": [1, 2], "previous": [None, 1]},
    "models": {"1": "m-1", "2": "m-2"},
}
MLMODEL = {"flavors": {"python_function": {"artifacts": {"model": {"path": "artifacts/model"}}, "code": "code"}}}
POINTER = {"outs": [{"md5": "0123456789abcdef0123456789abcdef.dir", "size": 6, "nfiles": 2, "path": "data"}]}
DEPLOYMENT = {"image": "registry/rmsnet:1", "mlflow": "http://mlflow:5000", "train": {"cpu": "4", "gpus": 1}}
PARAMS = {"data": {"classes": "v1"}, "train": {"epochs": 3, "seed": 1}, "variants": {"full": {}, "b": {"dropout": 0.2}}}


def make_world(root: Path) -> Path:
    data = write_league(root / "data")
    write_json(data / GAME / "Labels-v2.json", {"UrlLocal": GAME, "annotations": V2})
    write_labels(root / "v1" / GAME, GAME)
    write_json(root / "v1" / "split.json", [GAME])
    extract(data, root / "features", ExtractParams(features=FEATURES))
    rows = np.random.default_rng(0).normal(size=(4, 50, WIDTH)).astype(np.float32)
    model = write_model(root / "model")
    write_json(model / "thresholds.json", {name: {"confidence": 0.5, "f1": 0.5} for name in ("card", "subs", "soccer")})
    write_json(model / "profile.json", build_profile([summarize(half) for half in rows], list(rows)))
    write_json(
        model / "run.json", {"run_id": "r", "model_id": "m", "tracking_uri": "sqlite:///x.db", "data_hashes": {}}
    )
    shutil.copytree(model, root / "untracked", ignore=shutil.ignore_patterns("run.json"))
    (model / "history.csv").write_text(as_csv(map(asdict, [EPOCH])))
    spot_stage([data], str(model), root / "spotted", split="test")
    write_predictions(root / "found", [GAME])
    v1 = class_list("v1")
    split = str(root / "v1" / "split.json")
    evaluate_files(
        root / "v1", {"m": root / "found"}, root / "evaluation" / "valid", split=split, classes=v1, tolerances=LOOSE
    )
    write_json(
        root / "validation.json", {"verdict": "passed", "dataset": "Own league", "dvc_md5": None, "summary": "ok"}
    )
    shutil.copytree(root / "evaluation" / "valid", root / "evaluation" / "test")
    write_json(root / "record.json", RECORD)
    write_json(root / "location.json", {"path": str(data)})
    for name, document in (
        ("MLmodel", MLMODEL),
        ("data.dvc", POINTER),
        ("deploy.yaml", DEPLOYMENT),
        ("params.yaml", PARAMS),
    ):
        (root / name).write_text(yaml.safe_dump(document))
    write_examples(root)
    (root / "classes.txt").write_text("Goal\nFoul\n")
    write_json(root / "classes.json", ["Goal", "Foul"])
    durations = [f"{name},{half},{60.5}" for names in GAMES.values() for name in names for half in (1, 2)]
    (data / "half_durations.csv").write_text("\n".join(["game,half,duration_seconds", *durations]) + "\n")
    save_file({"features": rows[0]}, root / "half.safetensors", {"recipe": "r", "warnings": json.dumps(["a line"])})
    save_pca(root, PCA)
    video = write_video(root / "video.mp4", range(0, 3000, 40))
    (root / "video.ini").write_text("[1_HQ.mkv]\nstart_time_second = 60.5\nduration_second = 2700\n")
    write_frames(root / "frames.zip", video, PICTURES, lambda *_: None)
    trainer = make_trainer()
    trainer.run_epoch(1, lambda clips: None)
    trainer.save(root / "checkpoint.safetensors", "fingerprint", [EPOCH])
    with zipfile.ZipFile(root / "found.zip", "w") as archive:
        archive.write(root / "found" / GAME / "results_spotting.json", f"{GAME}/results_spotting.json")
    scores = asdict(SplitScores(0.5, 0.4, [0.5] * 12, [[0.5] * 3] * 12))
    folder = bench_of(root).folder(TrainParams())
    write_json(folder / "scores.json", {"valid": scores, "test": scores})
    write_json(folder / "metrics.json", {"best_epoch": 1})
    (root / "scores").symlink_to(folder)
    return root


def make_trainer() -> Trainer:
    """A trainer before its first epoch."""
    bank = learnable_bank(1)
    params = TrainParams(clip_frames=9, foreground_clips=30, background_clips=10, batch_size=20, epochs=1)
    cpu = torch.device("cpu")
    return Trainer(bank, bank, BankFeatures(bank, bank, torch.float32, cpu), params, cpu, torch.float32, World())


def bench_of(root: Path) -> Bench:
    banks = {split: learnable_bank(1, seed=seed) for seed, split in enumerate(("train", "valid", "test"))}
    return Bench(banks, root, root / "runs", Params().spot)


def recipe() -> Recipe:
    return Recipe("resnet18", "w", "h", 2.0, 0.5).with_pca(2, PCA.hash)
