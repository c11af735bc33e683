"""From features to events: the network over sliding clips, relative offsets turned into times (paper, IV-B)."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from rmsnet.features.bank import FrameBank
from rmsnet.network.dense import SHORTEST_CLIP, dense_scores
from rmsnet.network.devices import release_pages
from rmsnet.network.spotting_model import SpottingModel
from rmsnet.spotting.decoding import ClipScores, Ints, clip_scores
from rmsnet.spotting.decoding import sliding_clips as sliding_clips

CLIPS_AT_ONCE = {"cpu": 512, "cuda": 4096}
"""A GPU computes few in less time than they take to launch; 4,096 clips of 41 frames, 512 float32 features: 0.34 GB."""


Scorer = Callable[[Tensor], tuple[Tensor, Tensor]]
"""Clips (B, T, D) to logits (B, C + 1) and raw offsets (B,), as `RMSNet.forward`."""


def score_clips(
    score: Scorer,
    bank: FrameBank,
    *,
    clip_frames: int,
    stride: int,
    regression: bool = True,
    features: Tensor | None = None,
    device: torch.device | str = "cpu",
) -> ClipScores:
    """What the network says to the clips that slide over every half of a bank.

    The last clip of a half repeats the last frame where it reaches past the end.

    Args:
        score: the network in eval mode.
        bank: the halves.
        clip_frames: T.
        stride: frames between the starts of two clips.
        regression: False takes `ASSUMED_OFFSET` instead of the network's offset.
        features: (N, D) `bank.features` as `score` wants them; None: as they are, read as needed.
        device: where `score` computes.
    """
    first, last, half_of_clip = _clips_of_halves(bank, clip_frames, stride)
    if features is None:
        features = torch.from_numpy(bank.features)
    index = torch.arange(clip_frames)
    logits: list[Tensor] = []
    offset: list[Tensor] = []
    with torch.inference_mode():
        for part in _parts(len(first), CLIPS_AT_ONCE[torch.device(device).type]):
            rows = torch.minimum(first[part, None] + index, last[part, None])
            # Clips overlap and follow each other: each frame travels once, and clips are made where they are scored.
            start = int(rows[0, 0])
            frames = features[start : int(rows[-1, -1]) + 1].to(device)
            of_part = score(frames[(rows - start).to(device)])
            logits.append(of_part[0])
            offset.append(of_part[1])
            release_pages(bank.features)
    start = first.numpy() - _first_frames(bank)[half_of_clip.numpy()]
    return clip_scores(bank, half_of_clip.numpy(), start, _numbers(logits), _numbers(offset), clip_frames, regression)


def score_every_clip(model: SpottingModel, bank: FrameBank) -> ClipScores:
    """`score_clips` with stride 1 by a trained model, computing nothing twice; see `rmsnet.network.dense`.

    Halves shorter than a clip, and clips too short for it, are scored clip by clip.
    """
    network, clip_frames = model.network, model.clip_frames
    device = next(network.parameters()).device
    if clip_frames < SHORTEST_CLIP or any(half.frames < clip_frames for half in bank.halves):
        return score_clips(network, bank, clip_frames=clip_frames, stride=1, regression=model.regression, device=device)
    logits, offset, half_of_clip, start = [], [], [], []
    with torch.inference_mode():
        for number, half in enumerate(bank.halves):
            features = torch.from_numpy(bank.features[half.first_frame : half.first_frame + half.frames]).to(device)
            of_half = dense_scores(network, features, clip_frames)
            logits.append(of_half[0])
            offset.append(of_half[1])
            start.append(np.arange(len(of_half[0])))
            half_of_clip.append(np.full(len(of_half[0]), number))
            release_pages(bank.features)
    return clip_scores(
        bank,
        np.concatenate(half_of_clip),
        np.concatenate(start),
        _numbers(logits),
        _numbers(offset),
        clip_frames,
        model.regression,
    )


def _numbers(parts: Sequence[Tensor]) -> npt.NDArray[np.float32]:
    return np.asarray(torch.cat(list(parts)).float().cpu().numpy())


def _first_frames(bank: FrameBank) -> Ints:
    return np.array([half.first_frame for half in bank.halves], np.int64)


def _clips_of_halves(bank: FrameBank, clip_frames: int, stride: int) -> tuple[Tensor, Tensor, Tensor]:
    """First row of each clip, last row of its half, number of its half; all (clips,)."""
    first, last, number = [], [], []
    for half_number, half in enumerate(bank.halves):
        starts = sliding_clips(half.frames, clip_frames, stride)
        first.append(half.first_frame + starts)
        last.append(np.full(len(starts), half.first_frame + half.frames - 1))
        number.append(np.full(len(starts), half_number))
    return (
        torch.from_numpy(np.concatenate(first)),
        torch.from_numpy(np.concatenate(last)),
        torch.from_numpy(np.concatenate(number)),
    )


def _parts(clips: int, at_once: int) -> Iterator[slice]:
    for start in range(0, clips, at_once):
        yield slice(start, start + at_once)
