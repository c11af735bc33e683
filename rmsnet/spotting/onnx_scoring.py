"""What a model says to the clips of a bank, computed by ONNX Runtime; as `rmsnet.spotting.scoring`, without PyTorch."""

import numpy as np

from rmsnet.errors import UserError
from rmsnet.features.bank import FrameBank
from rmsnet.network.onnx_model import OnnxModel
from rmsnet.spotting.decoding import ASSUMED_OFFSET, ClipScores, sliding_clips

CLIPS_AT_ONCE = 64


def score_onnx(model: OnnxModel, bank: FrameBank, stride: int) -> ClipScores:
    """As `rmsnet.spotting.scoring.score_clips`: the last clip of a half repeats its last frame.

    Raises:
        UserError: the network gives no numbers.
    """
    index = np.arange(model.clip_frames)
    halves, frames, probabilities = [], [], []
    for number, half in enumerate(bank.halves):
        starts = sliding_clips(half.frames, model.clip_frames, stride)
        rows = bank.features[half.first_frame : half.first_frame + half.frames]
        for first in range(0, len(starts), CLIPS_AT_ONCE):
            of_part = starts[first : first + CLIPS_AT_ONCE]
            clips = rows[np.minimum(of_part[:, None] + index, half.frames - 1)].astype(np.float32, copy=False)
            logits, offset = (
                part.astype(np.float64) for part in model.session.run(["logits", "offset"], {"features": clips})
            )
            if not np.isfinite(logits.sum(axis=1) + offset).all():
                where = f"{half.game}, half {half.half}".lstrip(", ")
                raise UserError(
                    f"{where}: the network gives no numbers for it: its features are too large, or its weights damaged"
                )
            relative = 1 / (1 + np.exp(-offset)) if model.regression else np.full(len(offset), ASSUMED_OFFSET)
            scaled = np.exp(logits - logits.max(axis=1, keepdims=True))
            halves.append(np.full(len(of_part), number))
            frames.append(np.minimum(of_part + relative * model.clip_frames, half.frames - 1.0))
            probabilities.append(scaled / scaled.sum(axis=1, keepdims=True))
    return ClipScores(np.concatenate(halves), np.concatenate(frames), np.concatenate(probabilities))
