"""From what the network says to clips to events: winners or all classes, votes, suppression, spread confidences.

The paper takes the winning class of each clip and nothing else; everything further is an option (`SpotParams`).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rmsnet.errors import UserError
from rmsnet.features.bank import FrameBank
from rmsnet.params import SpotParams
from rmsnet.spots import Predictions

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

ASSUMED_OFFSET = 0.5
"""The relative offset of a network without the regression branch (paper, IV-D)."""

LEAST_CONFIDENCE = 1e-3
"""Where all classes or votes are scored, what is less likely than this is no prediction."""

VOTE_SECONDS = 2.0
"""Votes this far apart, at most, are for one event."""

LOGIT_LIMIT = 12.0
"""Spread confidences put log-odds of -12 … 12 on 0 … 1."""


@dataclass(frozen=True)
class ClipScores:
    """What the network says to clips, in the order of halves and time.

    Attributes:
        half: (N,) number of the half.
        frame: (N,) where in its half the clip's event would be: start + offset · T, in frames.
        probability: (N, C + 1) softmax, background last.
    """

    half: Ints
    frame: Floats
    probability: Floats


def clip_scores(
    bank: FrameBank,
    half: Ints,
    start: Ints,
    logits: npt.NDArray[np.float32],
    offset: npt.NDArray[np.float32],
    clip_frames: int,
    regression: bool,
) -> ClipScores:
    """What the outputs of the network for clips of a bank mean.

    Args:
        bank: the halves.
        half: (N,) number of each clip's half.
        start: (N,) its first frame there.
        logits: (N, C + 1) class logits.
        offset: (N,) before the sigmoid.
        clip_frames: T.
        regression: False takes `ASSUMED_OFFSET` instead of the network's offset.

    Raises:
        UserError: the network gives no numbers.
    """
    for number in np.unique(half[~(np.isfinite(logits).all(axis=1) & np.isfinite(offset))])[:1]:
        where = f"{bank.halves[number].game}, half {bank.halves[number].half}".lstrip(", ")
        raise UserError(
            f"{where}: the network gives no numbers for it: its features are too large, or its weights damaged"
        )
    relative = np.full(len(offset), ASSUMED_OFFSET)
    if regression:
        with np.errstate(over="ignore"):  # 1 / infinity is what it means
            relative = 1 / (1 + np.exp(-offset.astype(np.float64)))
    frames = np.array([item.frames for item in bank.halves], np.int64)
    frame = np.minimum(start + relative * clip_frames, frames[half] - 1.0)
    scaled = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    return ClipScores(half, frame, scaled / scaled.sum(axis=1, keepdims=True))


@dataclass(frozen=True)
class _Spots:
    """Events with places in frames, all (N,)."""

    half: Ints
    frame: Floats
    label: Ints
    confidence: Floats

    def __getitem__(self, which: Ints | npt.NDArray[np.bool_]) -> "_Spots":
        return _Spots(self.half[which], self.frame[which], self.label[which], self.confidence[which])


def decode(scores: ClipScores, bank: FrameBank, clip_frames: int, params: SpotParams) -> Predictions:
    """The events that clips speak for.

    Args:
        scores: of clips of the bank's halves.
        bank: its halves and time base.
        clip_frames: T; an event that all its clips are sure of has T votes, a confidence of 1.
        params: how to decode.

    Returns:
        Predictions in the order of halves and time.
    """
    return decode_before(scores, bank, clip_frames, params, np.inf)[0]


def decode_before(
    scores: ClipScores, bank: FrameBank, clip_frames: int, params: SpotParams, next_clip: float
) -> tuple[Predictions, npt.NDArray[np.bool_]]:
    """See `decode`; of clips of which more are to come.

    Args:
        next_clip: the frame at which the next one starts; it and all behind it speak for no frame before.

    Returns:
        Predictions, and (N,) of which of them it is certain that the clips to come change nothing.
    """
    classes = len(bank.classes)
    if params.votes:
        found = _vote(scores, bank, clip_frames)
    elif params.all_classes:
        clip, label = np.nonzero(scores.probability[:, :classes] >= LEAST_CONFIDENCE)
        found = _Spots(scores.half[clip], scores.frame[clip], label, scores.probability[clip, label])
    else:
        winner = scores.probability.argmax(axis=1)
        clip = np.flatnonzero(winner != classes)
        found = _Spots(scores.half[clip], scores.frame[clip], winner[clip], scores.probability[clip, winner[clip]])
    suppress = {"none": None, "hard": hard_suppression, "soft": soft_suppression}[params.suppression]
    # A peak of votes is felt by votes on either side, and its place is their mean.
    frontier = next_clip - 3 * round(VOTE_SECONDS * bank.frame_rate) if params.votes else next_clip
    settled = found.frame < frontier if params.votes else np.ones(len(found.frame), bool)
    if suppress is not None:
        window = params.suppression_seconds * bank.frame_rate
        for group in _groups(found):
            settled[group] = decided(
                found.frame[group], found.confidence[group], window, frontier, params.suppression == "soft"
            )
        found, kept = _suppressed(found, suppress, window)
        settled = settled[kept]
    confidence = spread(found.confidence) if params.spread else found.confidence
    position_ms = np.rint(1000 * bank.seconds_of(found.frame)).astype(np.int64)
    return Predictions(found.half, position_ms, found.label, confidence), settled


def vote_curves(scores: ClipScores, half: int, frames: int, classes: int) -> Ints:
    """(C, frames) how many clips predicted each frame of a half as the spot of each class (paper, IV-F and Fig. 7)."""
    winner = scores.probability.argmax(axis=1)
    clips = (scores.half == half) & (winner != classes)
    frame = np.clip(np.rint(scores.frame[clips]).astype(np.int64), 0, frames - 1)
    counts = np.bincount(winner[clips] * frames + frame, minlength=classes * frames)
    return counts.reshape(classes, frames)


def _vote(scores: ClipScores, bank: FrameBank, clip_frames: int) -> _Spots:
    """Peaks of the votes: each clip gives each class its probability, at the frame where it sees the event."""
    classes = len(bank.classes)
    reach = round(VOTE_SECONDS * bank.frame_rate)
    halves, frames, labels, confidences = [], [], [], []
    ends = np.searchsorted(scores.half, np.arange(len(bank.halves) + 1))
    for number, half in enumerate(bank.halves):
        of_half = slice(ends[number], ends[number + 1])
        place = scores.frame[of_half]
        frame = np.clip(np.rint(place).astype(np.int64), 0, half.frames - 1)
        for label in range(classes):
            probability = scores.probability[of_half, label]
            votes = _box_sum(_histogram(frame, probability, half.frames), reach)
            moment = _box_sum(_histogram(frame, probability * place, half.frames), reach)
            peak = np.flatnonzero(_is_peak(votes, reach) & (votes >= LEAST_CONFIDENCE * clip_frames))
            halves.append(np.full(len(peak), number))
            frames.append(np.clip(moment[peak] / votes[peak], 0, half.frames - 1))
            labels.append(np.full(len(peak), label))
            confidences.append(np.minimum(votes[peak] / clip_frames, 1.0))
    found = _Spots(*(np.concatenate(column) for column in (halves, frames, labels, confidences)))
    return found[np.lexsort((found.frame, found.half))]


def _histogram(frame: Ints, weight: Floats, frames: int) -> Floats:
    return np.bincount(frame, weight, frames).astype(np.float64)


def _box_sum(values: Floats, reach: int) -> Floats:
    """Sums over `reach` neighbours on either side."""
    total = np.concatenate([np.zeros(reach + 1), np.cumsum(values), np.full(reach, values.sum())])
    return np.asarray(np.maximum(total[2 * reach + 1 :] - total[: -2 * reach - 1], 0.0))


def _is_peak(values: Floats, reach: int) -> npt.NDArray[np.bool_]:
    """Which values no neighbour within reach exceeds, the first of equals."""
    peak = np.ones(len(values), bool)
    for distance in range(1, reach + 1):
        before, after = values[:-distance], values[distance:]
        peak[distance:] &= after > before
        peak[:-distance] &= before >= after
    return peak


def _suppressed(
    found: _Spots, suppress: Callable[[Floats, Floats, float], Floats], window: float
) -> tuple[_Spots, Ints]:
    """What is left, and which rows those were."""
    confidence = found.confidence.copy()
    for group in _groups(found):
        confidence[group] = suppress(found.frame[group], found.confidence[group], window)
    kept = np.flatnonzero(confidence > 0)
    return _Spots(found.half[kept], found.frame[kept], found.label[kept], confidence[kept]), kept


def _groups(found: _Spots) -> Iterator[Ints]:
    """The rows of each half and class."""
    order = np.lexsort((found.label, found.half))
    half, label = found.half[order], found.label[order]
    ends = np.flatnonzero((np.diff(half) != 0) | (np.diff(label) != 0)) + 1
    yield from np.split(order, ends)


def hard_suppression(frame: Floats, confidence: Floats, window: float) -> Floats:
    """(N,) confidences of one half and class, zero where a better prediction is nearer than `window` frames."""
    result = np.zeros_like(confidence)
    left = np.ones(len(frame), bool)
    for best in np.argsort(-confidence, kind="stable"):
        if left[best]:
            result[best] = confidence[best]
            left &= np.abs(frame - frame[best]) >= window
    return result


def soft_suppression(frame: Floats, confidence: Floats, window: float) -> Floats:
    """(N,) confidences of one half and class, each weakened by (distance / window)² for every better one near it.

    Bodla et al., Soft-NMS, 2017, with time for overlap. What falls below `LEAST_CONFIDENCE` is dropped.
    """
    result = np.zeros_like(confidence)
    left = confidence.copy()
    while len(left) and left.max() >= LEAST_CONFIDENCE:
        best = int(left.argmax())
        result[best] = left[best]
        left *= np.minimum(np.abs(frame - frame[best]) / window, 1.0) ** 2
        left[best] = 0.0
    return result


def decided(frame: Floats, confidence: Floats, window: float, frontier: float, soft: bool) -> npt.NDArray[np.bool_]:
    """(N,) of which predictions of one half and class nothing that comes later changes what suppression leaves of them.

    The best of its neighbourhood is kept as it is, whatever lies further off. So a prediction is decided when nothing
    new can come near it and whatever near it is better is decided.

    Args:
        frame, confidence: (N,) of the predictions, before suppression.
        window: how far one is felt, in frames.
        frontier: what is to come lies at this frame or behind it.
        soft: whether others are weakened or dropped.
    """
    result = np.zeros(len(frame), bool)
    unknown = frame + window > frontier
    left, waiting = confidence.copy(), np.ones(len(frame), bool)
    while waiting.any():
        best = int(np.where(waiting, left, -1.0).argmax())
        waiting[best] = False
        distance = np.abs(frame - frame[best])
        near = waiting & (distance < window)
        if unknown[best]:
            unknown |= near
            continue
        result[best] = True
        if soft:
            left = np.where(near, left * (distance / window) ** 2, left)
        else:
            waiting &= ~near
            result |= near
    return result


def spread(confidence: Floats) -> Floats:
    """Confidences on the scale of their log-odds, in [0, 1]; their order stays.

    The official metric looks at confidences at 200 evenly spaced thresholds; sure predictions, all above 0.995, fall
    between two of them and count as equal.
    """
    with np.errstate(divide="ignore"):
        log_odds = np.log(confidence) - np.log1p(-confidence)
    return np.asarray((np.clip(log_odds, -LOGIT_LIMIT, LOGIT_LIMIT) + LOGIT_LIMIT) / (2 * LOGIT_LIMIT))


def sliding_clips(frames: int, clip_frames: int, stride: int) -> Ints:
    """First frames of the windows that cover a half from its start: 0, stride, 2·stride, …

    The last window may reach past the end of the half; whoever reads it repeats the last frame.
    """
    return np.arange(0, max(frames - clip_frames + stride, 1), stride, dtype=np.int64)
