"""An exported model by ONNX Runtime beside the same by PyTorch: time of the processor on one thread, and what differs.

    python -m benchmarks.exported [--backbones resnet18 resnet152] [--rounds N]

Random weights and features: they cost what real ones cost. Rounds of both alternate and the least of each counts, so
that what else the machine does falls upon both. Pictures are drawn: broad surfaces with edges, as a broadcast has them.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from rmsnet.features.bank import FrameBank
from rmsnet.files import write_tensors
from rmsnet.network.model_config import BACKBONE_ONNX
from rmsnet.network.onnx_model import load_spotter, save_onnx
from rmsnet.network.spotting_model import SpottingModel
from rmsnet.spotting.inference import score_bank
from rmsnet.video.backbones import build_backbone, open_backbone
from rmsnet.video.extractor import Extractor, features_of, open_extractor
from rmsnet.video.onnx_graph import backbone_graph
from rmsnet.video.recipe import BACKBONE_FILE, Recipe
from tests.builders import bank, random_model

FRAMES = 5400
WIDTH = 512
PICTURES = 8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backbones", nargs="*", default=["resnet18", "resnet152"])
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(1)
    os.environ["OMP_NUM_THREADS"] = "1"
    print(f"load {os.getloadavg()[0]:.1f}\n\n| | PyTorch | ONNX Runtime | ratio | differ by |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        heads(Path(folder), options.rounds)
        for name in options.backbones:
            backbone(Path(folder) / name, name, options.rounds)


def heads(folder: Path, rounds: int) -> None:
    """A match of two halves from features."""
    model = random_model(width=WIDTH, weights_hash="random")
    save_onnx(folder, model)
    models, made = (model, load_spotter(folder)), bank([FRAMES, FRAMES], width=WIDTH)
    for name, stride in (("90 minutes, clips that follow each other", model.clip_frames), ("a clip at every frame", 1)):
        row(name, [partial(probabilities, one, made, stride) for one in models], rounds, 1, "s")


def probabilities(model: SpottingModel, made: FrameBank, stride: int) -> np.ndarray:
    return score_bank(model, made, stride).probability


def backbone(folder: Path, name: str, rounds: int) -> None:
    """Pictures of two sizes through a backbone, as they are decoded."""
    (folder / "exported").mkdir(parents=True)
    torch.manual_seed(0)
    write_tensors(folder / "random.safetensors", build_backbone(name).state_dict())
    network, described = open_backbone(name, str(folder / "random.safetensors"))
    write_tensors(folder / BACKBONE_FILE, network.state_dict())
    recipe = Recipe(**described, frame_rate=2.0, first_frame_seconds=0.5, width=398, resize=None)
    model = random_model(weights_hash="random", features=recipe.features_info())
    save_onnx(folder / "exported", model, {BACKBONE_ONNX: backbone_graph(recipe, folder)})
    extractors = open_extractor(recipe, folder, "cpu"), open_extractor(recipe, folder / "exported")
    for height, width in ((224, 398), (720, 1280)):
        pictures = drawn(height, width)
        works = [partial(features, one, pictures) for one in extractors]
        row(f"{name}, a picture of {width} × {height}", works, rounds, PICTURES, "ms")


def features(extractor: Extractor, pictures: np.ndarray) -> np.ndarray:
    return np.concatenate(list(features_of(pictures, extractor)))


def drawn(height: int, width: int) -> np.ndarray:
    random = np.random.default_rng(0)
    coarse = random.integers(0, 256, (PICTURES, height // 40 + 1, width // 40 + 1, 3), np.uint8)
    surfaces = coarse.repeat(40, axis=1).repeat(40, axis=2)[:, :height, :width]
    return np.clip(surfaces + random.integers(-6, 7, surfaces.shape), 0, 255).astype(np.uint8)


def row(name: str, works: list[Callable[[], Any]], rounds: int, items: int, unit: str) -> None:
    """Time both in turn."""
    best, answers = [float("inf")] * 2, [np.empty(0)] * 2
    for _ in range(rounds):
        for number, work in enumerate(works):
            begin = time.process_time()
            answers[number] = work()
            best[number] = min(best[number], (time.process_time() - begin) / items)
    theirs, ours = answers
    differ = np.linalg.norm(ours - theirs) / np.linalg.norm(theirs)
    shown = [f"{1000 * seconds:.1f} ms" if unit == "ms" else f"{seconds:.2f} s" for seconds in best]
    print(f"| {name} | {shown[0]} | {shown[1]} | {best[1] / best[0]:.2f} | {differ:.0e} |", flush=True)


if __name__ == "__main__":
    main()
