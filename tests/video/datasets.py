"""A small dataset of videos in SoccerNet's layout, whose pictures say which they are."""

from pathlib import Path

import torch

from rmsnet.params import ExtractParams
from tests.builders import write_labels, write_lists
from tests.video.videos import write_video

HALF_SECONDS = 12


def video_dataset(root: Path, games: dict[str, int] | None = None) -> Path:
    """Games per split, each with two halves of `HALF_SECONDS` seconds and an event of each class."""
    number, lists = 0, {}
    for split, count in (games or {"train": 2, "valid": 1, "test": 1}).items():
        lists[split] = [f"league/season/game {number + place}" for place in range(count)]
        for game in lists[split]:
            folder = root / game
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
            write_labels(folder, annotations)
            number += 1
    return write_lists(root, "Numbered videos", **lists)


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
