"""From features to events: a trained model over the halves of a bank or one half (paper, IV-B)."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from rmsnet.dataset.class_lists import difference
from rmsnet.errors import UserError
from rmsnet.features.bank import TOLD_ON, BankHalf, FrameBank, require_finite
from rmsnet.network.onnx_model import OnnxModel
from rmsnet.network.spotting_model import SpottingModel
from rmsnet.params import SpotParams
from rmsnet.reading.arrays import require_finite as require_finite_rows
from rmsnet.spots import Predictions, Truth
from rmsnet.spotting.decoding import ClipScores, Ints, decode

Features = npt.NDArray[np.float32]


def check_fits(model: SpottingModel, bank: FrameBank) -> None:
    """Refuse a bank that the model cannot read.

    Raises:
        UserError: other classes, features, width or frame rate than the model was trained on.
    """
    ours, theirs = list(model.classes), list(bank.classes)
    if ours != theirs:
        raise UserError(_differs("classes", ours, theirs) + difference(ours, theirs))
    fault = misfit(model.config, bank)
    if fault is not None:
        raise UserError(fault)


def misfit(config: Mapping[str, Any], bank: FrameBank) -> str | None:
    """What of a bank's frames is not as a model of this config reads them; None: nothing. Classes are not asked for."""
    for key, ours, theirs in (
        ("features", _features(config["features"]), _features(bank.info["features"])),
        ("width", config["width"], bank.width),
        ("frame_rate", config["frame_rate"], bank.frame_rate),
        ("first_frame_seconds", config["first_frame_seconds"], bank.first_frame_seconds),
    ):
        if ours != theirs:
            return _differs(key, ours, theirs)
    return None


def _differs(key: str, ours: Any, theirs: Any) -> str:
    return f"{key}: the model was trained on {ours}, the frame bank holds {theirs}"


def _features(info: Mapping[str, Any]) -> str:
    """What tells features from others: their name, and the hash of their recipe where they have one.

    The recipe itself says what the weights' file is called too, which does not matter.
    """
    return f"{info['name']} of recipe {info['hash']}" if "hash" in info else str(info["name"])


def spot_bank(model: SpottingModel, bank: FrameBank, params: SpotParams | None = None) -> Predictions:
    """Predict the events of a bank with a trained model, in float32.

    Args:
        model: the model.
        bank: the halves.
        params: how to slide and decode; None: as the model's config says.

    Raises:
        UserError: the bank's features are not those the model was trained on, or are not finite.
    """
    check_fits(model, bank)
    require_finite(bank)
    return _spot(model, bank, params or model.spot)


def _spot(model: SpottingModel, bank: FrameBank, params: SpotParams) -> Predictions:
    stride = params.stride or model.clip_frames
    if stride > model.clip_frames:
        raise UserError(f"spot.stride: {stride} frames leave gaps between clips of {model.clip_frames}")
    return decode(score_bank(model, bank, stride), bank, model.clip_frames, params)


def score_bank(model: SpottingModel, bank: FrameBank, stride: int) -> ClipScores:
    """What a model says to the clips of a bank, `stride` frames apart."""
    if isinstance(model, OnnxModel):
        from rmsnet.spotting.onnx_scoring import score_onnx

        return score_onnx(model, bank, stride)

    from rmsnet.spotting.scoring import score_clips, score_every_clip

    if stride == 1:
        return score_every_clip(model, bank)
    return score_clips(
        model.network,
        bank,
        clip_frames=model.clip_frames,
        stride=stride,
        regression=model.regression,
        device=next(model.network.parameters()).device,
    )


def spot_features(model: SpottingModel, features: Features) -> Predictions:
    """Predict the events of one half from its (T, D) features.

    Raises:
        UserError: another width than the model's, no frames, or features that are not finite.
    """
    if features.ndim != 2 or features.shape[1] != model.config["width"] or len(features) == 0:
        raise UserError(f"features of shape {features.shape}: the model wants (frames, {model.config['width']})")
    require_finite_rows(features, "the features")
    return _spot(model, half_bank(model, features), model.spot)


def half_bank(model: SpottingModel, features: Features) -> FrameBank:
    """The (T, D) features of one half as a bank without events."""
    nothing: Ints = np.empty(0, np.int64)
    return FrameBank(
        features,
        (BankHalf("", 1, 0, len(features)),),
        Truth(nothing, nothing, nothing, nothing.astype(bool)),
        model.classes,
        model.config["frame_rate"],
        model.config["first_frame_seconds"],
        {"features": model.config["features"], **{key: model.config[key] for key in TOLD_ON if key in model.config}},
    )
