"""Spots of a half that is not over: what the clips so far say, and which of it no later clip can change."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rmsnet.network.spotting_model import SpottingModel
from rmsnet.params import SpotParams
from rmsnet.spots import Predictions
from rmsnet.spotting.decoding import ClipScores, Ints, decode_before
from rmsnet.spotting.inference import Features, half_bank, score_bank


@dataclass(frozen=True)
class Spots:
    """What is found so far.

    Attributes:
        found: in the order of time.
        settled: (N,) which of them are in the end what they are now.
    """

    found: Predictions
    settled: npt.NDArray[np.bool_]


class PartialSpotting:
    """Scores the clips of a half as its frames come in, and decodes them as is done at its end.

    The scores of a clip are those of the whole half but for the last bits: sums of other shapes.
    """

    def __init__(self, model: SpottingModel, params: SpotParams) -> None:
        """Of a half that has not begun.

        Args:
            model: the model.
            params: how to slide and decode.
        """
        self._model, self._params = model, params
        self._stride = params.stride or model.clip_frames
        self._next_clip = 0
        nothing: Ints = np.empty(0, np.int64)
        self._scores = ClipScores(nothing, np.empty(0), np.empty((0, len(model.classes) + 1)))

    def update(self, features: Features) -> Spots:
        """The spots of the (T, D) features that there are now, T > 0; those of before are their first rows."""
        self._score(features)
        found, settled = decode_before(
            self._scores,
            half_bank(self._model, features),
            self._model.clip_frames,
            self._params,
            self._next_clip,
        )
        order = np.lexsort((found.label, found.position_ms))
        in_order = Predictions(found.half[order], found.position_ms[order], found.label[order], found.confidence[order])
        return Spots(in_order, settled[order])

    def _score(self, features: Features) -> None:
        clip_frames = self._model.clip_frames
        # There is a frame behind each of these clips: an offset only ends before its clip does at the end of a half.
        clips = max(0, (len(features) - 1 - clip_frames - self._next_clip) // self._stride + 1)
        if clips == 0:
            return
        end = self._next_clip + (clips - 1) * self._stride + clip_frames + 1
        scores = score_bank(self._model, half_bank(self._model, features[self._next_clip : end]), self._stride)
        self._scores = ClipScores(
            np.concatenate([self._scores.half, scores.half[:clips]]),
            np.concatenate([self._scores.frame, scores.frame[:clips] + self._next_clip]),
            np.concatenate([self._scores.probability, scores.probability[:clips]]),
        )
        self._next_clip += clips * self._stride
