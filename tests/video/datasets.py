"""A small dataset of videos in SoccerNet's layout, whose pictures say which they are."""

import json
from pathlib import Path

import torch

from rmsnet.dataset.soccernet import SPLITS, split_file
from rmsnet.files import write_json
from rmsnet.params import ExtractParams
from tests.video.videos import write_video

HALF_SECONDS = 12


def video_dataset(root: Path, games: dict[str, int] | None = None) -> Path:
    """Games per split, each with two halves of `HALF_SECONDS` seconds and an event of each class."""
    number = 0
    for split in SPLITS:
        names = []
        for _ in range((games or {"train": 2, "valid": 1, "test": 1})[split]):
            names.append(f"game {number}")
            folder = root / "league" / "season" / names[-1]
            folder.mkdir(parents=True)
            for half in (1, 2):
                first = 100 * (2 * number + half)
                times = range(0, 1000 * HALF_SECONDS, 100)
                numbers = range(first, first + len(times))
                write_video(folder / f"{half}_224p.mkv", times, numbers=numbers, rate=10)
            annotations = [
                {"gameTime": f"1 - 00:0{2 + 2 * place}", "label": label, "team": "home"}
                for place, label in enumerate(("y-card", "substitution-in", "soccer-ball"))
            ]
            (folder / "Labels.json").write_text(json.dumps({"annotations": annotations}))
            number += 1
        write_json(root / split_file(split), {"league": {"season": names}})
    write_json(root / "dataset.json", {"name": "Numbered videos", "simulated": True})
    return root


def random_weights(path: Path, name: str = "resnet18") -> Path:
    """A file of random weights of a torchvision network."""
    from torchvision import models

    torch.manual_seed(0)
    torch.save(models.get_model(name, weights=None).state_dict(), path)
    return path


def small_params(weights: Path, **changes) -> ExtractParams:
    """Videos through a small ResNet at small pictures."""
    small = {"source": "videos", "backbone": "resnet18", "weights": str(weights), "height": 32, "pca": 6}
    return ExtractParams(**{**small, **changes})
