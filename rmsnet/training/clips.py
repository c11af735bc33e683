"""Clip tables: every clip of T frames that training may draw, as a row (first frame, event frame, class).

Paper, III-C: foreground clips are all windows of T frames that hold an event, stride 1, so that the event's place
in the clip is uniform by construction; background clips slice the rest of each half with stride T. "The rest" is
what no foreground clip reaches: on the 300 real training games this gives the paper's counts (IV-B: around 150,000
and 72,000), while slicing everything between two events gives 77,000.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rmsnet.errors import UserError
from rmsnet.features.bank import FrameBank

Frames = npt.NDArray[np.int64]

SUBSTITUTIONS = frozenset({"subs", "Substitution"})


@dataclass(frozen=True)
class ClipTable:
    """Clips to draw from.

    Attributes:
        first_frame: (N,) row of the frame bank at which the clip starts.
        event_index: (N,) index in 0..T-1 of the frame that shows the event; -1 in background clips.
        label: (N,) class of the event; C, the number of classes, in background clips.
    """

    first_frame: Frames
    event_index: Frames
    label: Frames

    def __len__(self) -> int:
        return len(self.first_frame)


def is_halftime_substitution(bank: FrameBank) -> npt.NDArray[np.bool_]:
    """(N,) which events are substitutions in second 0 of a second half: nothing on screen shows them (paper, IV-B)."""
    truth = bank.truth
    second_half = np.array([half.half == 2 for half in bank.halves], bool)[truth.half]
    substitution = np.array([name in SUBSTITUTIONS for name in bank.classes], bool)[truth.label]
    return np.asarray(second_half & substitution & (truth.position_ms < 1000), bool)


def training_clips(
    bank: FrameBank, clip_frames: int, uniform_offsets: bool = True, drop_halftime_substitutions: bool = True
) -> tuple[ClipTable, ClipTable]:
    """The foreground and the background clips of a bank.

    A dropped half-time substitution is no event at all: its frames may be background. Annotations that name one
    event twice (same frame and class) count once; an event past the last frame has no clip.

    Args:
        bank: the frames and events of the training split.
        clip_frames: T.
        uniform_offsets: False keeps only the clip that holds the event in its middle (Table III).
        drop_halftime_substitutions: see `is_halftime_substitution`.

    Returns:
        Foreground and background table.

    Raises:
        UserError: T is longer than every half, a class has no clip, or no background is left.
    """
    longest = max((half.frames for half in bank.halves), default=0)
    if clip_frames > longest:
        raise UserError(f"train.clip_frames: {clip_frames} frames are more than the longest half has ({longest})")
    truth = bank.truth
    kept = np.ones(len(truth.half), bool)
    if drop_halftime_substitutions:
        kept &= ~is_halftime_substitution(bank)
    events = np.stack([truth.half, bank.frame_of(truth.position_ms), truth.label], axis=1)[kept]
    events = np.unique(events, axis=0)

    foreground: list[Frames] = []
    background: list[Frames] = []
    for number, half in enumerate(bank.halves):
        of_half = events[events[:, 0] == number]
        of_half = of_half[of_half[:, 1] < half.frames]
        for _, event_frame, label in of_half:
            if uniform_offsets:
                starts = np.arange(max(0, event_frame - clip_frames + 1), event_frame + 1)
            else:
                starts = np.array([event_frame - clip_frames // 2])
            starts = starts[(starts >= 0) & (starts + clip_frames <= half.frames)]
            rows = np.stack([half.first_frame + starts, event_frame - starts, np.full_like(starts, label)], axis=1)
            foreground.append(rows)
        starts = _background_starts(of_half[:, 1], half.frames, clip_frames)
        nothing = np.stack(
            [half.first_frame + starts, np.full_like(starts, -1), np.full_like(starts, len(bank.classes))], axis=1
        )
        background.append(nothing)
    table = _table(foreground)
    present = np.bincount(table.label, minlength=len(bank.classes))
    missing = [name for name, count in zip(bank.classes, present, strict=True) if count == 0]
    if missing:
        raise UserError(f"training split: no clip of class {', '.join(missing)}; add games that show it")
    rest = _table(background)
    if len(rest) == 0:
        raise UserError(f"training split: no {clip_frames} frames in a row without an event; there is no background")
    return table, rest


def _background_starts(event_frames: Frames, frames: int, clip_frames: int) -> Frames:
    """Starts of the windows, stride T, in each stretch of a half that no foreground clip reaches."""
    reached = np.unique(event_frames)
    stretch_starts = np.concatenate([[0], reached + clip_frames])
    stretch_ends = np.concatenate([reached - clip_frames + 1, [frames]])
    starts = [
        np.arange(start, end - clip_frames + 1, clip_frames)
        for start, end in zip(stretch_starts, stretch_ends, strict=True)
    ]
    return np.concatenate(starts).astype(np.int64)


def _table(rows: list[Frames]) -> ClipTable:
    stacked = np.concatenate(rows).astype(np.int64) if rows else np.empty((0, 3), np.int64)
    return ClipTable(stacked[:, 0], stacked[:, 1], stacked[:, 2])
