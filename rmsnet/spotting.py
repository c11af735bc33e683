"""From features to events: the network over sliding clips, relative offsets turned into times (paper, IV-B)."""

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from rmsnet.bank import BankHalf, FrameBank
from rmsnet.clips import sliding_clips
from rmsnet.errors import UserError
from rmsnet.model_files import SpottingModel, check_fits
from rmsnet.spots import Predictions, Truth

ASSUMED_OFFSET = 0.5
"""The relative offset of a network without the regression branch (paper, IV-D)."""

CLIPS_AT_ONCE = 512


Scorer = Callable[[Tensor], tuple[Tensor, Tensor]]
"""Clips (B, T, D) to logits (B, C + 1) and raw offsets (B,), as `RMSNet.forward`."""


def spot(
    score: Scorer,
    bank: FrameBank,
    *,
    clip_frames: int,
    stride: int,
    regression: bool = True,
    features: Tensor | None = None,
    device: torch.device | str = "cpu",
) -> Predictions:
    """Predict the events of every half of a bank.

    Clips slide over each half with the given stride (the paper: stride T). A clip predicts at most one event: its
    winning class, unless that is the background, with the softmax probability as confidence, at
    `start + offset · T`. The last clip of a half repeats the last frame where it reaches past the end.

    Args:
        score: the network in eval mode.
        bank: the halves.
        clip_frames: T.
        stride: frames between the starts of two clips.
        regression: False takes `ASSUMED_OFFSET` instead of the network's offset.
        features: (N, D) `bank.features` as `score` wants them; None: as they are, read as needed.
        device: where `score` computes.

    Returns:
        The predictions, half by half in time order of their clips.
    """
    first, last, half_of_clip = _clips_of_halves(bank, clip_frames, stride)
    if features is None:
        features = torch.from_numpy(bank.features)
    index = torch.arange(clip_frames)
    confidence: list[Tensor] = []
    label: list[Tensor] = []
    offset: list[Tensor] = []
    with torch.inference_mode():
        for part in _parts(len(first)):
            rows = torch.minimum(first[part, None] + index, last[part, None])
            clips = features[rows.to(features.device)].to(device)
            logits, raw_offset = score(clips)
            best, winner = logits.float().softmax(dim=1).max(dim=1)
            confidence.append(best)
            label.append(winner)
            offset.append(torch.sigmoid(raw_offset.float()))
    winners = torch.cat(label).cpu().numpy()
    relative = torch.cat(offset).cpu().numpy().astype(np.float64)
    if not regression:
        relative[:] = ASSUMED_OFFSET
    half = half_of_clip.numpy()
    half_starts = np.array([item.first_frame for item in bank.halves], np.int64)
    half_frames = np.array([item.frames for item in bank.halves], np.int64)
    frame = (first.numpy() - half_starts[half]) + relative * clip_frames
    frame = np.minimum(frame, half_frames[half] - 1.0)
    position_ms = np.rint(1000 * bank.seconds_of(frame)).astype(np.int64)
    event = winners != len(bank.classes)
    return Predictions(
        half[event],
        position_ms[event],
        winners[event],
        torch.cat(confidence).cpu().numpy().astype(np.float64)[event],
    )


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


def _parts(clips: int) -> Iterator[slice]:
    for start in range(0, clips, CLIPS_AT_ONCE):
        yield slice(start, start + CLIPS_AT_ONCE)


def spot_bank(model: SpottingModel, bank: FrameBank, stride: int | None = None) -> Predictions:
    """Predict the events of a bank with a trained model, in float32; stride T unless told otherwise.

    Raises:
        UserError: the bank's features are not those the model was trained on.
    """
    check_fits(model, bank)
    return spot(
        model.network,
        bank,
        clip_frames=model.clip_frames,
        stride=model.clip_frames if stride is None else stride,
        regression=model.regression,
        device=next(model.network.parameters()).device,
    )


def spot_features(model: SpottingModel, features: npt.NDArray[np.float32]) -> Predictions:
    """Predict the events of one half from its (T, D) features.

    Raises:
        UserError: another width than the model's, or no frames.
    """
    if features.ndim != 2 or features.shape[1] != model.config["width"] or len(features) == 0:
        raise UserError(f"features of shape {features.shape}: the model wants (frames, {model.config['width']})")
    nothing = np.empty(0, np.int64)
    bank = FrameBank(
        features,
        (BankHalf("", 1, 0, len(features)),),
        Truth(nothing, nothing, nothing, nothing.astype(bool)),
        model.classes,
        model.config["frame_rate"],
        model.config["first_frame_seconds"],
        {"features": model.config["features"]},
    )
    return spot_bank(model, bank)
