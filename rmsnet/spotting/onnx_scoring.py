"""What a model says to the clips of a bank, computed by ONNX Runtime; as `rmsnet.spotting.scoring`, without PyTorch."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from rmsnet.features.bank import FrameBank
from rmsnet.network.onnx_model import OnnxModel
from rmsnet.spotting.decoding import ClipScores, Ints, clip_scores, sliding_clips

CLIPS_AT_ONCE = 64


def score_onnx(model: OnnxModel, bank: FrameBank, stride: int) -> ClipScores:
    """As `rmsnet.spotting.scoring.score_clips`: the last clip of a half repeats its last frame.

    Raises:
        UserError: the network gives no numbers.
    """
    halves, starts, outputs = [], [], []
    for number, half in enumerate(bank.halves):
        first_frames = sliding_clips(half.frames, model.clip_frames, stride)
        rows = bank.features[half.first_frame : half.first_frame + half.frames].astype(np.float32, copy=False)
        if stride == 1 and model.every_clip is not None and half.frames >= model.clip_frames:
            outputs.append(_run(model.every_clip, rows))
        else:
            outputs += [_run(model.clips, clips) for clips in _clips(rows, first_frames, model.clip_frames)]
        halves.append(np.full(len(first_frames), number))
        starts.append(first_frames)
    logits, offset = (np.concatenate(parts) for parts in zip(*outputs, strict=True))
    start = np.concatenate(starts)
    return clip_scores(bank, np.concatenate(halves), start, logits, offset, model.clip_frames, model.regression)


def _clips(rows: npt.NDArray[np.float32], starts: Ints, clip_frames: int) -> Iterator[npt.NDArray[np.float32]]:
    """(B, T, D) clips of a half, B by B."""
    index = np.minimum(starts[:, None] + np.arange(clip_frames), len(rows) - 1)
    for first in range(0, len(starts), CLIPS_AT_ONCE):
        yield rows[index[first : first + CLIPS_AT_ONCE]]


def _run(session: Any, features: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    logits, offset = session.run(["logits", "offset"], {"features": np.ascontiguousarray(features)})
    return logits, offset
