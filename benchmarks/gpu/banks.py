"""Frame banks of SoccerNet's size, made on the device in seconds: noise through which events shine."""

import numpy as np
import torch

from rmsnet.dataset.labels import V1_CLASSES
from rmsnet.features.bank import BankHalf, FrameBank
from rmsnet.spots import Truth

FRAMES_OF_AN_EVENT = 900
"""Six events in a half, about as SoccerNet has them: 300 games give 148,000 clips with an event, the paper 150,000."""

LEAD_FRAMES, SHOWN_FRAMES = 20, 4
"""Frames before an event that hint at it, and frames that show it."""


def made_bank(
    games: int, frames: int, width: int, device: torch.device, seed: int, every: int = FRAMES_OF_AN_EVENT
) -> FrameBank:
    """Games of two halves.

    Args:
        games: how many.
        frames: of a half.
        width: features of a frame, at least 6.
        device: where they are drawn; they end in this machine's memory.
        seed: of features and events.
        every: frames from an event to the next, about.
    """
    random = np.random.default_rng(seed)
    generator = torch.Generator(device).manual_seed(seed)
    halves = tuple(
        BankHalf(f"game {game}", half, (2 * game + half - 1) * frames, frames)
        for game in range(games)
        for half in (1, 2)
    )
    features = np.empty((len(halves) * frames, width), np.float32)
    events = frames // every
    place = every * np.arange(events) + every // 2 + random.integers(-every // 4, every // 4, (len(halves), events))
    label = random.permutation(np.arange(place.size) % len(V1_CLASSES)).reshape(place.shape)
    for number, half in enumerate(halves):
        made = 0.3 * torch.randn(frames, width, device=device, generator=generator)
        for frame, event in zip(place[number].tolist(), label[number].tolist(), strict=True):
            made[max(frame - LEAD_FRAMES, 0) : frame, len(V1_CLASSES) + event] += 1
            made[frame : frame + SHOWN_FRAMES, event] += 1
        torch.from_numpy(features[half.first_frame : half.first_frame + frames]).copy_(made)
    half_of = np.repeat(np.arange(len(halves)), events)
    truth = Truth(half_of, 500 * place.reshape(-1) + 500, label.reshape(-1), np.ones(len(half_of), bool))
    info = {"simulated": True, "dataset": "made up", "features": {"name": "made up"}, "data_hash": f"{seed}"}
    return FrameBank(features, halves, truth, V1_CLASSES, 2.0, 0.5, info)
