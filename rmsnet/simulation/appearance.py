"""What frames look like: shots become features in the manner of PCA-reduced ResNet features, in integers.

Every part of a frame's appearance is a random vector whose components shrink like those of a PCA. Parts add up:

    frame = match + drift(t) + shot type + this shot + motion(t) within it + cues and context + noise

All sums are integers; the last step is one shift and one product with a power of two, which is exact.
"""

from dataclasses import dataclass
from math import isqrt

import numpy as np
import numpy.typing as npt

from rmsnet.simulation.broadcast import CONTEXTS, CUES, SHOT_TYPES, Broadcast
from rmsnet.simulation.draws import Draws

WIDTH = 512
"""Features of a frame."""

Integers = npt.NDArray[np.int32]

_SCALE_BITS = 20
"""Fixed point: 1.0 is 2^20. Products of a normal (148), the spectrum (64ths) and a percentage land near it."""

_DROPPED_BITS = 6
"""Bits cut off at the end, so that what is left fits the 24 bits of a float32's mantissa."""

# The strength of each part, in percent of the spectrum.
MATCH = 50
DRIFT = 25
SHOT_TYPE = 60
SHOT_TYPE_IN_MATCH = 30
SHOT = 55
MOTION = 30
NOISE = 30
CUE = 30
CUE_IN_MATCH = 15
CONTEXT = 60

_DRIFT_KNOTS = 4


def spectrum() -> Integers:
    """(512,) standard deviation of each component in 64ths: 7.4 / sqrt(k + 8), the decay of a PCA."""
    return np.array([isqrt(64 * 64 * 5476 // (100 * (k + 8))) for k in range(WIDTH)], np.int32)


@dataclass(frozen=True)
class Looks:
    """Appearances by name, in fixed point: of the world (what all matches share) or of one match (how it differs).

    Attributes:
        shot_types: (6, 512).
        cues: (cues, 512).
        contexts: (contexts, 512); only matches have them.
        offset: (512,) what every frame of the match has.
        drift: (knots, 512) the same, slowly changing.
    """

    shot_types: Integers
    cues: Integers
    contexts: Integers
    offset: Integers
    drift: Integers


def world_looks(draws: Draws) -> Looks:
    """What all matches share."""
    nothing = np.zeros((1, WIDTH), np.int32)
    return Looks(
        _vectors(draws, len(SHOT_TYPES), SHOT_TYPE),
        _vectors(draws, len(CUES), CUE),
        nothing,
        nothing[0],
        nothing,
    )


def match_looks(draws: Draws, world: Looks) -> Looks:
    """How a match looks: the world's looks, each changed, contexts and an offset of its own."""
    return Looks(
        world.shot_types + _vectors(draws, len(SHOT_TYPES), SHOT_TYPE_IN_MATCH),
        world.cues + _vectors(draws, len(CUES), CUE_IN_MATCH),
        _vectors(draws, len(CONTEXTS), CONTEXT),
        _vectors(draws, 1, MATCH)[0],
        _vectors(draws, 2 * _DRIFT_KNOTS, DRIFT),
    )


def half_features(draws: Draws, looks: Looks, broadcast: Broadcast, half: int) -> npt.NDArray[np.float32]:
    """The features of a half.

    Args:
        draws: the half's own stream.
        looks: of the match.
        broadcast: what is shown.
        half: 1 or 2.

    Returns:
        (T, 512) float32.
    """
    shot_of_frame = broadcast.shot_of_frame
    frames = len(shot_of_frame)
    shots = len(broadcast.shots)
    shown = _vectors(draws, shots, SHOT)
    for number, shot in enumerate(broadcast.shots):
        shown[number] += looks.shot_types[shot.kind]
        for cue, percent in shot.cues.items():
            shown[number] += looks.cues[cue] * np.int32(percent) // np.int32(100)
        if shot.context is not None:
            shown[number] += looks.contexts[shot.context]
    shown += looks.offset
    # Drift: half a match from knot to knot, a step per frame.
    place = (np.arange(frames, dtype=np.int64) * ((_DRIFT_KNOTS - 1) << 8) // max(frames, 1)).astype(np.int32)
    knots = looks.drift[(half - 1) * _DRIFT_KNOTS : half * _DRIFT_KNOTS] >> 8
    knot, part = place >> 8, (place & 255)[:, None]
    features = shown[shot_of_frame]
    features += knots[knot] * (256 - part) + knots[knot + 1] * part
    # Motion: each shot moves steadily along a direction of its own.
    first = np.flatnonzero(np.diff(shot_of_frame, prepend=-1))
    since = np.arange(frames, dtype=np.int32) - np.repeat(first, np.diff(first, append=frames)).astype(np.int32)
    pan = _vectors(draws, shots, MOTION) >> 4
    features += pan[shot_of_frame] * np.minimum(since, 16)[:, None]
    features += _vectors(draws, frames, NOISE)
    return (features >> _DROPPED_BITS).astype(np.float32) * np.float32(2.0 ** (_DROPPED_BITS - _SCALE_BITS))


def _vectors(draws: Draws, rows: int, percent: int) -> Integers:
    """(rows, 512) random appearances of a strength, in fixed point."""
    return draws.normals(rows, WIDTH) * (spectrum() * np.int32(percent))
